"""Connections that are cut, and how that is noticed: whoever finds one cut is asked to try again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import structlog
from procrastinate import PsycopgConnector
from redis import Redis
from sqlalchemy import Engine, text

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.embedded.processes import wait_until
from mountify.gateways import Gateways
from mountify.jobs import worker
from mountify.one_by_one import Tally, each_alone
from mountify.transaction import transaction
from tests.factories import make_shop
from tests.web import Browser, words

pytestmark = pytest.mark.commits
Cut = Callable[[], None]
ShopWith = Callable[[Callable[[], object]], Browser]


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()
    db.release()


@pytest.fixture(params=["stood still", "database restarted"])
def cut(request: pytest.FixtureRequest, engine: Engine) -> Cut:
    """Cut the connection of the session, in the midst of its transaction."""

    def cut() -> None:
        pid = {"pid": db.session.scalar(text("SELECT pg_backend_pid()"))}
        if request.param == "stood still":
            db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5ms'"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
            if request.param == "database restarted":
                other.execute(text("SELECT pg_terminate_backend(:pid)"), pid)
            lives = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = :pid)")
            assert wait_until(lambda: not other.scalar(lives, pid), 10)

    return cut


@pytest.fixture
def shop_with(config: Config, gateways: Gateways, redis: Redis) -> ShopWith:
    """A shop in which something happens at an address."""

    def make(view: Callable[[], object]) -> Browser:
        app = create_app(config, gateways)
        for path in ("/it", "/api/it"):
            app.add_url_rule(path, path, lambda: f"well: {view()}")
        return Browser(app)

    return make


def ask() -> object:
    return db.session.scalar(text("SELECT 1"))


def change(cut: Cut) -> None:
    with transaction():
        cut()


def told(logs: list[structlog.typing.EventDict]) -> list[str]:
    return [line["event"] for line in logs if line["log_level"] == "error"]


@pytest.mark.parametrize("then", [ask, db.session.commit, db.session.rollback])
def test_a_page_whose_connection_was_cut_says_to_try_again(
    cut: Cut, shop_with: ShopWith, then: Callable[[], object]
) -> None:
    shop = shop_with(lambda: (cut(), then()))
    with structlog.testing.capture_logs() as logs:
        page, fragment, api = shop.get("/it"), shop.htmx("GET", "/it"), shop.get("/api/it")
    assert [answer.status_code for answer in (page, fragment, api)] == [503] * 3
    for said in (words(page), words(fragment), api.get_json()["error"]):
        assert "ry again in a minute" in said
    assert told(logs) == ["database_failed"] * 3
    assert shop.get("/products").status_code == 200


def test_a_change_whose_connection_was_cut_says_to_try_again(cut: Cut, shop_with: ShopWith) -> None:
    assert shop_with(lambda: change(cut)).get("/it").status_code == 503


def test_what_was_answered_before_the_cut_is_answered(cut: Cut, shop_with: ShopWith) -> None:
    """Nobody asks any more; what is left is to give the connection back."""
    answer = shop_with(cut).get("/it")
    assert answer.status_code == 200 and "well" in words(answer)
    assert ask() == 1


def test_our_own_fault_is_told_as_ours_also_when_the_connection_was_cut(cut: Cut, shop_with: ShopWith) -> None:
    def fail() -> None:
        cut()
        raise RuntimeError

    assert shop_with(fail).get("/it").status_code == 500


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT nothing",
        "SELECT 1 / 0",
        "INSERT INTO carts (expires_at) VALUES (NULL)",
        "SET TRANSACTION READ ONLY; DELETE FROM carts",
    ],
)
def test_what_is_wrong_with_our_question_is_our_fault(shop_with: ShopWith, wrong: str) -> None:
    with structlog.testing.capture_logs() as logs:
        assert shop_with(lambda: db.session.execute(text(wrong))).get("/it").status_code == 500
    assert told(logs) == ["broken"]


def test_one_whose_connection_was_cut_keeps_no_other_from_being_worked_on(cut: Cut) -> None:
    steps: dict[str, Callable[[], object]] = {
        "asks": lambda: (cut(), ask()),
        "changes": lambda: change(cut),
        "has done": cut,
        "is wrong": lambda: db.session.execute(text("SELECT nothing")),
        "is fine": ask,
    }
    with structlog.testing.capture_logs() as logs:
        tally = each_alone([*steps], lambda name: steps[name]())
    assert tally == Tally(done=2, failed=3)
    assert [(line["about"], "exc_info" in line) for line in logs] == [
        ("asks", False),
        ("changes", False),
        ("is wrong", True),
    ]


def as_told(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> dict[str, str]:
    """How a connection finds out that nobody is at its other end any more."""
    told = connection.info.get_parameters()
    return {name: told[name] for name in told if name == "connect_timeout" or name.startswith(("keepalives", "tcp"))}


def test_web_and_worker_notice_soon_that_the_databases_host_is_gone(config: Config, gateways: Gateways) -> None:
    async def of_the_worker() -> dict[str, str]:
        app = worker.build(config, gateways)
        assert isinstance(app.connector, PsycopgConnector)
        async with app.open_async(), app.connector.pool.connection() as connection:
            return as_told(connection)

    of_the_web = db.session.connection().connection.driver_connection
    assert isinstance(of_the_web, psycopg.Connection)
    with ThreadPoolExecutor(1) as thread:  # where a browser's tests have run, this one has an event loop already
        told = thread.submit(lambda: asyncio.run(of_the_worker())).result()
    assert told == as_told(of_the_web)
    assert told == {
        "connect_timeout": "5",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "20000",
    }

"""The ground every test stands on: a real PostgreSQL and a real Redis a run, a database a worker, nothing patched.

A test runs inside a transaction that is rolled back; one marked `commits` commits for real and is cleaned up after.
Either way the invariants are audited before the test is over.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Playwright, sync_playwright
from redis import Redis

from mountify import db, logs, schema, store
from mountify.app import create_app
from mountify.config import Config
from mountify.embedded import EmbeddedPostgres, EmbeddedRedis
from mountify.gateways import Gateways
from mountify.jobs import worker
from mountify.models.catalogue import Product
from mountify.services.checkout import Started
from mountify.web.limits import limiter
from tests.buyers import Buyer
from tests.cast import COST
from tests.compiled import compile_once
from tests.databases import DATABASE, assert_every_invariant_holds, empty, fresh_database
from tests.desk import Desk
from tests.factories import make_product, make_shop
from tests.fakes import FakeImages, FakeMailer, FakePayments
from tests.races.crowd import Observer
from tests.running import ROOT
from tests.web import Browser

REDIS = "MOUNTIFY_TEST_REDIS"
LONGEST_ID = 80
BASE_URL = "http://127.0.0.1:3999"
CONNECTIONS = 1_000  # a crowd leaves its worker's pool full, and shops run beside it
_servers: list[EmbeddedPostgres | EmbeddedRedis] = []
_folder: list[Path] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once a run, in the process that the workers descend from."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    folder = Path(tempfile.mkdtemp(prefix="mountify-tests-"))
    _folder.append(folder)
    postgres = EmbeddedPostgres(folder / "postgres", fsync=False, settings={"max_connections": str(CONNECTIONS)})
    redis = EmbeddedRedis(folder / "redis", fsync=False)
    _servers.extend((postgres, redis))
    os.environ[DATABASE], os.environ[REDIS] = postgres.start(), redis.start()
    schema.upgrade(os.environ[DATABASE])


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test's name is kept, sent and compared again and again: a long value is known by its length and its digest."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_ID:
        digest = zlib.crc32(val if isinstance(val, bytes) else val.encode("utf-8", "surrogatepass"))
        return f"{argname}-{len(val)}-{digest:08x}"
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the shop has logged is shown where a test fails, and not carried from process to process where it passes."""
    report = yield
    if report.passed:
        report.sections.clear()
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What belongs together runs on one worker: pytest-xdist says so at the end of a test's name."""
    if hasattr(config, "workerinput") and config.getvalue("loadgroup"):
        for item in items:
            group = item.get_closest_marker("xdist_group")
            assert group is None or item.nodeid.endswith(f"@{group.args[0]}"), f"{item.nodeid} is in no group"


def pytest_unconfigure(config: pytest.Config) -> None:
    while _servers:
        server = _servers.pop()
        server.stop()
        server.remove()
    while _folder:
        shutil.rmtree(_folder.pop(), ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        compile_once(patch)
        yield


@pytest.fixture(scope="session")
def number(worker_id: str) -> int:
    """The worker's number: its database, its Redis database and its ports follow from it."""
    return int(worker_id.removeprefix("gw")) + 1 if worker_id.startswith("gw") else 1


@pytest.fixture(scope="session")
def database_url(number: int) -> str:
    """A database of this worker's own, cloned from the migrated one."""
    return fresh_database(f"test_{number}")


@pytest.fixture(scope="session")
def redis_url(number: int) -> str:
    return os.environ[REDIS].rsplit("/", 1)[0] + f"/{number}"


@pytest.fixture(scope="session")
def config(database_url: str, redis_url: str) -> Config:
    return Config(
        database_url=database_url,
        redis_url=redis_url,
        secret_key="a-secret-that-only-the-tests-know-0123456789",
        base_url=BASE_URL,
        stripe_secret_key="sk_test_only",
        stripe_webhook_secrets=("whsec_only_for_the_tests",),
        resend_api_key="re_only",
        stripe_api_base="http://localhost:3998",
        bcrypt_cost=COST,
        rate_limits=False,
    )


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = db.connect(database_url, pool_size=20)
    yield engine
    db.release()
    engine.dispose()


@pytest.fixture(scope="module")
def observer(engine: sa.Engine) -> Iterator[Observer]:
    """An eye on the database while many change it at once."""
    observer = Observer(engine)
    yield observer
    observer.close()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = Redis.from_url(redis_url, decode_responses=True)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def database(request: pytest.FixtureRequest, engine: sa.Engine) -> Iterator[None]:
    """The database as a test finds it: empty. What the test does is audited, then undone."""
    if request.node.get_closest_marker("commits"):
        db.bind(engine, join_transaction_mode="conditional_savepoint")
        yield
        assert_every_invariant_holds()
        empty(engine)
        return
    with engine.connect() as connection:
        outer = connection.begin()
        db.bind(connection, join_transaction_mode="create_savepoint")
        yield
        assert_every_invariant_holds()
        outer.rollback()
    db.bind(engine, join_transaction_mode="conditional_savepoint")


@pytest.fixture
def payments() -> FakePayments:
    return FakePayments()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def images() -> FakeImages | None:
    return FakeImages()


@pytest.fixture
def gateways(payments: FakePayments, mailer: FakeMailer, images: FakeImages | None) -> Gateways:
    return Gateways(payments=payments, mailer=mailer, images=images)


@pytest.fixture(scope="session")
def running_app(config: Config) -> Flask:
    app = create_app(config, Gateways(payments=FakePayments(), mailer=FakeMailer()))
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


@pytest.fixture
def app(running_app: Flask, gateways: Gateways, database: None, redis: Redis) -> Flask:
    """The shop's one process, which has served other tests before, and remembers nothing of them."""
    running_app.extensions["gateways"] = gateways
    running_app.extensions.pop("memory", None)
    store.share(running_app.extensions["store"])
    limiter.init_app(running_app)  # it follows whichever app was made last, and nobody is counted here
    return running_app


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A shopper's browser without script."""
    return Browser(app)


@pytest.fixture
def ada(app: Flask) -> Desk:
    """The admin at her desk, in a shop that has a name."""
    make_shop()
    return Desk(app)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Logs as they are written in production."""
    lines = io.StringIO()
    logs.configure(lines)
    yield lines
    structlog.reset_defaults()


@pytest.fixture
def product(database: None) -> Product:
    """A part of which five are in stock."""
    make_shop()
    return make_product(stock=5)


@pytest.fixture
def buyer(product: Product, payments: Any) -> Buyer:
    """A guest with two of it in the cart, against the payment service that the test plays with."""
    buyer = Buyer(payments)
    buyer.add(product, 2)
    return buyer


@pytest.fixture
def paid(buyer: Buyer) -> Started:
    """Their order, paid and settled."""
    return buyer.buy()


@pytest.fixture
def run_jobs(config: Config, gateways: Gateways, database: None) -> Callable[[], int]:
    """Work off every queued job, as the worker would, and say how many there were."""
    tasks = worker.build(config, gateways).tasks

    def run() -> int:
        rows = db.session.execute(
            sa.text("DELETE FROM procrastinate_jobs WHERE status = 'todo' RETURNING id, task_name, args")
        ).all()
        db.session.commit()
        for row in sorted(rows):
            tasks[row.task_name].func(**row.args)
        return len(rows)

    return run


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Chromium]:
    """The one that bin/setup knows; one that is missing and cannot be installed is a failure."""
    found = subprocess.run([ROOT / "bin" / "setup", "browser"], check=True, stdout=subprocess.PIPE, text=True).stdout
    browser = playwright.chromium.launch(executable_path=found.strip(), args=["--no-sandbox"])
    yield browser
    browser.close()

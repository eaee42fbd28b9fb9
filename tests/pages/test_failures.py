"""What people see when something does not work: their own mistake, too many tries, or our fault."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, create_engine, select, text

from mountify import db, logs
from mountify.app import create_app
from mountify.config import Config
from mountify.gateways import Gateways
from mountify.models.account import User
from mountify.models.catalogue import Product
from mountify.transaction import retried_once, transaction
from mountify.web.assets import bundle_fingerprint
from tests.cast import PASSWORD, email_of, is_signed_in, make_account
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.web import Browser, words


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


@pytest.fixture
def product(shop: None) -> Product:
    return make_product()


@pytest.fixture
def broken(config: Config, gateways: Gateways, redis: Redis) -> Browser:
    """A shop with an address at which everything goes wrong."""
    app = create_app(config, gateways)

    def fail() -> str:
        raise RuntimeError("the details are nobody's business")

    app.add_url_rule("/fail", "fail", fail, methods=["GET", "POST"])
    app.add_url_rule("/api/fail", "api_fail", fail)
    return Browser(app)


@pytest.fixture
def limited(config: Config, gateways: Gateways, redis: Redis) -> Browser:
    return Browser(create_app(replace(config, rate_limits=True), gateways))


def test_our_fault_is_a_page_with_a_reference_and_no_details(broken: Browser) -> None:
    answer = broken.get("/fail", headers={"X-Request-ID": "reference-0815"})
    assert answer.status_code == 500
    assert "Something slipped on the bench" in words(answer) and "reference-0815" in words(answer)
    assert "nobody's business" not in words(answer)
    assert broken.htmx("GET", "/fail").headers["HX-Retarget"] == "#flash"
    assert set(broken.get("/api/fail").get_json()) == {"error"}


CANARY, STREET = "canary.o'brien+x@example.com", "41 Canary Street"
LEAKS = {
    "parameters": lambda: db.session.execute(select(User).where(text("nothing = :it")), {"it": STREET}),
    "a detail": lambda: (make_account("alice"), db.session.add(User(email=email_of("alice"))), db.session.flush()),
    "a message": lambda: db.session.execute(text("SELECT CAST(:it AS integer)"), {"it": CANARY}),
    "a value": lambda: structlog.get_logger().info("told", to=[CANARY]) or json.loads(CANARY),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_no_address_gets_into_the_logs(
    leak: str, config: Config, gateways: Gateways, redis: Redis, logged: io.StringIO
) -> None:
    app = create_app(config, gateways)
    app.add_url_rule("/leak", "leak", lambda: str(LEAKS[leak]()))
    assert Browser(app).get("/leak").status_code == 500
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    (broken,) = [line for line in lines if line["event"] == "broken"]
    assert "Traceback" in broken["exception"]
    assert "example.com" not in json.dumps(lines) and STREET not in json.dumps(lines)


def test_no_address_gets_into_the_logs_of_others() -> None:
    """A worker's queue names a failed job with its arguments."""
    try:
        raise ValueError(CANARY)
    except ValueError:
        record = logging.getLogger("queue").makeRecord(
            "queue", logging.ERROR, __file__, 1, "Job look_up[7](email=%r) failed", (CANARY,), sys.exc_info()
        )
    line = json.loads(logs.Lines().format(record))
    assert line["event"] == "queue" and "Job look_up[7]" in line["text"] and "ValueError" in line["exception"]
    assert "example.com" not in json.dumps(line)


def test_a_page_that_is_not_there_leads_on(browser: Browser) -> None:
    make_product()
    answer = browser.get("/nothing")
    assert answer.status_code == 404
    assert "No part with that number" in words(answer) and "Shop 1 part" in words(answer)
    assert browser.get("/api/nothing").get_json()["error"]


def test_the_wrong_method_says_which_are_right(browser: Browser) -> None:
    answer = browser.get("/auth/signout")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_guessing_passwords_is_stopped_for_the_account_and_says_for_how_long(limited: Browser) -> None:
    make_account("alice")
    guess = {"email": email_of("alice"), "password": "a guess", "next": "/"}
    told = [limited.post("/auth/signin", guess).status_code for _ in range(10)]
    assert told == [401] * 10
    stopped = limited.post("/auth/signin", {**guess, "password": PASSWORD})
    assert stopped.status_code == 429
    assert 1 <= int(stopped.headers["Retry-After"]) <= 300
    assert "A little slower, please" in words(stopped) and "You can go on in" in words(stopped)


def test_nobody_waits_longer_than_the_limit_is_long(limited: Browser) -> None:
    for _ in range(10):
        assert limited.send("POST", "/api/checkout", {}).status_code == 400
    stopped = limited.send("POST", "/api/checkout", {})
    assert stopped.status_code == 429
    assert 1 <= stopped.json["retryAfter"] == int(stopped.headers["Retry-After"]) <= 60


def test_the_shop_sells_on_without_redis(app: Flask, config: Config, gateways: Gateways) -> None:
    """A port where nothing listens stands for a Redis that is gone."""
    product = make_product()
    lonely = Browser(create_app(replace(config, redis_url="redis://127.0.0.1:1/0", rate_limits=True), gateways))
    assert lonely.get("/products").status_code == 200
    assert lonely.post("/cart/items", {"product_id": product.id, "quantity": 2}).status_code == 303
    assert "$28.00" in words(lonely.get("/cart"))
    make_account("alice")
    data = {"email": email_of("alice"), "password": PASSWORD, "next": "/cart"}
    assert lonely.post("/auth/signin", data).status_code == 303
    assert is_signed_in(lonely)


@pytest.fixture
def locked(app: Flask, engine: Engine) -> Iterator[None]:
    """Somebody else holds for too long what every first cart needs."""
    db.session.execute(text("SET lock_timeout = '50ms'"))  # of this test's own connection
    db.session.commit()
    with engine.connect() as other, other.begin() as held:
        other.execute(text("LOCK TABLE carts IN EXCLUSIVE MODE"))
        yield
        held.rollback()


def test_who_is_locked_out_is_asked_to_try_again(browser: Browser, product: Product, locked: None) -> None:
    form = {"product_id": product.id, "quantity": 2}
    for answer in (browser.post("/cart/items", form), browser.htmx("POST", "/cart/items", form)):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "Please try again" in words(answer) and "our fault" not in words(answer)
    assert answer.headers["HX-Retarget"] == "#flash"
    told = browser.send("POST", "/api/cart", {"productId": product.id, "quantity": 2})
    assert (told.status_code, told.headers["Retry-After"]) == (503, "5")
    assert "Please try again" in told.get_json()["error"] and set(told.get_json()) == {"error"}


def test_what_was_locked_works_when_it_is_tried_again(browser: Browser, product: Product) -> None:
    assert browser.post("/cart/items", {"product_id": product.id, "quantity": 2}).status_code == 303
    assert "$28.00" in words(browser.get("/cart"))


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03"])
def test_what_collides_twice_is_asked_to_try_again(config: Config, gateways: Gateways, redis: Redis, code: str) -> None:
    tries = []

    @retried_once
    def collide() -> str:
        with transaction() as session:
            tries.append(code)
            session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"))
        return ""

    app = create_app(config, gateways)
    app.add_url_rule("/collide", "collide", collide)
    app.add_url_rule("/api/collide", "api_collide", collide)
    page, told = Browser(app).get("/collide?page=2"), Browser(app).get("/api/collide")
    assert (page.status_code, told.status_code) == (503, 503)
    assert page.headers["Retry-After"] == told.headers["Retry-After"] == "5"
    assert "Please try again" in words(page) and "Please try again" in told.get_json()["error"]
    assert 'href="/collide?page=2"' in page.get_data(as_text=True)
    assert len(tries) == (2 if code == "55P03" else 4)  # who has waited for a lock has waited long enough


def test_who_finds_every_connection_taken_is_asked_to_try_again(browser: Browser, app: Flask, engine: Engine) -> None:
    bind = db.factory.kw["bind"]
    crowded = create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    with crowded.connect():
        db.bind(crowded)
        answer = browser.get("/products")
        db.bind(bind)
    crowded.dispose()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Please try again" in words(answer)


@pytest.fixture
def without_database(app: Flask) -> Iterator[None]:
    """A port where nothing listens stands for a database that is gone."""
    bind = db.factory.kw["bind"]
    db.bind(create_engine("postgresql+psycopg://127.0.0.1:1/gone"))
    yield
    db.bind(bind)


@pytest.mark.parametrize("tries", [1, 11])
def test_without_the_database_a_refusal_is_no_fault_of_ours(
    without_database: None, limited: Browser, tries: int
) -> None:
    """What surrounds its sentence cannot be read, be it that nothing is there or that somebody came too often."""
    path = "/nothing" if tries == 1 else "/checkout"
    answers = [limited.post(path, data={"email": "sam@example.com", "checkout_key": "k" * 43}) for _ in range(tries)]
    assert answers[-1].status_code == 503 and "Try again in a minute" in words(answers[-1])


@pytest.mark.parametrize("path", ["/products", "/cart", "/auth/signin", "/nothing"])
def test_without_the_database_nobody_is_taken_for_a_guest(browser: Browser, without_database: None, path: str) -> None:
    """Redis has forgotten the session, and the row behind it cannot be read."""
    browser.client.set_cookie("mountify", "m" * 43, domain="127.0.0.1")
    for answer in (browser.get(path), browser.post("/auth/signout"), browser.htmx("GET", path)):
        assert answer.status_code == 503 and "Content-Security-Policy" in answer.headers
        assert "Set-Cookie" not in answer.headers
    assert browser.client.get_cookie("mountify", domain="127.0.0.1") is not None


def test_without_the_database_what_needs_no_session_is_answered(browser: Browser, without_database: None) -> None:
    browser.client.set_cookie("mountify", "m" * 43, domain="127.0.0.1")
    for path in ("/healthz", "/static/favicon.svg", f"/static/bundle/shop-{bundle_fingerprint()}.css"):
        assert browser.get(path).status_code == 200


def test_when_stripe_is_down_the_cart_stays_and_nothing_is_held(browser: Browser, payments: FakePayments) -> None:
    product = make_product(stock=3)
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    page = browser.get("/checkout").get_data(as_text=True)
    key = page.split('name="checkout_key" value="')[1].split('"')[0]
    payments.is_down = True
    answer = browser.post("/checkout", {"email": "sam@example.com", "checkout_key": key})
    assert answer.status_code == 303
    shown = browser.get("/cart")
    assert "We could not reach the payment service." in words(shown)
    assert "$28.00" in words(shown)
    payments.is_down = False
    assert browser.post("/checkout", {"email": "sam@example.com", "checkout_key": key}).status_code == 303

"""A Stripe that takes its time: who waits for it holds no connection, and everybody else is served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.pool import QueuePool
from werkzeug.test import TestResponse

from mountify import db
from mountify.config import Config
from mountify.core.payment_session import PaymentSession
from mountify.embedded.processes import wait_until
from mountify.gateways import from_config
from mountify.models.catalogue import Product
from mountify.models.order import Order
from tests import web
from tests.buyers import Buyer, stock_of
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.web import Browser, words

pytestmark = pytest.mark.commits
SHOPPERS = 12  # more than the pool has connections


@dataclass
class SlowPayments(FakePayments):
    """Answers nobody before the gate is open."""

    gate: threading.Event = field(default_factory=threading.Event)
    waiting: list[int] = field(default_factory=list)

    def _called(self) -> None:
        super()._called()
        self._wait()

    def _wait(self) -> None:
        if not self.gate.is_set():
            self.waiting.append(threading.get_ident())
            assert self.gate.wait(60)


@dataclass
class HoldingPayments(SlowPayments):
    """Keeps a connection while it waits, which no adapter may, and no fake lets pass."""

    def create_session(self, params: Mapping[str, Any], idempotency_key: str) -> PaymentSession:
        db.session.execute(sa.text("SELECT 1"))
        self._wait()
        return super().create_session(params, idempotency_key)


@pytest.fixture
def payments() -> FakePayments:
    payments = SlowPayments()
    payments.gate.set()
    return payments


@pytest.fixture
def pool(database: None, engine: sa.Engine, database_url: str) -> Iterator[QueuePool]:
    """As many connections as the web server has."""
    production = db.connect(database_url)
    assert isinstance(production.pool, QueuePool) and production.pool.size() + 2 < SHOPPERS
    yield production.pool
    db.release()
    production.dispose()
    db.bind(engine, join_transaction_mode="conditional_savepoint")


@pytest.fixture
def product(pool: QueuePool) -> Product:
    make_shop()
    return make_product("Ledge Phone Stand", stock=50)


def form_of(browser: Browser, product: Product, email: str) -> dict[str, str]:
    """Fill the cart and go to the checkout; gives its form."""
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    return {"email": email, "checkout_key": web.field(browser.get("/checkout"), "checkout_key")}


def all_wait(
    executor: ThreadPoolExecutor, payments: SlowPayments, requests: list[Callable[[], TestResponse]]
) -> list[Future[TestResponse]]:
    payments.gate.clear()
    answers = [executor.submit(request) for request in requests]
    assert wait_until(lambda: len(payments.waiting) == len(requests), 60)
    return answers


def assert_everybody_else_is_served(app: Flask, pool: QueuePool, product: Product) -> None:
    for _ in range(3):
        assert pool.checkedout() == 0
        other = Browser(app)
        assert "Ledge Phone Stand" in words(other.get("/products"))
        assert other.get(f"/products/{product.id}-{product.slug}").status_code == 200
        assert other.post("/cart/items", {"product_id": product.id, "quantity": 1}).status_code == 303
        assert "1 part" in words(other.get("/cart"))


def test_twelve_checkouts_inside_stripe_hold_no_connection(
    app: Flask, pool: QueuePool, product: Product, payments: SlowPayments
) -> None:
    browsers = [Browser(app) for _ in range(SHOPPERS)]
    forms = [form_of(browser, product, f"sam{place}@example.com") for place, browser in enumerate(browsers)]
    with ThreadPoolExecutor(SHOPPERS) as executor:
        try:
            answers = all_wait(
                executor,
                payments,
                [
                    lambda b=browser, f=form: b.post("/checkout", f)
                    for browser, form in zip(browsers, forms, strict=True)
                ],  # type: ignore[misc]
            )
            assert_everybody_else_is_served(app, pool, product)
        finally:
            payments.gate.set()
        assert {answer.result().headers["Location"] for answer in answers} == {
            f"http://localhost:3998/pay/{session_id}" for session_id in payments.sessions
        }
    assert db.session.scalar(select(func.count()).where(Order.status == "pending")) == SHOPPERS
    assert stock_of(product) == (50, 2 * SHOPPERS)


def test_twelve_who_come_back_hold_none_either(
    app: Flask, pool: QueuePool, product: Product, payments: SlowPayments
) -> None:
    """Half of them have paid, the others have not."""
    paths = []
    for place in range(SHOPPERS):
        browser = Browser(app)
        form = form_of(browser, product, f"sam{place}@example.com")
        session_id = browser.post("/checkout", form).headers["Location"].rsplit("/", 1)[1]
        if place % 2:
            payments.pay(session_id, payment_intent=f"pi_{place}")
        address = payments.asked[-1][1]["success_url" if place % 2 else "cancel_url"]
        paths.append(address.replace("{CHECKOUT_SESSION_ID}", session_id).split("3999", 1)[1])
    with ThreadPoolExecutor(SHOPPERS) as executor:
        try:
            answers = all_wait(executor, payments, [lambda p=path: Browser(app).get(p) for path in paths])  # type: ignore[misc]
            assert_everybody_else_is_served(app, pool, product)
        finally:
            payments.gate.set()
        assert {answer.result().status_code for answer in answers} == {200}
    statuses = db.session.scalars(select(Order.status).order_by(Order.id)).all()
    assert statuses == ["cancelled", "paid"] * (SHOPPERS // 2)


def test_a_connection_that_is_held_would_be_seen(product: Product, pool: QueuePool) -> None:
    """Else the tests above were blind."""
    payments = HoldingPayments()
    buyers = [Buyer(payments) for _ in range(3)]
    for buyer in buyers:
        buyer.add(product)
    db.release()

    def start(buyer: Buyer) -> None:
        try:
            buyer.start()
        finally:
            db.release()

    with ThreadPoolExecutor(3) as executor:
        try:
            answers = [executor.submit(start, buyer) for buyer in buyers]
            assert wait_until(lambda: len(payments.waiting) == 3, 60)
            assert pool.checkedout() == 3
        finally:
            payments.gate.set()
        for answer in answers:
            with pytest.raises(RuntimeError, match="an outside service must not be called while a transaction is open"):
                answer.result()


def test_no_outside_service_is_asked_with_a_connection_in_the_hand(config: Config, pool: QueuePool) -> None:
    gateways = from_config(config)
    letter = {"to": "sam@example.com", "subject": "x", "html": "x", "text": "x", "idempotency_key": "x"}
    asked: list[Callable[[], object]] = [
        lambda: gateways.payments.create_session({}, "attempt-1"),
        lambda: gateways.payments.get_session("cs_test_1"),
        lambda: gateways.payments.expire_session("cs_test_1"),
        lambda: gateways.mailer.send(**letter),
    ]
    db.session.execute(sa.text("SELECT 1"))
    for ask in asked:
        with pytest.raises(RuntimeError, match="an outside service must not be called while a transaction is open"):
            ask()

"""A forged or foreign session or key opens nobody's order, ends none, and asks Stripe nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from mountify import db
from mountify.config import Config
from mountify.core.tokens import sign
from mountify.models.order import Order, OrderEvent
from tests.cast import sign_in, token_of
from tests.factories import make_shop
from tests.fakes import FakePayments
from tests.web import Browser, words

from .test_orders import check_out


@dataclass
class Counting(FakePayments):
    calls: int = 0

    def _called(self) -> None:
        super()._called()
        self.calls += 1


@dataclass(frozen=True)
class Placed:
    """An order as its buyer knows it."""

    id: int
    number: str
    email: str
    session: str
    key: str

    @property
    def addresses(self) -> tuple[str, ...]:
        return (
            f"/checkout/success?session_id={self.session}&key={self.key}",
            f"/checkout/cancelled?order={self.id}&key={self.key}",
            f"/orders/{self.id}?key={self.key}",
            f"/api/orders/session/{self.session}?key={self.key}",
        )


@pytest.fixture
def payments() -> FakePayments:
    return Counting()


def place(browser: Browser, payments: FakePayments, email: str) -> Placed:
    session = check_out(browser, email)
    key = parse_qs(urlsplit(payments.asked[-1][1]["success_url"]).query)["key"][0]
    db.release()
    order = db.session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
    return Placed(order.id, order.number, order.email, session, key)


@pytest.fixture
def of_alice(app: Flask, payments: FakePayments) -> Placed:
    """An account's order."""
    make_shop()
    browser = Browser(app)
    sign_in(browser, "alice")
    return place(browser, payments, "alice.at.work@example.com")


@pytest.fixture
def of_sam(app: Flask, payments: FakePayments, of_alice: Placed) -> Placed:
    """A guest's order."""
    return place(Browser(app), payments, "sam.the.guest@example.com")


@pytest.fixture
def mallory(app: Flask, payments: FakePayments, of_sam: Placed) -> tuple[Browser, Placed]:
    """Has an account, and an order with everything that belongs to it."""
    browser = Browser(app)
    sign_in(browser, "mallory")
    return browser, place(browser, payments, "mallory.elsewhere@example.com")


def forged_keys(order: Placed, own: Placed, config: Config) -> Iterator[str]:
    yield from ("", own.key, "0" * 64, order.key[:-1], order.key[1:], order.key + "0", order.key.upper())
    yield from (quote(" " + order.key), quote(order.key + "\0"), "%00", "%ff", "é", "a" * 5000)
    yield sign(config.secret_key, "order-link", f"{order.id}0")
    yield sign(config.secret_key, "csrf", str(order.id))
    yield sign("a secret that mallory has guessed", "order-link", str(order.id))


def with_key(order: Placed, key: str) -> list[str]:
    return [address.replace(order.key, key) for address in order.addresses]


def forged_addresses(order: Placed, own: Placed, config: Config) -> Iterator[str]:
    for key in forged_keys(order, own, config):
        yield from with_key(order, key)
    for address in order.addresses:
        yield address.split("key=")[0]
        for name in ("KEY=", "key[]=", "key=&key="):
            yield address.replace("key=", name)
    for session in ("cs_", order.session[:-1], order.session + "x", order.session.upper(), order.session + "\0"):
        yield f"/checkout/success?session_id={quote(session)}&key={order.key}"
        yield f"/api/orders/session/{quote(session)}?key={order.key}"
    for session in ("", own.session, order.session + "'--", "cs_%", "*", "a" * 5000):
        yield f"/checkout/success?session_id={quote(session)}&key={order.key}"
    for number in ("0", "-1", f"{order.id}.0", f"{order.id}'", "99999999999999999999", "", order.number, own.id):
        yield f"/checkout/cancelled?order={quote(str(number))}&key={order.key}"


def everything() -> tuple[object, ...]:
    db.release()
    kinds = db.session.execute(select(OrderEvent.kind, func.count()).group_by(OrderEvent.kind)).all()
    return db.session.execute(select(Order.id, Order.status).order_by(Order.id)).all(), kinds


def is_closed(answer: TestResponse, order: Placed, address: str) -> bool:
    """Not found, and nothing of the order is in what is said."""
    said = (answer.get_data(as_text=True) + str(answer.headers)).replace(address, "")
    assert answer.status_code == 404 and answer.headers["Cache-Control"] == "private, no-store", address
    return not any(secret in said for secret in (order.number, order.email, order.key))


@pytest.mark.parametrize("path", ["/orders/1", "/checkout/success?session_id=cs_test_1&key=x"])
def test_who_lost_the_link_is_led_to_a_new_one(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404 and "No order at this address" in words(answer)
    assert 'href="/find-my-order"' in answer.get_data(as_text=True).split("<main")[1].split("</main")[0]


def test_whoever_forges_a_key_sees_and_ends_nothing(
    of_alice: Placed, of_sam: Placed, mallory: tuple[Browser, Placed], payments: Counting, config: Config
) -> None:
    browser, own = mallory
    before, calls, csrf = everything(), payments.calls, token_of(browser)
    for order in (of_alice, of_sam):
        for address in forged_addresses(order, own, config):
            assert is_closed(browser.get(address), order, address), address
        for key in forged_keys(order, own, config):
            path = f"/orders/{order.id}/cancellation?key={key}"
            answer = browser.post(path, {"csrf_token": csrf, "key": order.key, "user_id": "1"})
            assert is_closed(answer, order, path), path
    assert everything() == before and payments.calls == calls


def test_an_orders_address_alone_opens_it_to_nobody(
    app: Flask, of_alice: Placed, of_sam: Placed, mallory: tuple[Browser, Placed], payments: Counting
) -> None:
    guest, office, boss = Browser(app), Browser(app), Browser(app)
    sign_in(office, "stan")
    sign_in(boss, "ada")
    before, calls = everything(), payments.calls
    for order in (of_alice, of_sam):
        for browser in (guest, office, boss, mallory[0]):
            for address in (*with_key(order, ""), *with_key(order, mallory[1].key)):
                assert is_closed(browser.get(address), order, address), address
                assert is_closed(browser.htmx("GET", address), order, address), address
            path = f"/orders/{order.id}/cancellation"
            assert is_closed(browser.post(path, {"csrf_token": token_of(browser)}), order, path)
    assert everything() == before and payments.calls == calls


def test_whose_order_it_is_sees_it_at_each_of_these_addresses(
    app: Flask, of_alice: Placed, of_sam: Placed, payments: Counting
) -> None:
    """Else the tests above were blind."""
    for order in (of_alice, of_sam):
        payments.pay(order.session, payment_intent=f"pi_{order.id}")
        for address in order.addresses:
            assert Browser(app).get(address).status_code in (200, 303), address
    alice = Browser(app)
    sign_in(alice, "alice")
    assert alice.get(f"/orders/{of_alice.id}").status_code == 200
    assert alice.get(f"/api/orders/session/{of_alice.session}").get_json()["email"] == of_alice.email
    for address in (f"/orders/{of_sam.id}", f"/api/orders/session/{of_sam.session}"):
        assert alice.get(address).status_code == 404

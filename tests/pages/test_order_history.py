"""The orders of an account, a page at a time, and the way to each."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.services import accounts, orders
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.cast import email_of, sign_in
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakePayments
from tests.web import Browser, words


@pytest.fixture
def alice(browser: Browser) -> Browser:
    make_shop()
    sign_in(browser, "alice")
    return browser


@pytest.fixture
def buyer(alice: Browser, payments: FakePayments) -> Buyer:
    """Alice, who orders."""
    return Buyer(payments, user_id=accounts.find_by_email(email_of("alice")))


def order(buyer: Buyer, product: Product, *, is_paid: bool = True) -> str:
    """Gives the number of an order of one part."""
    buyer.key = new_key()
    buyer.add(product)
    started = buyer.buy() if is_paid else buyer.start()
    number = db.session.get_one(Order, started.order_id).number
    db.release()
    return number


def test_an_account_without_orders_is_told_where_others_are(alice: Browser) -> None:
    shown = words(alice.get("/orders"))
    assert "No order yet" in shown and "Find my order" in shown


def test_orders_are_listed_newest_first_with_where_they_stand(alice: Browser, buyer: Buyer) -> None:
    product = make_product(stock=9)
    paid, pending = order(buyer, product), order(buyer, product, is_paid=False)
    page = words(alice.get("/orders"))
    assert page.index(pending) < page.index(paid)
    assert "1 Waiting for payment $18.50" in page and "1 Paid $18.50" in page
    details = words(alice.get(f"/orders/{orders.get_by_number(paid).id}"))
    assert f"Orders Order {paid} Paid" in details


def test_twenty_orders_make_a_page(alice: Browser, buyer: Buyer) -> None:
    product = make_product(stock=99)
    numbers = [order(buyer, product) for _ in range(21)]
    first, second = alice.get("/orders"), alice.get("/orders?page=2")
    assert first.text.count("Details") == 20 and numbers[0] not in words(first) and "Older orders" in words(first)
    assert second.text.count("Details") == 1 and numbers[0] in words(second)
    assert 'href="/orders?page=1"' in second.text and 'aria-current="page" aria-label="Page 2"' in second.text
    past = words(alice.get("/orders?page=3"))
    assert "This page is past the end" in past and "There are 2 pages." in past


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e9", "9" * 30, "%00", ""])
def test_a_page_that_is_none_shows_something(alice: Browser, page: str) -> None:
    assert alice.get(f"/orders?page={page}").status_code == 200


def test_nobody_elses_orders_are_listed(alice: Browser, buyer: Buyer, payments: FakePayments, app: Flask) -> None:
    product = make_product(stock=9)
    mine = order(buyer, product)
    guests = order(Buyer(payments), product)
    bob = Browser(app)
    sign_in(bob, "bob")
    assert "No order yet" in words(bob.get("/orders"))
    assert bob.get(f"/orders/{orders.get_by_number(mine).id}").status_code == 404
    assert guests not in words(alice.get("/orders"))


def test_a_guests_order_leads_to_no_history(browser: Browser, payments: FakePayments, app: Flask) -> None:
    make_shop()
    number = order(Buyer(payments), make_product())
    order_id = orders.get_by_number(number).id
    key = orders.link_key(app.config["SECRET_KEY"], order_id)
    page = browser.get(f"/orders/{order_id}?key={key}")
    assert page.status_code == 200 and 'href="/orders"' not in page.text
    answer = browser.get("/orders")
    assert answer.status_code == 303 and answer.headers["Location"] == "/auth/signin?next=/orders"
    assert browser.htmx("GET", "/orders").headers["HX-Redirect"] == "/auth/signin?next=/orders"


def test_every_status_has_its_words(alice: Browser, buyer: Buyer) -> None:
    number = order(buyer, make_product())
    assert "1 Paid $18.50" in words(alice.get("/orders"))
    with transaction() as session:
        one = session.scalars(select(Order).where(Order.number == number)).one()
        one.mark_shipped("usps", "9400", now=utcnow())
    assert "1 On its way $18.50" in words(alice.get("/orders"))
    with transaction() as session:
        one = session.scalars(select(Order).where(Order.number == number)).one()
        one.mark_delivered(now=utcnow())
    assert "1 Delivered $18.50" in words(alice.get("/orders"))

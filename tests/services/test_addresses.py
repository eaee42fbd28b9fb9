"""The address book, as orders fill it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import Delivery
from mountify.models.account import Address
from mountify.models.catalogue import Product
from mountify.models.order import Order
from tests.buyers import Buyer, order_of
from tests.cast import make_account
from tests.factories import new_key
from tests.fakes import HOME, FakePayments


@pytest.fixture
def alice(product: Product, payments: FakePayments) -> Buyer:
    return Buyer(payments, user_id=make_account("alice"))


def buy(buyer: Buyer, product: Product, delivery: Delivery) -> Order:
    buyer.add(product)
    started = buyer.start(key=new_key())
    buyer.payments.pay(buyer.session_of(started), delivery=delivery)
    buyer.sync(buyer.session_of(started))
    return order_of(started)


def at(**parts: str) -> Delivery:
    return replace(HOME, address={**HOME.address, **parts})


def book() -> list[tuple[str, str, bool]]:
    rows = db.session.execute(select(Address.name, Address.line1, Address.is_default).order_by(Address.id))
    return [(row.name, row.line1, row.is_default) for row in rows]


def test_each_new_address_is_kept_and_the_first_is_the_default(alice: Buyer, product: Product) -> None:
    buy(alice, product, at(line1="41 Alder Street"))
    buy(alice, product, at(line1="9 Harbour Road"))
    buy(alice, product, replace(at(line1="41 Alder Street"), name="Alice Alder"))
    assert book() == [("Alice Alder", "41 Alder Street", True), ("Sam Okafor", "9 Harbour Road", False)]


@pytest.mark.parametrize("broken", [{"line1": ""}, {"country": ""}])
def test_an_address_that_says_nothing_is_not_kept(alice: Buyer, product: Product, broken: dict[str, str]) -> None:
    assert buy(alice, product, at(**broken)).status is OrderStatus.PAID
    assert book() == []


def test_an_address_longer_than_its_column_is_cut_in_the_book_only(alice: Buyer, product: Product) -> None:
    long = dict.fromkeys(HOME.address, "x" * 500) | {"country": "US"}
    order = buy(alice, product, Delivery("n" * 500, "5" * 500, long))
    assert [len(line1) for _, line1, _ in book()] == [200]
    assert (order.shipping_address or {})["line1"] == "x" * 500


def test_a_guests_address_is_in_no_book(product: Product, payments: FakePayments) -> None:
    assert buy(Buyer(payments), product, HOME).status is OrderStatus.PAID
    assert book() == []

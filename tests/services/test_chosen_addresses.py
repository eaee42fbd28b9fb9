"""An order that goes to a saved address: Stripe is told it, asks for none, and the order keeps it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.accounts import UnknownAddress
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import Delivery, SessionOutcome
from mountify.models.account import Address
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.services import addresses
from mountify.services.addresses import Entry
from tests.buyers import Buyer, order_of, stock_of
from tests.cast import make_account
from tests.factories import change_settings, new_key
from tests.fakes import HOME, FakePayments

ALDER = Entry(
    name="Alice Alder", line1="41 Alder Street", line2="", city="Portland", state="OR", postal_code="97205",
    country="US", phone="+1 503 555 0100",
)  # fmt: skip


@pytest.fixture
def alice(product: Product, payments: FakePayments) -> Buyer:
    """Alice, with two parts in her cart."""
    buyer = Buyer(payments, user_id=make_account("alice"))
    buyer.add(product, 2)
    return buyer


def save(buyer: Buyer, entry: Entry = ALDER) -> int:
    return addresses.add(buyer.owner.user_id or 0, entry, now=utcnow()).id


def pay(buyer: Buyer, session_id: str, delivery: Delivery | None = None, **changes: Any) -> Order:
    buyer.payments.pay(session_id, delivery=delivery, **changes)
    return db.session.get_one(Order, buyer.sync(session_id), populate_existing=True)


def names() -> list[str]:
    return list(db.session.scalars(select(Address.name).order_by(Address.id)))


def test_stripe_is_told_the_address_and_asks_for_none(alice: Buyer, payments: FakePayments) -> None:
    started = alice.start(address_id=save(alice))
    (_, params) = payments.asked[-1]
    assert params["payment_intent_data"]["shipping"] == {
        "name": "Alice Alder",
        "phone": "+1 503 555 0100",
        "address": {name: getattr(ALDER, name) for name in ("line1", "city", "state", "postal_code", "country")},
    }
    assert "shipping_address_collection" not in params and "phone_number_collection" not in params
    assert params["shipping_options"]
    order = order_of(started)
    assert (order.shipping_name, order.shipping_phone) == ("Alice Alder", "+1 503 555 0100")
    assert (order.shipping_address or {})["line1"] == "41 Alder Street"


def test_without_one_stripe_asks_as_ever(alice: Buyer, payments: FakePayments) -> None:
    save(alice)
    started = alice.start()
    (_, params) = payments.asked[-1]
    assert "shipping" not in params["payment_intent_data"] and params["phone_number_collection"] == {"enabled": True}
    assert params["shipping_address_collection"]["allowed_countries"] == ["US", "DE"]
    elsewhere = replace(HOME, address={**HOME.address, "line1": "9 Harbour Road"})
    order = pay(alice, alice.session_of(started), elsewhere)
    assert order.shipping_name == "Sam Okafor" and names() == ["Alice Alder", "Sam Okafor"]


def test_the_order_keeps_the_address_whatever_becomes_of_the_book(alice: Buyer) -> None:
    address_id = save(alice)
    started = alice.start(address_id=address_id)
    addresses.delete(alice.owner.user_id or 0, address_id)
    order = pay(alice, alice.session_of(started), Delivery("Somebody", "", {**HOME.address, "line1": "Elsewhere 1"}))
    assert order.status is OrderStatus.PAID and order.shipping_name == "Alice Alder"
    assert (order.shipping_address or {})["line1"] == "41 Alder Street"
    assert names() == []


def test_an_address_whose_session_says_nothing_of_it_is_not_lost(alice: Buyer) -> None:
    order = pay(alice, alice.session_of(alice.start(address_id=save(alice))), None)
    assert order.is_paid and order.shipping_name == "Alice Alder" and names() == ["Alice Alder"]


def test_a_phone_that_the_book_has_not_is_asked_for_and_kept(alice: Buyer, payments: FakePayments) -> None:
    started = alice.start(address_id=save(alice, replace(ALDER, phone="")))
    (_, params) = payments.asked[-1]
    assert params["phone_number_collection"] == {"enabled": True} and "shipping_address_collection" not in params
    order = pay(alice, alice.session_of(started), Delivery("Alice Alder", "+1 503 555 0199", HOME.address))
    assert order.shipping_phone == "+1 503 555 0199" and order.shipping_name == "Alice Alder"


def test_a_name_that_is_missing_is_no_reason_for_stripe_to_refuse(alice: Buyer, payments: FakePayments) -> None:
    alice.start(address_id=save(alice, replace(ALDER, name="")))
    assert payments.asked[-1][1]["payment_intent_data"]["shipping"]["name"] == "sam@example.com"


def test_another_address_is_another_order(alice: Buyer, payments: FakePayments, product: Product) -> None:
    one, two = save(alice), save(alice, replace(ALDER, line1="9 Harbour Road"))
    first = alice.start(address_id=one)
    assert alice.start(address_id=one) == first
    second = alice.start(address_id=two, key=new_key())
    third = alice.start(key=new_key())
    assert len({first.order_id, second.order_id, third.order_id}) == 3
    outcomes = [payments.sessions[alice.session_of(each)].outcome for each in (first, second, third)]
    assert outcomes == [SessionOutcome.CLOSED, SessionOutcome.CLOSED, SessionOutcome.OPEN]
    assert stock_of(product) == (5, 2)


def test_an_address_that_was_changed_meanwhile_is_another_one(alice: Buyer) -> None:
    address_id = save(alice)
    first = alice.start(address_id=address_id)
    addresses.change(alice.owner.user_id or 0, address_id, replace(ALDER, city="Salem"), now=utcnow())
    second = alice.start(address_id=address_id)
    assert first.order_id != second.order_id and (order_of(second).shipping_address or {})["city"] == "Salem"


def test_only_the_own_addresses_can_be_chosen(alice: Buyer, payments: FakePayments, product: Product) -> None:
    theirs = addresses.add(make_account("bob"), ALDER, now=utcnow()).id
    guest = Buyer(payments)
    guest.add(product)
    for buyer, address_id in ((alice, theirs), (alice, 2**63 - 1), (guest, theirs)):
        with pytest.raises(UnknownAddress):
            buyer.start(address_id=address_id)
    assert stock_of(product) == (5, 0) and payments.asked == []


def test_an_address_that_is_no_longer_served_cannot_be_chosen(alice: Buyer, product: Product) -> None:
    address_id = save(alice)
    change_settings(countries=("DE",))
    assert addresses.list_deliverable(alice.owner.user_id or 0) == []
    with pytest.raises(UnknownAddress):
        alice.start(address_id=address_id)
    assert stock_of(product) == (5, 0)


def test_a_payment_that_comes_late_goes_where_it_was_to_go(alice: Buyer) -> None:
    started = alice.start(address_id=save(alice))
    session_id = alice.session_of(started)
    alice.payments.change(session_id, outcome=SessionOutcome.CLOSED)
    alice.sync(session_id)
    assert order_of(started).status is OrderStatus.EXPIRED
    order = pay(alice, session_id, None)
    assert order.is_paid and order.shipping_name == "Alice Alder"

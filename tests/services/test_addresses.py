"""The address book, as orders fill it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.errors import NotFound
from mountify.core.errors.accounts import AddressBookFull, AddressTwice
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import Delivery
from mountify.models.account import Address
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.services import addresses
from mountify.services.addresses import Entry
from tests.buyers import Buyer, order_of
from tests.cast import make_account
from tests.factories import new_key
from tests.fakes import HOME, FakePayments

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


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


@pytest.fixture
def user_id(database: None) -> int:
    return make_account("bob")


def an(line1: str = "1 First Street", **values: str) -> Entry:
    plain = {"name": "Bob Burr", "city": "Portland", "postal_code": "97205", "country": "US"}
    return Entry(line1=line1, **{**plain, **values})


def put(user_id: int, line1: str, *, minutes: int = 0, is_default: bool = False) -> int:
    """Write an address down, some minutes after noon; gives its id."""
    now = NOON + timedelta(minutes=minutes)
    return addresses.add(user_id, an(line1), is_default=is_default, now=now).id


def test_the_default_comes_first_then_the_newest(user_id: int) -> None:
    for minutes, line1 in enumerate(("A", "B", "C")):
        put(user_id, line1, minutes=minutes)
    assert [address.line1 for address in addresses.list_for_user(user_id)] == ["A", "C", "B"]


def test_there_is_one_default_whoever_becomes_it(user_id: int) -> None:
    one, two = put(user_id, "A"), put(user_id, "B", is_default=True)
    assert book() == [("Bob Burr", "A", False), ("Bob Burr", "B", True)]
    addresses.make_default(user_id, one)
    assert book() == [("Bob Burr", "A", True), ("Bob Burr", "B", False)]
    addresses.change(user_id, two, an("B"), is_default=True, now=NOON)
    assert book() == [("Bob Burr", "A", False), ("Bob Burr", "B", True)]
    addresses.change(user_id, two, an("B"), is_default=False, now=NOON)
    assert book() == [("Bob Burr", "A", False), ("Bob Burr", "B", True)]


def test_the_newest_other_one_takes_the_place_of_a_deleted_default(user_id: int) -> None:
    first = put(user_id, "A")
    put(user_id, "C", minutes=2)
    put(user_id, "B", minutes=1)
    addresses.delete(user_id, first)
    assert book() == [("Bob Burr", "C", True), ("Bob Burr", "B", False)]


def test_deleting_another_leaves_the_default(user_id: int) -> None:
    put(user_id, "A")
    addresses.delete(user_id, put(user_id, "B", minutes=1))
    assert book() == [("Bob Burr", "A", True)]
    addresses.delete(user_id, addresses.list_for_user(user_id)[0].id)
    assert book() == []


def test_the_same_street_and_code_is_written_anew(user_id: int) -> None:
    first = put(user_id, "A")
    again = addresses.add(user_id, an("A", name="Robert", city="Salem"), now=NOON)
    assert again.id == first and book() == [("Robert", "A", True)]
    addresses.add(user_id, an("A", postal_code="97301"), now=NOON)
    assert len(book()) == 2


def test_an_address_cannot_become_another_one(user_id: int) -> None:
    put(user_id, "A")
    other = put(user_id, "B")
    with pytest.raises(AddressTwice):
        addresses.change(user_id, other, an("A"), now=NOON)
    assert [line1 for _, line1, _ in book()] == ["A", "B"]


def test_a_book_holds_fifty_addresses(user_id: int, product: Product, payments: FakePayments) -> None:
    for number in range(addresses.MOST):
        put(user_id, f"Street {number}")
    with pytest.raises(AddressBookFull, match="at most 50 addresses"):
        put(user_id, "One more")
    addresses.add(user_id, an("Street 7", name="Robert"), now=NOON)
    order = buy(Buyer(payments, user_id=user_id), product, HOME)
    assert order.status is OrderStatus.PAID and len(book()) == addresses.MOST


def test_another_accounts_addresses_are_not_there(user_id: int) -> None:
    mine, mallory = put(user_id, "A"), make_account("mallory")
    for attempt in (
        lambda: addresses.get_for_user(mallory, mine),
        lambda: addresses.change(mallory, mine, an("Z"), now=NOON),
        lambda: addresses.make_default(mallory, mine),
        lambda: addresses.delete(mallory, mine),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert addresses.list_for_user(mallory) == [] and book() == [("Bob Burr", "A", True)]

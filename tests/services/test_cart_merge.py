"""A guest's cart comes into the account's: added up, as far as it can be had, and every difference named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from mountify.core.clock import utcnow
from mountify.models.catalogue import Product, ProductStatus
from mountify.services import cart_merge, cart_view, inventory
from mountify.services.cart_merge import Capped, Merged
from mountify.transaction import transaction
from tests.buyers import Buyer, stock_of
from tests.cast import make_account
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakePayments


@pytest.fixture
def guest(database: None, payments: FakePayments) -> Buyer:
    make_shop()
    return Buyer(payments)


@pytest.fixture
def alice(database: None, payments: FakePayments) -> Buyer:
    return Buyer(payments, user_id=make_account("alice"))


def merge(guest: Buyer, alice: Buyer) -> Merged:
    return cart_merge.merge(guest.owner.token or "", alice.owner.user_id or 0, now=utcnow())


def lines(buyer: Buyer) -> dict[str, int]:
    return {line.product.name: line.quantity for line in cart_view.get_view(buyer.owner).lines}


def take_off_the_shelf(product: Product, quantity: int) -> None:
    with transaction() as session:
        inventory.receive(session, product.id, -quantity, reason="correction", now=utcnow())


def test_what_both_hold_is_added_up_and_nothing_is_to_be_told(guest: Buyer, alice: Buyer) -> None:
    stand, hook = make_product("Stand", stock=5), make_product("Hook", stock=5)
    alice.add(stand, 2)
    guest.add(stand, 3)
    guest.add(hook, 1)
    assert merge(guest, alice) == Merged([], [])
    assert lines(alice) == {"Stand": 5, "Hook": 1} and lines(guest) == {}


def test_no_more_than_can_be_had_and_that_is_told(guest: Buyer, alice: Buyer) -> None:
    stand, hook = make_product("Stand", stock=3), make_product("Hook", stock=9)
    alice.add(stand, 2)
    guest.add(stand, 2)
    guest.add(hook, 4)
    take_off_the_shelf(hook, 8)
    assert merge(guest, alice) == Merged([], [Capped("Stand", 3), Capped("Hook", 1)])
    assert lines(alice) == {"Stand": 3, "Hook": 1}
    assert not cart_view.get_view(alice.owner).has_problems


def test_no_more_than_a_line_may_hold(guest: Buyer, alice: Buyer) -> None:
    screw = make_product("Screw", price="0.10", stock=5000)
    alice.add(screw, 900)
    guest.add(screw, 900)
    assert merge(guest, alice) == Merged([], [Capped("Screw", 1000)])
    assert lines(alice) == {"Screw": 1000}


def test_what_is_gone_stays_for_the_cart_to_show(guest: Buyer, alice: Buyer) -> None:
    stand, hook = make_product("Stand", stock=2), make_product("Hook", stock=9)
    for buyer in (alice, guest):
        buyer.add(stand, 1)
        buyer.add(hook, 1)
    take_off_the_shelf(stand, 2)
    with transaction() as session:
        session.execute(update(Product).where(Product.id == hook.id).values(status=ProductStatus.ARCHIVED))
    assert merge(guest, alice) == Merged([], [])
    assert lines(alice) == {"Stand": 2, "Hook": 2}
    assert all(line.is_gone for line in cart_view.get_view(alice.owner).lines)


@pytest.mark.parametrize("whose", ["guest", "alice", "both"])
def test_what_the_carts_own_orders_hold_can_be_had(
    guest: Buyer, alice: Buyer, run_jobs: Callable[[], int], whose: str
) -> None:
    stand = make_product("Stand", stock=5)
    alice.add(stand, 2)
    guest.add(stand, 3)
    for buyer, name in ((guest, "guest"), (alice, "alice")):
        if whose in (name, "both"):
            buyer.start()
    assert merge(guest, alice) == Merged([], [])
    assert lines(alice) == {"Stand": 5}
    run_jobs()
    alice.start(key=new_key())
    assert stock_of(stand) == (5, 5)


def test_what_somebody_elses_order_holds_cannot_be_had(guest: Buyer, alice: Buyer, payments: FakePayments) -> None:
    stand, rival = make_product("Stand", stock=5), Buyer(payments)
    alice.add(stand, 2)
    guest.add(stand, 3)
    rival.add(stand, 1)
    rival.start()
    assert merge(guest, alice) == Merged([], [Capped("Stand", 4)])


def test_a_token_that_leads_nowhere_changes_nothing(guest: Buyer, alice: Buyer) -> None:
    alice.add(make_product("Stand"), 1)
    assert merge(guest, alice) == Merged() and lines(alice) == {"Stand": 1}

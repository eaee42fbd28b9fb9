"""Many at once, on real connections, committing for real."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.site import Site
from mountify.core.tokens import new_token
from mountify.models.catalogue import Inventory
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.models.payment import Payment
from mountify.services import carts, checkout, settlement
from mountify.services.cart_view import CartOwner
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakePayments
from tests.races.crowd import at_once

pytestmark = pytest.mark.commits
SITE = Site("http://127.0.0.1:3999", "a secret of the tests")


def buyer_of(lines: dict[int, int]) -> CartOwner:
    owner = CartOwner(token=new_token())
    for product_id, quantity in lines.items():
        carts.add_item(owner, product_id, quantity, now=utcnow())
    db.release()
    return owner


def start(owner: CartOwner, payments: FakePayments, key: str = "") -> object:
    return checkout.start(owner, "sam@example.com", key or new_key(), payments=payments, site=SITE, now=utcnow())


def stock() -> list[tuple[int, int]]:
    db.release()
    rows = db.session.execute(select(Inventory.on_hand, Inventory.reserved).order_by(Inventory.sku_id))
    return [(row.on_hand, row.reserved) for row in rows]


def test_two_tabs_make_one_order(database: None, payments: FakePayments) -> None:
    make_shop()
    owner = buyer_of({make_product(stock=9).id: 2})
    key = new_key()
    for keys in ((key,) * 6, tuple(new_key() for _ in range(6))):
        results = at_once([lambda key=key: start(owner, payments, key) for key in keys])  # type: ignore[misc]
        assert {type(result).__name__ for result in results} == {"Started"}, results
        assert len({result.order_id for result in results}) == 1  # type: ignore[attr-defined]
    assert stock() == [(9, 2)]
    assert db.session.scalar(select(func.count()).select_from(Order)) == 1
    assert len(payments.sessions) == 1


def test_webhook_and_success_page_at_once_settle_once(database: None, payments: FakePayments) -> None:
    make_shop()
    owner = buyer_of({make_product(stock=9).id: 2})
    session_id = start(owner, payments).url.rsplit("/", 1)[1]  # type: ignore[attr-defined]
    payments.pay(session_id)
    db.release()
    job = lambda: settlement.sync_session(session_id, payments=payments, site=SITE, now=utcnow())  # noqa: E731
    results = at_once([job] * 8)
    assert len(set(results)) == 1, results
    assert stock() == [(7, 0)]
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1
    assert sorted(db.session.scalars(select(Email.kind))) == ["confirmed", "merchant"]


def test_paying_and_giving_up_at_once_end_in_one_of_both(database: None, payments: FakePayments) -> None:
    make_shop()
    owner = buyer_of({make_product(stock=9).id: 2})
    started = start(owner, payments)
    session_id = started.url.rsplit("/", 1)[1]  # type: ignore[attr-defined]
    payments.pay(session_id)
    db.release()
    at_once(
        [
            lambda: settlement.sync_session(session_id, payments=payments, site=SITE, now=utcnow()),
            lambda: checkout.cancel(started.order_id, payments=payments, site=SITE, now=utcnow()),  # type: ignore[attr-defined]
        ]
        * 3
    )
    assert stock() == [(7, 0)]
    assert db.session.scalars(select(Order.status)).all() == ["paid"]


def test_adding_from_many_tabs_loses_nothing(database: None) -> None:
    make_shop()
    product = make_product(stock=50)
    owner = CartOwner(token=new_token())
    results = at_once([lambda: carts.add_item(owner, product.id, 1, now=utcnow())] * 10)
    assert not [result for result in results if isinstance(result, Exception)], results
    assert carts.count(owner) == 10

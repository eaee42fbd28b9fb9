"""A guest who buys, against a payment service that can be told to fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.site import Site
from mountify.core.tokens import new_token
from mountify.models.cart import Cart, CartItem
from mountify.models.catalogue import Inventory, Product
from mountify.models.order import Order
from mountify.models.payment import PaymentAttempt
from mountify.services import carts, checkout, settlement
from mountify.services.cart_view import CartOwner
from mountify.services.checkout import Started
from mountify.transaction import transaction
from tests.factories import new_key
from tests.fakes import FakePayments

SITE = Site("http://127.0.0.1:3999", "a secret of the tests")


class Buyer:
    """Whoever holds a cart: a guest, or an account."""

    def __init__(self, payments: FakePayments, *, user_id: int | None = None, email: str = "sam@example.com") -> None:
        self.owner = CartOwner(user_id=user_id) if user_id else CartOwner(token=new_token())
        self.payments, self.key, self.email = payments, new_key(), email

    def add(self, product: Product, quantity: int = 1) -> None:
        carts.add_item(self.owner, product.id, quantity, now=utcnow())

    def start(
        self,
        email: str = "",
        key: str | None = None,
        now: datetime | None = None,
        *,
        address_id: int | None = None,
    ) -> Started:
        return checkout.start(
            self.owner,
            email or self.email,
            key or self.key,
            address_id=address_id,
            payments=self.payments,
            site=SITE,
            now=now or utcnow(),
        )

    def buy(self) -> Started:
        """Check out, pay, and have it settled."""
        started = self.start()
        self.payments.pay(self.session_of(started))
        self.sync(self.session_of(started))
        db.release()
        return started

    def session_of(self, started: Started) -> str:
        return started.url.rsplit("/", 1)[1]

    def sync(self, session_id: str) -> int:
        return settlement.sync_session(session_id, payments=self.payments, site=SITE, now=utcnow())


def open_another_session(started: Started, payments: FakePayments) -> str:
    """Let the order have a second session, which it does not wait for."""
    mine = select(PaymentAttempt).where(PaymentAttempt.order_id == started.order_id)
    first = db.session.scalars(mine).one()
    db.release()
    key = "attempt-2"
    again = payments.create_session({**first.params, "metadata": {"attempt": key}}, key)
    with transaction() as session:
        session.add(
            PaymentAttempt(
                order_id=started.order_id,
                params=first.params,
                idempotency_key=key,
                session_id=again.id,
                expires_at=first.expires_at,
            )
        )
    return again.id


def fill_carts(session: Session, carts_of: Mapping[CartOwner, Sequence[tuple[Product, int]]]) -> None:
    """Make the carts of many at once, with their lines in this order, where nobody asks how they came about."""
    for owner, parts in carts_of.items():
        lines = [CartItem(product_id=part.id, quantity=count, price_seen=part.price) for part, count in parts]
        session.add(Cart(**owner.columns, expires_at=utcnow() + carts.KEPT, items=lines))


def stock_of(product: Product) -> tuple[int, int]:
    """On hand, reserved."""
    row = db.session.get_one(Inventory, product.id, populate_existing=True)
    db.release()
    return row.on_hand, row.reserved


def order_of(started: Started) -> Order:
    order = db.session.get_one(Order, started.order_id, populate_existing=True)
    db.release()
    return order

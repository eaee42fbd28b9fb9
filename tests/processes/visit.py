"""A shopper's visit to a shop of real processes, and what must be true when it is over."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.order_status import OrderStatus
from mountify.embedded.processes import wait_until
from mountify.jobs.tasks import QUEUED
from mountify.models.catalogue import Product
from mountify.models.order import Order, OrderEvent
from mountify.services.audit import audit
from tests.buyers import stock_of
from tests.factories import CONTACT as MERCHANT
from tests.sandbox.support import Running, client_of

from .pages import pay_at_stripe, way_back_of
from .parts import Parts, Shopper, insist

STOCK, BOUGHT = 9, 2
ALL, LEFT = (STOCK, 0), (STOCK - BOUGHT, 0)
PATIENCE_S = 180.0
# What is to be done before the shop is at rest: all that is ever queued, and the round that ends what is overdue.
WORK = f"task_name IN ({', '.join(map(repr, (*QUEUED, 'end_overdue')))})"


@dataclass
class Visit:
    """A shopper in a shop whose parts are killed: whatever does not answer is tried again."""

    parts: Parts
    outside: Running
    part: Product
    email: str = "sam@example.com"
    quantity: int = BOUGHT
    key: str = ""
    shopper: Shopper = field(init=False)

    def __post_init__(self) -> None:
        self.shopper = Shopper(self.parts.url)

    def check_out(self) -> str:
        """Send the page of the checkout, again and again; gives Stripe's page, which is always the same."""
        self.key = self.key or insist(lambda: self.shopper.open_checkout(self.part.id, self.quantity))
        pages = {
            insist(lambda: self.shopper.post("/checkout", email=self.email, checkout_key=self.key)) for _ in range(2)
        }
        (page,) = pages
        return page

    def pay(self, page: str) -> str:
        """Pay on Stripe's page; gives the way back to the shop."""
        paid = pay_at_stripe(self.outside, page)
        assert paid.status == 303
        return paid.location.removeprefix(self.parts.url)

    def back_link(self, page: str) -> str:
        link = way_back_of(self.outside.get(page).text)
        assert link
        return link.removeprefix(self.parts.url)

    @property
    def order(self) -> Order:
        try:
            return db.session.scalars(select(Order).where(Order.checkout_key == self.key)).one()
        finally:
            db.release()

    @property
    def history(self) -> list[str]:
        mine = select(OrderEvent.kind).join(Order).where(Order.checkout_key == self.key)
        try:
            return list(db.session.scalars(mine.order_by(OrderEvent.id)))
        finally:
            db.release()

    def mails(self, words: str = "") -> list[dict[str, Any]]:
        """All that was ever sent in which these words stand, whoever it is about."""
        return list(json.loads(self.outside.get(f"/mailbox.json?with={quote(words)}").text))

    @property
    def letters(self) -> list[str]:
        """To whom something was written about this buyer."""
        return sorted(
            to for mail in self.mails(self.email) for to in mail["to"] if self.email in f"{to} {mail['text']}"
        )

    def buy(self) -> str:
        """Buy, and see it settled and told; gives Stripe's payment."""
        self.pay(self.check_out())
        self.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)
        return self._payment()

    def ends(self, status: OrderStatus, history: list[str], *, letters: int, stock: tuple[int, int]) -> None:
        """Wait until the shop has nothing left to do, and compare. The merchant hears once of what was paid."""
        to_merchant = [MERCHANT] * ("paid" in history)
        told = sorted([*to_merchant, *[self.email] * (letters - len(to_merchant))])

        def is_told() -> bool:
            return (self.order.status, self.history) == (status, history) and self.letters == told

        assert wait_until(is_told, PATIENCE_S), (self.order.status, self.history, self.letters)
        assert wait_until(lambda: jobs(WORK) == 0, PATIENCE_S)
        assert is_told(), (self.order.status, self.history, self.letters)
        assert stock_of(self.part) == stock
        assert len(self._sessions()) == 1
        assert audit(now=utcnow()) == []
        db.release()

    def sent_back(self) -> list[int]:
        """What Stripe has sent back of the payment, in cents."""
        made = client_of(self.outside).v1.refunds.list({"payment_intent": self._payment()}).data
        return [refund.amount for refund in made]

    def _payment(self) -> str:
        (session,) = self._sessions()
        return str(session.payment_intent)

    def _sessions(self) -> list[Any]:
        listed = client_of(self.outside).v1.checkout.sessions.list({"limit": 100}).data
        return [session for session in listed if session.client_reference_id == str(self.order.id)]


def assert_sold_to(visit: Visit) -> None:
    """The only buyer of a shop has bought once, and nothing else has come about."""
    visit.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)
    assert the_order().checkout_key == visit.key and len(visit.mails()) == 2
    assert len(client_of(visit.outside).v1.checkout.sessions.list().data) == 1


def the_order() -> Order:
    try:
        return db.session.scalars(select(Order)).one()
    finally:
        db.release()


def jobs(which: str) -> int:
    """Count the jobs that wait or are under way."""
    query = f"SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND {which}"
    try:
        return db.session.scalar(sa.text(query)) or 0
    finally:
        db.release()

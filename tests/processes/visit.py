"""A shopper's visit to a shop of real processes, and what must be true when it is over."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.order_status import OrderStatus
from mountify.embedded.processes import wait_until
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.services.audit import audit
from tests.buyers import stock_of
from tests.sandbox.support import Running, client_of

from .parts import Parts, Shopper, insist

STOCK, BOUGHT = 9, 2
PATIENCE_S = 90.0
BOTH = ["help@mountify.example", "sam@example.com"]


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
        paid = self.outside.post(page, self.outside.get(page).form())
        assert paid.status == 303
        return paid.location.removeprefix(self.parts.url)

    def back_link(self, page: str) -> str:
        link = re.search(r'id="back-to-shop" href="([^"]+)"', self.outside.get(page).text)
        assert link
        return link[1].replace("&amp;", "&").removeprefix(self.parts.url)

    def letters(self) -> list[str]:
        """To whom something was written."""
        return sorted(to for mail in json.loads(self.outside.get("/mailbox.json").text) for to in mail["to"])


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


def judge(visit: Visit, status: OrderStatus, letters: list[str], stock: tuple[int, int]) -> None:
    assert wait_until(lambda: the_order().status is status and visit.letters() == letters, PATIENCE_S), visit.letters()
    assert wait_until(lambda: jobs("task_name IN ('process_webhook', 'send_email')") == 0, PATIENCE_S)
    assert the_order().checkout_key == visit.key and stock_of(visit.part) == stock
    (session,) = client_of(visit.outside).v1.checkout.sessions.list().data
    assert session.client_reference_id == str(the_order().id)
    assert visit.letters() == letters and audit(now=utcnow()) == []
    db.release()

"""One shopper, one part and one order, in a standing shop where others have been before."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.order_status import OrderStatus
from mountify.embedded.processes import wait_until
from mountify.models.catalogue import Product
from mountify.models.order import Order, OrderEvent
from mountify.services.audit import audit
from tests.buyers import stock_of
from tests.cast import email_of
from tests.factories import make_product
from tests.sandbox.support import client_of

from .standing import Standing
from .visit import BOUGHT, PATIENCE_S, STOCK, Visit, jobs

ALL, LEFT = (STOCK, 0), (STOCK - BOUGHT, 0)
WORK = "task_name IN ('process_webhook', 'send_email', 'send_refund', 'end_overdue', 'end_superseded')"
_numbers = count(1)


class Tale:
    def __init__(self, shop: Standing, part: Product | None = None, quantity: int = BOUGHT) -> None:
        self.shop, self.name = shop, f"sam-{next(_numbers)}"
        part = part or make_product(stock=STOCK)
        db.release()
        self.visit = Visit(shop.parts, shop.outside, part, email_of(self.name), quantity)

    @property
    def order(self) -> Order:
        try:
            return db.session.scalars(select(Order).where(Order.checkout_key == self.visit.key)).one()
        finally:
            db.release()

    @property
    def history(self) -> list[str]:
        mine = select(OrderEvent.kind).join(Order).where(Order.checkout_key == self.visit.key)
        try:
            return list(db.session.scalars(mine.order_by(OrderEvent.id)))
        finally:
            db.release()

    @property
    def letters(self) -> list[str]:
        """The subjects of what was written to this buyer, and to the merchant about this buyer."""
        mails = self.shop.mails()
        return [mail["subject"] for mail in mails if self.visit.email in f"{mail['to']} {mail['text']}"]

    def buy(self) -> str:
        """Buy, and see it settled and told; gives Stripe's payment."""
        self.visit.pay(self.visit.check_out())
        self.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)
        return self._payment()

    def ends(self, status: OrderStatus, history: list[str], *, letters: int, stock: tuple[int, int]) -> None:
        """Wait until the shop has nothing left to do, and compare."""

        def is_told() -> bool:
            return (self.order.status, self.history, len(self.letters)) == (status, history, letters)

        assert wait_until(is_told, PATIENCE_S), (self.order.status, self.history, self.letters)
        assert wait_until(lambda: jobs(WORK) == 0, PATIENCE_S)
        assert is_told(), (self.order.status, self.history, self.letters)
        assert stock_of(self.visit.part) == stock
        assert len(self._sessions()) == 1
        assert audit(now=utcnow()) == []
        db.release()

    def sent_back(self) -> list[int]:
        """What Stripe has sent back of the payment, in cents."""
        made = client_of(self.shop.outside).v1.refunds.list({"payment_intent": self._payment()}).data
        return [refund.amount for refund in made]

    def _payment(self) -> str:
        (session,) = self._sessions()
        return str(session.payment_intent)

    def _sessions(self) -> list[Any]:
        listed = client_of(self.shop.outside).v1.checkout.sessions.list({"limit": 100}).data
        return [session for session in listed if session.client_reference_id == str(self.order.id)]

"""Orders beside Stripe's payments, the mail service's mails and the shelf: each counted where it lies, and compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import to_minor
from mountify.models.catalogue import Inventory, StockMovement
from mountify.models.order import Order, OrderItem
from mountify.models.payment import PaymentAttempt, WebhookEvent
from mountify.services.audit import audit
from tests.sandbox.support import client_of

from .errand import Ledger
from .estate import Estate

Rows = dict[str, Any]


@dataclass
class Stripe:
    """What Stripe says: every session by its id, and what went back of each payment."""

    sessions: dict[str, Any]
    sent_back: Counter[str]

    @classmethod
    def of(cls, estate: Estate) -> Stripe:
        client = client_of(estate.outside).v1
        page: Any = {"limit": 100}
        sessions = {session.id: session for session in client.checkout.sessions.list(page).auto_paging_iter()}
        sent_back: Counter[str] = Counter()
        for refund in client.refunds.list(page).auto_paging_iter():
            sent_back[str(refund.payment_intent)] += refund.amount if refund.status != "failed" else 0
        return cls(sessions, sent_back)

    @property
    def paid(self) -> dict[str, Any]:
        return {name: session for name, session in self.sessions.items() if session.payment_status == "paid"}


class Books:
    """Read once, when the shop is at rest."""

    def __init__(self, estate: Estate, ledger: Ledger, opening: dict[int, int]) -> None:
        self.estate, self.ledger, self.opening = estate, ledger, opening
        self.stripe = Stripe.of(estate)
        self.mails: list[Rows] = json.loads(estate.outside.get("/mailbox.json").text)
        self.orders: list[Order] = list(db.session.scalars(sa.select(Order)))
        self.paid_orders = {order.paid_session: order for order in self.orders if order.paid_session}
        known = sa.select(PaymentAttempt.session_id).where(PaymentAttempt.session_id.is_not(None))
        self.known = {str(session_id) for session_id in db.session.scalars(known)}
        self.events = set(db.session.scalars(sa.select(WebhookEvent.event_id)))
        self.shelf = {row.sku_id: row for row in db.session.scalars(sa.select(Inventory))}
        sold = sa.select(OrderItem.product_id, sa.func.sum(OrderItem.quantity)).join(Order).where(Order.stock_sold)
        self.sold = {row[0]: int(row[1]) for row in db.session.execute(sold.group_by(OrderItem.product_id))}
        back = sa.select(StockMovement.product_id, sa.func.sum(StockMovement.delta))
        back = back.where(StockMovement.reason == "return").group_by(StockMovement.product_id)
        self.returned = {row[0]: int(row[1]) for row in db.session.execute(back)}
        db.release()
        self.off = list(self._compare())

    def lines(self) -> Iterator[tuple[str, str]]:
        """The table: what was counted."""
        states = Counter(str(order.status) for order in self.orders)
        yield "orders", _listed({"placed": len(self.orders), **dict(sorted(states.items()))})
        paid = self.stripe.paid
        whole = sum(self.stripe.sent_back[str(seen.payment_intent)] >= seen.amount_total for seen in paid.values())
        yield "payments", _listed({"at Stripe": len(paid), "orders paid by them": len(self.paid_orders)})
        yield (
            "refunds",
            _listed({"payments sent back": whole, "in part": sum(map(bool, self.stripe.sent_back.values())) - whole}),
        )
        kinds = Counter(str(mail["idempotency_key"]).partition(":")[0] for mail in self.mails)
        yield "mails", _listed({"accepted": len(self.mails), **dict(sorted(kinds.items()))})
        on_hand = sum(row.on_hand for row in self.shelf.values())
        sold, returned = sum(self.sold.values()), sum(self.returned.values())
        opening, reserved = sum(self.opening.values()), sum(row.reserved for row in self.shelf.values())
        counted = {"opening": opening, "on hand": on_hand, "sold": sold, "returned": returned, "reserved": reserved}
        yield "stock", _listed(counted)

    def _compare(self) -> Iterator[str]:
        yield from self._money()
        yield from self._mails()
        yield from self._stock()
        yield from self._promises()
        for violation in audit(now=utcnow()):
            yield f"{violation.invariant}: {violation.what}"
        db.release()

    def _money(self) -> Iterator[str]:
        """Each payment has an order, or has gone back: never both, never neither."""
        for name, seen in self.stripe.paid.items():
            order, back = self.paid_orders.get(name), self.stripe.sent_back[str(seen.payment_intent)]
            if order is None and back != seen.amount_total:
                yield f"{name}: paid {seen.amount_total}, no order has it, and {back} went back"
            if order is not None and to_minor(order.total, order.currency) != seen.amount_total:
                yield f"{name}: order {order.number} of {order.total} was paid with {seen.amount_total}"
            if order is not None and to_minor(order.refunded_total, order.currency) != back:
                yield f"{name}: {back} went back, order {order.number} says {order.refunded_total}"
            if order is not None and (order.status == "refunded") != (back == seen.amount_total):
                yield f"{name}: order {order.number} is {order.status}, {back} of {seen.amount_total} went back"
        for name, order in self.paid_orders.items():
            if name not in self.stripe.paid:
                yield f"order {order.number} is paid by {name}, of which Stripe says that it is not paid"
        yield from (f"order {order.number} still waits" for order in self.orders if order.is_pending)

    def _mails(self) -> Iterator[str]:
        """Each paid order was confirmed once, and no mail came twice, whatever its key."""
        keys = Counter(str(mail["idempotency_key"]) for mail in self.mails)
        yield from (f"mail {key} came {count} times" for key, count in keys.items() if count > 1)
        letters = Counter((tuple(mail["to"]), mail["subject"], mail["text"]) for mail in self.mails)
        yield from (f"{subject!r} came {n} times to {to}" for (to, subject, _), n in letters.items() if n > 1)
        confirmed = {key.rpartition(":")[0] for key in keys if key.startswith("confirmed:")}
        wanted = {f"confirmed:{order.id}" for order in self.paid_orders.values()}
        yield from (f"mail {key} never came" for key in sorted(wanted - confirmed))
        yield from (f"mail {key} is of an order that is not paid" for key in sorted(confirmed - wanted))

    def _stock(self) -> Iterator[str]:
        for product_id, opening in self.opening.items():
            row = self.shelf[product_id]
            sold, returned = self.sold.get(product_id, 0), self.returned.get(product_id, 0)
            if row.on_hand + sold - returned != opening:
                yield f"product {product_id}: {opening} at first, {row.on_hand} left, {sold} sold, {returned} came back"
            if row.reserved:
                yield f"product {product_id}: {row.reserved} reserved for nobody"

    def _promises(self) -> Iterator[str]:
        """Whatever was acknowledged is there."""
        lost = set(self.ledger.sessions) - self.known
        yield from (f"{name}: a shopper was sent there, and no order knows it" for name in sorted(lost))
        lost = set(self.ledger.confirmed) - set(self.paid_orders)
        yield from (f"{name}: a shopper saw the order confirmed, and it is not paid" for name in sorted(lost))
        lost = self.estate.courier.taken - self.events
        yield from (f"webhook {event} was acknowledged and is not stored" for event in sorted(lost))
        made = set(self.stripe.sessions)
        yield from (f"{name}: known here, and not to Stripe" for name in sorted(self.known - made))


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())

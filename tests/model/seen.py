"""What the shop has written down, read from its tables as plain values. Amounts are in cents."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import text

from mountify import db

Lines = dict[int, int]  # part → how many

_ORDERS = text("""
    SELECT o.id, o.email, o.status, (o.total * 100)::int AS total, o.paid_session,
           a.state = 'complete' AS is_complete, a.session_id, coalesce(c.token_hash, c.user_id::text) AS cart,
           (SELECT jsonb_object_agg(t.product_id, t.quantity) FROM order_items t WHERE t.order_id = o.id) AS lines
    FROM orders o JOIN payment_attempts a ON a.order_id = o.id LEFT JOIN carts c ON c.id = o.cart_id ORDER BY o.id
""")
_PAYMENTS = text("""
    SELECT a.session_id, p.payment_intent, a.order_id, (p.amount * 100)::int AS amount
    FROM payments p JOIN payment_attempts a ON a.id = p.attempt_id ORDER BY p.id
""")
_REFUNDS = text("""
    SELECT r.id, p.payment_intent, a.order_id, (r.amount * 100)::int AS amount, r.state, r.stripe_refund_id,
           r.idempotency_key AS key, r.restock
    FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN payment_attempts a ON a.id = p.attempt_id ORDER BY r.id
""")
_CARTS = text("""
    SELECT coalesce(c.token_hash, c.user_id::text), i.product_id, i.quantity
    FROM carts c JOIN cart_items i ON i.cart_id = c.id
""")


@dataclass(frozen=True)
class SeenOrder:
    id: int
    buyer: str
    status: str
    total: int
    paid_session: str | None
    is_complete: bool  # its money is here or on its way
    session_id: str | None
    cart: str | None  # what it was made from and will be taken out of
    lines: Lines


@dataclass(frozen=True)
class SeenPayment:
    session_id: str
    intent: str
    order_id: int
    amount: int


@dataclass(frozen=True)
class SeenRefund:
    id: int
    intent: str
    order_id: int
    amount: int
    state: str
    at_stripe: str | None
    key: str
    restock: Lines

    @property
    def is_made(self) -> bool:
        return self.at_stripe is not None and self.state != "failed"


@dataclass
class Seen:
    shelf: dict[int, tuple[int, int]]  # part → on hand, reserved
    # By the hash of a token, or the id of an account.
    carts: dict[str, Lines] = field(default_factory=lambda: defaultdict(dict))
    orders: dict[int, SeenOrder] = field(default_factory=dict)
    payments: dict[str, SeenPayment] = field(default_factory=dict)  # by session
    refunds: dict[int, SeenRefund] = field(default_factory=dict)
    disputes: dict[str, str] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)  # of Stripe, as they were told


def look() -> Seen:
    """Read it all, and leave nothing open."""
    ask = db.session.execute
    seen = Seen({row[0]: (row[1], row[2]) for row in ask(text("SELECT sku_id, on_hand, reserved FROM inventory"))})
    for cart, part, quantity in ask(_CARTS):
        seen.carts[cart][part] = quantity
    for row in ask(_ORDERS):
        seen.orders[row.id] = SeenOrder(*[*row[:8], _lines(row.lines)])
    for row in ask(_PAYMENTS):
        assert row.session_id not in seen.payments, "one session, two payments"
        seen.payments[row.session_id] = SeenPayment(*row)
    for row in ask(_REFUNDS):
        seen.refunds[row.id] = SeenRefund(*[*row[:7], _lines(row.restock)])
    seen.disputes = {row[0]: row[1] for row in ask(text("SELECT stripe_dispute_id, state FROM disputes"))}
    seen.events = set(ask(text("SELECT event_id FROM webhook_events")).scalars())
    db.release()
    return seen


def _lines(stored: dict[str, int] | None) -> Lines:
    return {int(part): int(quantity) for part, quantity in (stored or {}).items()}

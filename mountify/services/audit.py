"""The invariants, asked of the database. An empty answer means that every promise holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from mountify import db


@dataclass(frozen=True)
class Violation:
    invariant: str
    what: str


# Each query gives one text per violation. I11 (things are reached through their owner) is a matter of code.
_CHECKS: dict[str, str] = {
    "I1": """
        SELECT format('payment %s of order %s is neither the payment of its order nor refunded', p.id, a.order_id)
        FROM payments p JOIN payment_attempts a ON a.id = p.attempt_id JOIN orders o ON o.id = a.order_id
        WHERE o.paid_session IS DISTINCT FROM a.session_id
          AND p.amount > (SELECT coalesce(sum(r.amount), 0) FROM refunds r
                          WHERE r.payment_id = p.id AND r.state <> 'failed')
          AND NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND e.kind = 'payment_unsettled'
                          AND e.data ->> 'session' = a.session_id)
    """,
    "I2": """
        SELECT format('order %s is paid without a payment of its amount', o.number)
        FROM orders o
        WHERE o.source = 'checkout' AND o.status IN ('paid', 'shipped', 'delivered', 'refunded')
          AND NOT EXISTS (SELECT 1 FROM payments p JOIN payment_attempts a ON a.id = p.attempt_id
                          WHERE a.order_id = o.id AND a.session_id = o.paid_session
                            AND p.amount = o.total AND p.currency = o.currency)
    """,
    "I3": """
        SELECT format('order %s has %s confirmations', o.number, count(e.id))
        FROM orders o LEFT JOIN emails e ON e.order_id = o.id AND e.kind = 'confirmed'
        WHERE o.source = 'checkout' AND o.paid_session IS NOT NULL GROUP BY o.id HAVING count(e.id) <> 1
    """,
    "I4 on hand": """
        SELECT format('product %s has %s on hand, its ledger says %s', i.sku_id, i.on_hand, coalesce(sum(m.delta), 0))
        FROM inventory i LEFT JOIN stock_movements m ON m.product_id = i.sku_id
        GROUP BY i.sku_id HAVING i.on_hand <> coalesce(sum(m.delta), 0)
    """,
    "I4 reserved": """
        SELECT format('product %s has %s reserved, its orders hold %s', i.sku_id, i.reserved, coalesce(h.held, 0))
        FROM inventory i LEFT JOIN (
            SELECT t.product_id, sum(t.quantity) AS held FROM order_items t JOIN orders o ON o.id = t.order_id
            WHERE o.inventory_reserved GROUP BY t.product_id) h ON h.product_id = i.sku_id
        WHERE i.reserved <> coalesce(h.held, 0)
    """,
    "I4 sold": """
        SELECT format('order %s sold %s of product %s, its ledger says %s', o.number, t.quantity, t.product_id,
                      coalesce(-m.delta, 0))
        FROM orders o JOIN order_items t ON t.order_id = o.id
        LEFT JOIN stock_movements m ON m.order_id = o.id AND m.product_id = t.product_id AND m.reason = 'sale'
        WHERE o.stock_sold AND coalesce(-m.delta, 0) <> t.quantity
    """,
    "I5": """
        SELECT format('order %s is pending although its time ran out', o.number)
        FROM orders o
        WHERE o.status = 'pending' AND o.reserved_until < CAST(:now AS timestamptz) - interval '10 minutes'
          AND NOT EXISTS (SELECT 1 FROM payment_attempts a WHERE a.order_id = o.id AND a.state = 'complete')
    """,
    "I6": """
        SELECT format('order %s has a subtotal of %s, its lines add up to %s', o.number, o.subtotal,
                      coalesce(sum(t.price * t.quantity), 0))
        FROM orders o LEFT JOIN order_items t ON t.order_id = o.id
        GROUP BY o.id HAVING o.subtotal <> coalesce(sum(t.price * t.quantity), 0)
    """,
    "I7": """
        SELECT format('order %s is %s but its timeline has %s such rows', o.number, o.status, count(e.id))
        FROM orders o LEFT JOIN order_events e ON e.order_id = o.id AND e.kind = o.status
        WHERE o.status <> 'pending' GROUP BY o.id HAVING count(e.id) <> 1
    """,
    "I8": """
        SELECT format('webhook %s waits since %s', w.event_id, w.received_at)
        FROM webhook_events w
        WHERE w.processed_at IS NULL AND w.parked_at IS NULL
          AND w.received_at < CAST(:now AS timestamptz) - interval '2 hours'
    """,
    "I9": """
        SELECT format('payment %s of %s has refunds of %s', p.id, p.amount, sum(r.amount))
        FROM payments p JOIN refunds r ON r.payment_id = p.id AND r.state <> 'failed'
        GROUP BY p.id HAVING sum(r.amount) > p.amount
    """,
    "I10": """
        SELECT format('mail %s waits since %s', e.idempotency_key, e.created_at)
        FROM emails e
        WHERE e.state = 'queued' AND e.created_at < CAST(:now AS timestamptz) - interval '24 hours'
    """,
}


def audit(*, now: datetime) -> list[Violation]:
    """Check every invariant and say what is wrong."""
    return [
        Violation(invariant, what)
        for invariant, query in _CHECKS.items()
        for what in db.session.scalars(text(query), {"now": now})
    ]

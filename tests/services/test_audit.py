"""The audit sees what it is there for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from mountify import db
from mountify.core.clock import utcnow
from mountify.services.audit import audit
from tests.buyers import Buyer
from tests.databases import audit_at_once
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments


@pytest.fixture
def damaged(database: None, payments: FakePayments) -> Iterator[None]:
    """A paid and a pending order in a transaction; what a test breaks there is undone before the shop is audited."""
    make_shop()
    product = make_product(stock=9)
    for finish in (Buyer.buy, Buyer.start):
        buyer = Buyer(payments)
        buyer.add(product, 2)
        finish(buyer)
    assert audit(now=utcnow()) == []
    point = db.session.begin_nested()
    yield
    point.rollback()


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        ("UPDATE payments SET amount = amount + 1", "I2"),
        ("UPDATE orders SET paid_session = 'another' WHERE status = 'paid'", "I1"),
        ("DELETE FROM emails", "I3"),
        ("UPDATE inventory SET on_hand = on_hand + 1", "I4 on hand"),
        ("UPDATE inventory SET reserved = reserved + 1", "I4 reserved"),
        (
            "UPDATE order_items SET quantity = 1 WHERE order_id = (SELECT id FROM orders WHERE status = 'paid')",
            "I4 sold",
        ),
        ("UPDATE orders SET reserved_until = now() - interval '11 minutes' WHERE status = 'pending'", "I5"),
        ("UPDATE order_items SET price = price + 1", "I6"),
        ("DELETE FROM order_events WHERE kind = 'paid'", "I7"),
        (
            "INSERT INTO webhook_events (provider, event_id, type, payload, received_at)"
            " VALUES ('stripe', 'evt_1', 'x', '{}', now() - interval '3 hours')",
            "I8",
        ),
        ("UPDATE emails SET created_at = now() - interval '25 hours'", "I10 mail"),
        ("UPDATE emails SET state = 'failed', error = 'no such address'", "I3 sent"),
        ("UPDATE orders SET status = 'cancelled' WHERE status = 'paid'", "I7 back"),
        (
            "INSERT INTO webhook_events (provider, event_id, type, payload, parked_at)"
            " VALUES ('stripe', 'evt_1', 'x', '{}', now())",
            "I8 parked",
        ),
        (
            "INSERT INTO refunds (payment_id, reason, amount, idempotency_key, state)"
            " SELECT id, 'late', amount + 1, 'x', 'pending' FROM payments;"
            "ALTER TABLE orders DROP CONSTRAINT ck_orders_refunded_total; UPDATE orders SET refunded_total = total + 1",
            "I9",
        ),
        ("UPDATE orders SET refunded_total = 1", "I9 total"),
        ("UPDATE payments SET state = 'refunded'", "I9 payment"),
        (
            "INSERT INTO stock_movements (product_id, delta, reason, order_id)"
            " SELECT product_id, quantity + 1, 'return', order_id FROM order_items;"
            "UPDATE inventory SET on_hand = on_hand + quantity + 1 FROM order_items WHERE product_id = sku_id",
            "I4 returned",
        ),
        (
            "INSERT INTO refunds (payment_id, reason, amount, idempotency_key, created_at)"
            " SELECT id, 'late', 1, 'x', now() - interval '61 minutes' FROM payments",
            "I10 refund",
        ),
        (
            "INSERT INTO refunds (payment_id, reason, amount, idempotency_key) SELECT id, 'late', 1, 'refund-' || n"
            " FROM payments, generate_series(1, 2) n",
            "I9 automatic",
        ),
        (
            "UPDATE procrastinate_events SET at = now() - interval '2 minutes';"
            " INSERT INTO procrastinate_workers DEFAULT VALUES",
            "I10",
        ),
        ("UPDATE procrastinate_jobs SET status = 'failed'", "I10 dead"),
        (
            "INSERT INTO procrastinate_workers DEFAULT VALUES;"
            " INSERT INTO task_runs (task, due_by) VALUES ('sweep', now() - interval '1 minute')",
            "I10 late",
        ),
        (
            "INSERT INTO procrastinate_workers DEFAULT VALUES;"
            " UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers);"
            " UPDATE procrastinate_events SET at = now() - interval '61 minutes'",
            "I10 stuck",
        ),
        (
            "WITH mallory AS (INSERT INTO users (email) VALUES ('mallory@example.com') RETURNING id)"
            " UPDATE carts SET user_id = mallory.id, token_hash = NULL FROM mallory"
            " WHERE carts.id = (SELECT cart_id FROM orders WHERE status = 'pending')",
            "I11",
        ),
    ],
)
def test_the_audit_names_what_is_broken(damaged: None, damage: str, invariant: str) -> None:
    for statement in damage.split(";"):
        db.session.execute(text(statement))
    now = utcnow()
    all_found = audit(now=now)
    assert audit_at_once(now=now) == all_found
    found = [violation for violation in all_found if violation.invariant == invariant]
    assert found and all(violation.what and violation.repair for violation in found)

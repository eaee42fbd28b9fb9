"""The orders to ship, in a shop that has shipped very many."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mountify import db
from tests.desk import Desk

ORDERS, WAITING, ON_THE_WAY = 100_000, 120, 300
pytestmark = pytest.mark.commits


@pytest.fixture
def busy(ada: Desk, engine: sa.Engine) -> Desk:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET statement_timeout = 0"))  # so many rows take their time on a busy machine
        connection.execute(
            sa.text(
                "INSERT INTO orders (number, email, currency, subtotal, shipping_total, total, status, source,"
                " stock_sold, paid_at, shipped_at) SELECT 's' || n, 'a@example.com', 'USD', 0, 0, 0,"
                " CASE WHEN n <= :waiting THEN 'paid' WHEN n <= :sent THEN 'shipped' ELSE 'delivered' END, 'import',"
                " true, now() - n * interval '1 minute',"
                " CASE WHEN n > :waiting THEN now() - n * interval '1 minute' END FROM generate_series(1, :orders) n"
            ),
            {"waiting": WAITING, "sent": WAITING + ON_THE_WAY, "orders": ORDERS},
        )
        connection.execute(sa.text("INSERT INTO order_events (order_id, kind) SELECT id, status FROM orders"))
        connection.execute(sa.text("VACUUM ANALYZE orders, order_events"))  # as PostgreSQL does by itself
        connection.execute(sa.text("RESET statement_timeout"))
    return ada


def counts_arrived(given: object) -> bool:
    """Who wants to know how many have arrived has all of them looked at; no page of the desk asks for that."""
    return isinstance(given, dict) and "delivered" in given.values() and len(given) == 1


def test_a_page_asks_little_and_looks_at_no_order_that_it_does_not_show(busy: Desk) -> None:
    first = busy.get("/admin/shipping")
    assert "120 orders, oldest first" in first.text and "300 orders, newest first" in first.text
    assert 'href="/admin/shipping?page=3"' in first.text and 'href="/admin/shipping?sent=6"' in first.text
    assert busy.get("/admin/shipping?page=3").text.count('id="ship-') == 20
    for path, most_bytes in (
        ("/admin/shipping", 200_000),
        ("/admin/shipping?page=3&sent=6", 120_000),
        ("/api/admin/shipping?limit=50&page=9", 80_000),
    ):
        asked: list[tuple[str, object]] = []

        def note(_connection: object, _cursor: object, statement: str, given: object, *_rest: object) -> None:
            asked.append((statement, given))  # noqa: B023

        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            answer = busy.get(path)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
        assert answer.status_code == 200 and len(answer.data) < most_bytes, len(answer.data)
        assert len(asked) <= 10, asked
        explain = db.session.connection().exec_driver_sql
        about_orders = [(what, given) for what, given in asked if "FROM orders" in what and not counts_arrived(given)]
        plan = "\n".join(line for what, given in about_orders for line in explain(f"EXPLAIN {what}", given).scalars())
        assert "Seq Scan on orders" not in plan and "ix_orders_to_ship" in plan and "ix_orders_sent" in plan, plan
        db.release()

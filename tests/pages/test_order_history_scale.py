"""The orders of an account, on its page, in a shop that has very many."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from mountify import db
from mountify.services import accounts
from tests.cast import email_of, sign_in
from tests.factories import make_product, make_shop
from tests.web import Browser

ORDERS, OF_ALICE = 60_000, 100  # of all others each account has thirty


@pytest.fixture
def alice(app: Flask, browser: Browser) -> Browser:
    """Who buys and buys, as other people do."""
    make_shop()
    sign_in(browser, "alice")
    product, user_id = make_product(), accounts.find_by_email(email_of("alice"))
    ask = db.session.execute
    ask(sa.text("SET LOCAL statement_timeout = 0"))  # so many rows take their time on a busy machine
    ask(
        sa.text("INSERT INTO users (email) SELECT 'buyer-' || n || '@example.com' FROM generate_series(1, :users) n"),
        {"users": (ORDERS - OF_ALICE) // 30},
    )
    ask(
        sa.text(
            "INSERT INTO orders (number, user_id, email, currency, subtotal, shipping_total, total, status, source)"
            " SELECT 'h' || n, CASE n % :every WHEN 0 THEN :alice ELSE others.ids[1 + n % cardinality(others.ids)] END,"
            " 'a@example.com', 'USD', 1, 0, 1, 'cancelled', 'import'"
            " FROM generate_series(1, :orders) n, (SELECT array_agg(id) ids FROM users WHERE id <> :alice) others"
        ),
        {"alice": user_id, "every": ORDERS // OF_ALICE, "orders": ORDERS},
    )
    ask(
        sa.text(
            "INSERT INTO order_items (order_id, product_id, quantity, price, name, slug)"
            " SELECT id, :product, 1, 1, 'Stand', 'stand' FROM orders"
        ),
        {"product": product.id},
    )
    ask(sa.text("INSERT INTO order_events (order_id, kind) SELECT id, 'cancelled' FROM orders"))
    ask(sa.text("ANALYZE users, orders, order_items"))
    db.session.commit()
    return browser


def test_a_page_of_it_asks_little_and_looks_at_no_order_of_anybody_else(alice: Browser) -> None:
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, given: object, *_rest: object) -> None:
        asked.append((statement, given))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        assert alice.get("/orders").text.count("Details") == 20
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert len(asked) <= 10, asked
    explain = db.session.connection().exec_driver_sql
    about_orders = [(statement, given) for statement, given in asked if "FROM orders" in statement]
    plan = "\n".join(line for what, given in about_orders for line in explain(f"EXPLAIN {what}", given).scalars())
    assert "Index Scan Backward using ix_orders_user_id_id on orders" in plan, plan
    assert "Seq Scan on orders" not in plan and "pk_orders" not in plan, plan

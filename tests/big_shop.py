"""A shop that has been open for years: 100,000 orders and 50,000 products, in a database of its own."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

PRODUCTS, ORDERS, OF_ALICE = 50_000, 100_000, 100
BIG = (
    "products",
    "inventory",
    "stock_movements",
    "orders",
    "order_items",
    "order_events",
    "emails",
    "audit_log",
    "users",
)

# Statuses as a shop has them: nearly all delivered, a few hundred to ship.
_STATUS = (
    "CASE WHEN n % 300 = 0 THEN 'paid' WHEN n % 101 = 0 THEN 'shipped' WHEN n % 47 = 0 THEN 'cancelled'"
    " WHEN n % 97 = 0 THEN 'refunded' ELSE 'delivered' END"
)


def fill(connection: sa.Connection, *, alice: int) -> None:
    """Insert it all; nothing is checked by foreign keys, which would take minutes. To be vacuumed afterwards."""
    for statement in (
        "SET LOCAL session_replication_role = replica",
        "SET LOCAL statement_timeout = 0",
        "INSERT INTO categories (name, slug, display_order) SELECT 'Category ' || n, 'category-' || n, n"
        " FROM generate_series(1, 20) n",
        "INSERT INTO products (name, slug, price, description, category_id, status, low_stock_level)"
        " SELECT 'Mount ' || n || ' ' || md5(n::text), 'mount-' || n, 1 + n % 90, 'Holds it.', 1 + n % 20,"
        " CASE WHEN n % 50 = 0 THEN 'draft' WHEN n % 33 = 0 THEN 'archived' ELSE 'published' END, 4"
        f" FROM generate_series(1, {PRODUCTS}) n",
        "INSERT INTO inventory (sku_id, on_hand, reserved)"
        " SELECT id, CASE WHEN id % 700 = 0 THEN 0 WHEN id % 300 = 0 THEN 3 ELSE 50 END, 0 FROM products",
        "INSERT INTO stock_movements (product_id, delta, reason) SELECT sku_id, on_hand, 'opening' FROM inventory"
        " WHERE on_hand > 0",
        "INSERT INTO users (email) SELECT 'buyer-' || n || '@example.com' FROM generate_series(1, 3000) n",
        "INSERT INTO orders (number, user_id, email, currency, subtotal, shipping_total, total, status, source,"
        " stock_sold, paid_at, created_at, shipping_name, shipping_address, tracking_number, carrier, shipped_at)"
        f" SELECT (20000 + n)::text, CASE n % {ORDERS // OF_ALICE} WHEN 0 THEN {alice} ELSE 1 + n % 3000 END,"
        " 'buyer-' || n % 3000 || '@example.com', 'USD', 20, 0, 20, status, 'import',"
        " status IN ('paid', 'shipped', 'delivered', 'refunded'),"
        " CASE status WHEN 'cancelled' THEN NULL ELSE at END, at,"
        ' \'Buyer \' || md5((n % 3000)::text), \'{"country": "US", "city": "Portland"}\','
        " CASE WHEN status IN ('shipped', 'delivered') THEN '1Z' || n END,"
        " CASE WHEN status IN ('shipped', 'delivered') THEN 'ups' END,"
        " CASE WHEN status IN ('shipped', 'delivered') THEN at END"
        f" FROM (SELECT n, {_STATUS} AS status, now() - (100000 - n) * interval '15 minutes' AS at"
        f" FROM generate_series(1, {ORDERS}) n) drawn",
        f"INSERT INTO order_items (order_id, product_id, quantity, price, name, slug)"
        f" SELECT id, 1 + id % {PRODUCTS}, 2, 10, 'Mount', 'mount' FROM orders",
        "INSERT INTO order_events (order_id, kind) SELECT id, 'paid' FROM orders",
        "INSERT INTO emails (order_id, kind, recipient, subject, html, text, idempotency_key, state, sent_at)"
        " SELECT id, 'confirmed', email, 'Order', '', '', 'confirmed:' || id, 'sent', now() FROM orders",
        "INSERT INTO audit_log (actor_id, action, thing, thing_id) SELECT 1, 'product.changed', 'products', id::text"
        " FROM products",
    ):
        connection.execute(sa.text(statement))


class Asked:
    """The statements that PostgreSQL was asked while something ran, and how it would answer them."""

    def __init__(self, engine: sa.Engine, of: Callable[[], object]) -> None:
        self.statements: list[tuple[str, object]] = []
        sa.event.listen(engine, "before_cursor_execute", self._note)
        try:
            of()
        finally:
            sa.event.remove(engine, "before_cursor_execute", self._note)
        self._engine = engine

    def _note(self, _connection: object, _cursor: object, statement: str, given: object, *_rest: object) -> None:
        self.statements.append((statement, given))

    def scans(self) -> list[str]:
        """Name every statement that reads a big table from end to end, with its plan."""
        found = []
        with self._engine.connect() as connection:
            for statement, given in self.statements:
                if not statement.lstrip().startswith(("SELECT", "WITH")):
                    continue
                plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", given).scalars())  # type: ignore[arg-type]
                if any(f"Seq Scan on {table} " in f"{plan} " or f"Seq Scan on {table}\n" in plan for table in BIG):
                    found.append(f"{statement}\n{plan}")
        return found

"""What waits to be shipped, oldest first, and what was sent, newest first, among very many orders."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_index("ix_orders_to_ship", "orders", ["paid_at", "id"], postgresql_where=sa.text("status = 'paid'"))
    op.create_index(
        "ix_orders_sent",
        "orders",
        ["status", "shipped_at", "id"],
        postgresql_where=sa.text("status IN ('shipped', 'delivered')"),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_sent", table_name="orders")
    op.drop_index("ix_orders_to_ship", table_name="orders")

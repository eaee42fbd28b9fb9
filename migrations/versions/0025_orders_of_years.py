"""Very many orders are listed by day and by status, and found by parts of a name, an address or a tracking number."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.drop_index("ix_orders_created_at", table_name="orders")
    op.create_index("ix_orders_created_at", "orders", ["created_at", "id"])
    op.create_index("ix_orders_status", "orders", ["status"])
    op.create_index("ix_orders_status_created_at", "orders", ["status", "created_at", "id"])
    op.create_index(
        "ix_orders_words",
        "orders",
        [sa.literal_column("((email)::text)").label("email_words"), "shipping_name", "tracking_number"],
        postgresql_using="gin",
        postgresql_ops=dict.fromkeys(("email_words", "shipping_name", "tracking_number"), "gin_trgm_ops"),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_words", table_name="orders")
    op.drop_index("ix_orders_status_created_at", table_name="orders")
    op.drop_index("ix_orders_status", table_name="orders")
    op.drop_index("ix_orders_created_at", table_name="orders")
    op.create_index("ix_orders_created_at", "orders", ["created_at"])

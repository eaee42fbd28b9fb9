"""The orders of an account are read newest first, a page at a time."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_index("ix_orders_user_id_id", "orders", ["user_id", "id"])
    op.drop_index("ix_orders_user_id", table_name="orders")


def downgrade() -> None:
    op.create_index("ix_orders_user_id", "orders", ["user_id"])
    op.drop_index("ix_orders_user_id_id", table_name="orders")

"""The desk's figures: orders by the day they were paid, those that wait to be shipped, and parts that run out."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0019"


def upgrade() -> None:
    op.create_index("ix_orders_paid_at", "orders", ["paid_at"])
    op.create_index("ix_orders_to_ship", "orders", ["paid_at"], postgresql_where=sa.text("status = 'paid'"))
    op.create_index("ix_inventory_available", "inventory", [sa.text("(on_hand - reserved)"), "sku_id"])
    op.create_index("ix_products_low_stock_level", "products", ["low_stock_level"])


def downgrade() -> None:
    op.drop_index("ix_products_low_stock_level", table_name="products")
    op.drop_index("ix_inventory_available", table_name="inventory")
    op.drop_index("ix_orders_to_ship", table_name="orders")
    op.drop_index("ix_orders_paid_at", table_name="orders")

"""The stock of very many products is listed by name and by what is left."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_index("ix_products_kept", "products", ["name", "id"], postgresql_where=sa.text("status <> 'archived'"))
    op.create_index("ix_products_status", "products", ["status", "id"])
    op.create_index("ix_products_low_stock_level", "products", ["low_stock_level"])
    op.create_index("ix_inventory_available", "inventory", [sa.text("(on_hand - reserved)"), "sku_id"])


def downgrade() -> None:
    op.drop_index("ix_inventory_available", table_name="inventory")
    op.drop_index("ix_products_low_stock_level", table_name="products")
    op.drop_index("ix_products_status", table_name="products")
    op.drop_index("ix_products_kept", table_name="products")

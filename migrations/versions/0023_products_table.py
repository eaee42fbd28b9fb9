"""What the table of products sorts by, and prices that were changed together."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_index("ix_products_lower_name", "products", [sa.text("lower(name)"), "id"])
    op.create_index("ix_products_price", "products", ["price", "id"])
    op.drop_index("ix_products_category_id", "products")
    op.create_index("ix_products_category_id", "products", ["category_id", "status", "id"])
    op.create_table(
        "price_changes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("undone_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_price_changes"),
    )
    op.create_table(
        "price_change_lines",
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("old", sa.Numeric(10, 2), nullable=False),
        sa.Column("new", sa.Numeric(10, 2), nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"], ["price_changes.id"], name="fk_price_change_lines_change_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_price_change_lines_product_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("change_id", "product_id", name="pk_price_change_lines"),
    )
    op.create_index("ix_price_change_lines_product_id", "price_change_lines", ["product_id"])


def downgrade() -> None:
    op.drop_table("price_change_lines")
    op.drop_table("price_changes")
    op.drop_index("ix_products_category_id", "products")
    op.create_index("ix_products_category_id", "products", ["category_id"])
    op.drop_index("ix_products_price", "products")
    op.drop_index("ix_products_lower_name", "products")

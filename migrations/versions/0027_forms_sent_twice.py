"""A form that is sent twice moves parts, or changes prices, once."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    for table in ("stock_movements", "price_changes"):
        op.add_column(table, sa.Column("key", sa.String(43), nullable=True))
        op.create_unique_constraint(f"uq_{table}_key", table, ["key"])


def downgrade() -> None:
    for table in ("stock_movements", "price_changes"):
        op.drop_constraint(f"uq_{table}_key", table, type_="unique")
        op.drop_column(table, "key")

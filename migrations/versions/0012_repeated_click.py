"""What was last added to a cart's line, and when: a browser without script sends a double click twice."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("cart_items", sa.Column("added", sa.Integer, nullable=True))
    op.add_column("cart_items", sa.Column("added_at", sa.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("cart_items", "added_at")
    op.drop_column("cart_items", "added")

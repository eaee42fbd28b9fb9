"""A refund that is made in the place of one that failed."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("refunds", sa.Column("replaces_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_refunds_replaces_id"), "refunds", "refunds", ["replaces_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_index(op.f("ix_refunds_replaces_id"), "refunds", ["replaces_id"])


def downgrade() -> None:
    op.drop_column("refunds", "replaces_id")

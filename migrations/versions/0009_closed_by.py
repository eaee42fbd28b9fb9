"""Who ends a session early is written down before Stripe is asked to end it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("payment_attempts", sa.Column("closed_by", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("payment_attempts", "closed_by")

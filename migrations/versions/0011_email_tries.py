"""When a mail was first and last offered to the mail service: it forgets our key a day after the first time."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

NAMES = ("first_tried_at", "tried_at")


def upgrade() -> None:
    for name in NAMES:
        op.add_column("emails", sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=True))
    op.execute("UPDATE emails SET first_tried_at = created_at, tried_at = coalesce(sent_at, created_at) WHERE attempts > 0")


def downgrade() -> None:
    for name in NAMES:
        op.drop_column("emails", name)

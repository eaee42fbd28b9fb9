"""A mail keeps the name it comes from: whoever tries again sends the same bytes."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("emails", sa.Column("sender_name", sa.Text, server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("emails", "sender_name")

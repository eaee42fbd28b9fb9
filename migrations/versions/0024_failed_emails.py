"""Mails that failed are looked for on the desk's first page, among all that were ever sent."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_index("ix_emails_failed", "emails", ["created_at"], postgresql_where=sa.text("state = 'failed'"))


def downgrade() -> None:
    op.drop_index("ix_emails_failed", table_name="emails")

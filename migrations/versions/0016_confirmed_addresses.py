"""Nobody signs in before an address is confirmed; a link may be about another address; the newest link alone counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    # Until now accounts were made by whoever runs the shop.
    op.execute("UPDATE users SET email_confirmed_at = created_at WHERE email_confirmed_at IS NULL")
    op.execute("DELETE FROM email_tokens")
    op.add_column("email_tokens", sa.Column("email", postgresql.CITEXT(), nullable=True))
    op.create_check_constraint("new_address", "email_tokens", "(purpose = 'change') = (email IS NOT NULL)")
    op.create_unique_constraint("uq_email_tokens_user_id_purpose", "email_tokens", ["user_id", "purpose"])
    op.drop_index("ix_email_tokens_user_id", table_name="email_tokens")


def downgrade() -> None:
    # What comes before signs everybody in who has a password, whoever asked for the account.
    op.execute("DELETE FROM users WHERE email_confirmed_at IS NULL")
    op.create_index("ix_email_tokens_user_id", "email_tokens", ["user_id"], unique=False)
    op.drop_constraint("uq_email_tokens_user_id_purpose", "email_tokens", type_="unique")
    op.drop_constraint("new_address", "email_tokens", type_="check")
    op.drop_column("email_tokens", "email")

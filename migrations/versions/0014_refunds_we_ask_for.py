"""Refunds that we ask for, with the parts that come back; and what a person has to look at."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

_STATES = "state IN ('created', 'pending', 'succeeded', 'failed'%s)"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_refunds_state"), "refunds")
    op.create_check_constraint(op.f("ck_refunds_state"), "refunds", _STATES % ", 'void'")
    op.drop_column("refunds", "restock")
    op.add_column("refunds", sa.Column("restock", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("refunds", sa.Column("error", sa.Text(), nullable=True))
    op.create_index(
        "ix_refunds_created", "refunds", ["created_at"], postgresql_where=sa.text("state IN ('created', 'pending')")
    )
    op.create_table(
        "attention_notes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_attention_notes_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attention_notes")),
        sa.UniqueConstraint("kind", "about", name=op.f("uq_attention_notes_kind_about")),
    )
    op.create_index(op.f("ix_attention_notes_order_id"), "attention_notes", ["order_id"])
    op.create_index(
        "ix_attention_notes_open", "attention_notes", ["id"], postgresql_where=sa.text("resolved_at IS NULL")
    )


def downgrade() -> None:
    op.drop_table("attention_notes")
    op.drop_index("ix_refunds_created", "refunds")
    op.drop_column("refunds", "error")
    op.drop_column("refunds", "restock")
    op.add_column("refunds", sa.Column("restock", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("DELETE FROM refunds WHERE state = 'void'")
    op.drop_constraint(op.f("ck_refunds_state"), "refunds")
    op.create_check_constraint(op.f("ck_refunds_state"), "refunds", _STATES % "")

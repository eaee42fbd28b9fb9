"""The inbox of webhooks and the outbox of mails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table('webhook_events',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('provider', sa.String(length=20), nullable=False),
    sa.Column('event_id', sa.String(length=255), nullable=False),
    sa.Column('type', sa.String(length=100), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('received_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('processed_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('parked_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name='pk_webhook_events'),
    sa.UniqueConstraint('provider', 'event_id', name='uq_webhook_events_provider_event_id')
    )
    op.create_index('ix_webhook_events_due', 'webhook_events', ['received_at'], unique=False, postgresql_where=sa.text('processed_at IS NULL AND parked_at IS NULL'))
    op.create_table('emails',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=True),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('recipient', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('html', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('queued', 'sent', 'failed', name='state', native_enum=False, create_constraint=True, length=20), server_default='queued', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('provider_id', sa.Text(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name='sent_at'),
    sa.CheckConstraint('num_nonnulls(order_id, user_id) >= 1', name='about_somebody'),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name='fk_emails_order_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_emails_user_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_emails'),
    sa.UniqueConstraint('idempotency_key', name='uq_emails_idempotency_key')
    )
    op.create_index('ix_emails_order_id', 'emails', ['order_id'], unique=False)
    op.create_index('ix_emails_queued', 'emails', ['created_at'], unique=False, postgresql_where=sa.text("state = 'queued'"))
    op.create_index('ix_emails_user_id', 'emails', ['user_id'], unique=False)


def downgrade() -> None:
    op.drop_table('emails')
    op.drop_table('webhook_events')

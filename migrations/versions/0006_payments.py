"""What we asked Stripe for, what it took and what it gave back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table('payment_attempts',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('params', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('session_id', sa.Text(), nullable=True),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('state', sa.Enum('created', 'open', 'complete', 'closed', name='state', native_enum=False, create_constraint=True, length=20), server_default='created', nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name='fk_payment_attempts_order_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_payment_attempts'),
    sa.UniqueConstraint('idempotency_key', name='uq_payment_attempts_idempotency_key'),
    sa.UniqueConstraint('session_id', name='uq_payment_attempts_session_id')
    )
    op.create_index('ix_payment_attempts_order_id', 'payment_attempts', ['order_id'], unique=False)
    op.create_table('payments',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('attempt_id', sa.BigInteger(), nullable=False),
    sa.Column('payment_intent', sa.Text(), nullable=False),
    sa.Column('amount', sa.Numeric(10, 2), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('state', sa.Enum('paid', 'refunded', name='state', native_enum=False, create_constraint=True, length=20), server_default='paid', nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount >= 0', name='amount'),
    sa.ForeignKeyConstraint(['attempt_id'], ['payment_attempts.id'], name='fk_payments_attempt_id', ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name='pk_payments'),
    sa.UniqueConstraint('payment_intent', name='uq_payments_payment_intent')
    )
    op.create_index('ix_payments_attempt_id', 'payments', ['attempt_id'], unique=False)
    op.create_table('disputes',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('payment_id', sa.BigInteger(), nullable=False),
    sa.Column('stripe_dispute_id', sa.Text(), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('amount', sa.Numeric(10, 2), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name='fk_disputes_payment_id', ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name='pk_disputes'),
    sa.UniqueConstraint('stripe_dispute_id', name='uq_disputes_stripe_dispute_id')
    )
    op.create_index('ix_disputes_payment_id', 'disputes', ['payment_id'], unique=False)
    op.create_table('refunds',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('payment_id', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('amount', sa.Numeric(10, 2), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('stripe_refund_id', sa.Text(), nullable=True),
    sa.Column('restock', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('state', sa.Enum('created', 'pending', 'succeeded', 'failed', name='state', native_enum=False, create_constraint=True, length=20), server_default='created', nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount > 0', name='amount'),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name='fk_refunds_payment_id', ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name='pk_refunds'),
    sa.UniqueConstraint('idempotency_key', name='uq_refunds_idempotency_key'),
    sa.UniqueConstraint('stripe_refund_id', name='uq_refunds_stripe_refund_id')
    )
    op.create_index('ix_refunds_payment_id', 'refunds', ['payment_id'], unique=False)


def downgrade() -> None:
    op.drop_table('refunds')
    op.drop_table('disputes')
    op.drop_table('payments')
    op.drop_table('payment_attempts')

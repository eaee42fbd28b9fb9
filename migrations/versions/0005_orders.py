"""Orders, their lines and timeline, and the ledger of stock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("CREATE SEQUENCE order_numbers START 10001")
    op.create_table('orders',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('number', sa.String(length=20), server_default=sa.text("(nextval('order_numbers'::regclass))::text"), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('email', postgresql.CITEXT(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('subtotal', sa.Numeric(10, 2), nullable=False),
    sa.Column('shipping_total', sa.Numeric(10, 2), nullable=False),
    sa.Column('discount_total', sa.Numeric(10, 2), server_default='0', nullable=False),
    sa.Column('tax_total', sa.Numeric(10, 2), server_default='0', nullable=False),
    sa.Column('total', sa.Numeric(10, 2), nullable=False),
    sa.Column('refunded_total', sa.Numeric(10, 2), server_default='0', nullable=False),
    sa.Column('status', sa.Enum('pending', 'paid', 'shipped', 'delivered', 'expired', 'cancelled', 'refunded', name='status', native_enum=False, create_constraint=True, length=20), server_default='pending', nullable=False),
    sa.Column('source', sa.Enum('checkout', 'demo', 'import', 'manual', name='source', native_enum=False, create_constraint=True, length=20), server_default='checkout', nullable=False),
    sa.Column('stripe_session_id', sa.Text(), nullable=True),
    sa.Column('paid_session', sa.Text(), nullable=True),
    sa.Column('checkout_key', sa.String(length=64), nullable=True),
    sa.Column('cart_id', sa.BigInteger(), nullable=True),
    sa.Column('cart_fingerprint', sa.String(length=64), nullable=True),
    sa.Column('inventory_reserved', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('stock_sold', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('reserved_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('shipping_name', sa.Text(), nullable=True),
    sa.Column('shipping_phone', sa.Text(), nullable=True),
    sa.Column('shipping_address', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('tracking_number', sa.Text(), nullable=True),
    sa.Column('carrier', sa.Text(), nullable=True),
    sa.Column('shipped_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('tracking_details', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('tracking_last_sync', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('paid_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('cancelled_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("NOT inventory_reserved OR status = 'pending'", name='reserved_while_pending'),
    sa.CheckConstraint("status <> 'paid' OR paid_at IS NOT NULL", name='paid_at'),
    sa.CheckConstraint("status NOT IN ('paid', 'shipped', 'delivered') OR stock_sold", name='sold_when_paid'),
    sa.CheckConstraint('NOT (stock_sold AND inventory_reserved)', name='sold_or_reserved'),
    sa.CheckConstraint('least(subtotal, shipping_total, discount_total, tax_total, total) >= 0', name='amounts'),
    sa.CheckConstraint('refunded_total BETWEEN 0 AND total', name='refunded_total'),
    sa.CheckConstraint('total = subtotal + shipping_total + tax_total - discount_total', name='total'),
    sa.ForeignKeyConstraint(['cart_id'], ['carts.id'], name='fk_orders_cart_id', ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_orders_user_id', ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name='pk_orders'),
    sa.UniqueConstraint('checkout_key', name='uq_orders_checkout_key'),
    sa.UniqueConstraint('number', name='uq_orders_number'),
    sa.UniqueConstraint('paid_session', name='uq_orders_paid_session')
    )
    op.create_index('ix_orders_created_at', 'orders', ['created_at'], unique=False)
    op.create_index('ix_orders_email', 'orders', ['email'], unique=False)
    op.create_index('ix_orders_held', 'orders', ['reserved_until'], unique=False, postgresql_where=sa.text('inventory_reserved'))
    op.create_index('ix_orders_stripe_session_id', 'orders', ['stripe_session_id'], unique=False)
    op.create_index('ix_orders_tracking_number', 'orders', ['tracking_number'], unique=False)
    op.create_index('ix_orders_user_id', 'orders', ['user_id'], unique=False)
    op.create_index('uq_orders_pending_cart', 'orders', ['cart_id'], unique=True, postgresql_where=sa.text("status = 'pending'"))
    op.create_table('order_events',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('actor_id', sa.BigInteger(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name='fk_order_events_actor_id', ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name='fk_order_events_order_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_order_events')
    )
    op.create_index('ix_order_events_actor_id', 'order_events', ['actor_id'], unique=False)
    op.create_index('ix_order_events_order_id', 'order_events', ['order_id'], unique=False)
    op.create_table('order_items',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('price', sa.Numeric(10, 2), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('image_url', sa.Text(), nullable=True),
    sa.CheckConstraint('price >= 0', name='price'),
    sa.CheckConstraint('quantity > 0', name='quantity'),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name='fk_order_items_order_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name='fk_order_items_product_id', ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name='pk_order_items'),
    sa.UniqueConstraint('order_id', 'product_id', name='uq_order_items_order_id_product_id')
    )
    op.create_index('ix_order_items_product_id', 'order_items', ['product_id'], unique=False)
    op.create_table('stock_movements',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('delta', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=20), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=True),
    sa.Column('actor_id', sa.BigInteger(), nullable=True),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('delta <> 0', name='delta'),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name='fk_stock_movements_actor_id', ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name='fk_stock_movements_order_id', ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name='fk_stock_movements_product_id', ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name='pk_stock_movements')
    )
    op.create_index('ix_stock_movements_actor_id', 'stock_movements', ['actor_id'], unique=False)
    op.create_index('ix_stock_movements_order_id', 'stock_movements', ['order_id'], unique=False)
    op.create_index('ix_stock_movements_product_id', 'stock_movements', ['product_id'], unique=False)
    op.create_index('uq_stock_movements_sale', 'stock_movements', ['order_id', 'product_id'], unique=True, postgresql_where=sa.text("reason = 'sale'"))


def downgrade() -> None:
    op.drop_table('stock_movements')
    op.drop_table('order_items')
    op.drop_table('order_events')
    op.drop_table('orders')
    op.execute("DROP SEQUENCE order_numbers")

"""Carts of accounts and of guests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table('carts',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('token_hash', sa.String(length=64), nullable=True),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('num_nonnulls(user_id, token_hash) = 1', name='one_owner'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_carts_user_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_carts'),
    sa.UniqueConstraint('token_hash', name='uq_carts_token_hash'),
    sa.UniqueConstraint('user_id', name='uq_carts_user_id')
    )
    op.create_index('ix_carts_expires_at', 'carts', ['expires_at'], unique=False)
    op.create_table('cart_items',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('cart_id', sa.BigInteger(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('price_seen', sa.Numeric(10, 2), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('quantity BETWEEN 1 AND 1000', name='quantity'),
    sa.ForeignKeyConstraint(['cart_id'], ['carts.id'], name='fk_cart_items_cart_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name='fk_cart_items_product_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_cart_items'),
    sa.UniqueConstraint('cart_id', 'product_id', name='uq_cart_items_cart_id_product_id')
    )
    op.create_index('ix_cart_items_product_id', 'cart_items', ['product_id'], unique=False)


def downgrade() -> None:
    op.drop_table('cart_items')
    op.drop_table('carts')

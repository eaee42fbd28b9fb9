"""What is sold, how it looks, and how much of it there is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table('categories',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('name', postgresql.CITEXT(), nullable=False),
    sa.Column('slug', postgresql.CITEXT(), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('display_order', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name='pk_categories'),
    sa.UniqueConstraint('name', name='uq_categories_name'),
    sa.UniqueConstraint('slug', name='uq_categories_slug')
    )
    op.create_table('products',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('category_id', sa.BigInteger(), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('slug', sa.String(length=200), nullable=False),
    sa.Column('price', sa.Numeric(10, 2), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('detailed_description', sa.Text(), server_default='', nullable=False),
    sa.Column('image_url', sa.Text(), nullable=True),
    sa.Column('image_url_hover', sa.Text(), nullable=True),
    sa.Column('image_public_id', sa.Text(), nullable=True),
    sa.Column('image_hover_public_id', sa.Text(), nullable=True),
    sa.Column('status', sa.Enum('draft', 'published', 'archived', name='status', native_enum=False, create_constraint=True, length=20), server_default='published', nullable=False),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('low_stock_level', sa.Integer(), server_default='4', nullable=False),
    sa.Column('search', postgresql.TSVECTOR(), sa.Computed("setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', description), 'B') || setweight(to_tsvector('english', detailed_description), 'C')", persisted=True), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('low_stock_level >= 0', name='low_stock_level'),
    sa.CheckConstraint('price >= 0', name='price'),
    sa.ForeignKeyConstraint(['category_id'], ['categories.id'], name='fk_products_category_id', ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name='pk_products'),
    sa.UniqueConstraint('slug', name='uq_products_slug')
    )
    op.create_index('ix_products_category_id', 'products', ['category_id'], unique=False)
    op.create_index('ix_products_name_trgm', 'products', ['name'], unique=False, postgresql_using='gin', postgresql_ops={'name': 'gin_trgm_ops'})
    op.create_index('ix_products_published', 'products', ['created_at', 'id'], unique=False, postgresql_where=sa.text("status = 'published'"))
    op.create_index('ix_products_search', 'products', ['search'], unique=False, postgresql_using='gin')
    op.create_table('inventory',
    sa.Column('sku_id', sa.BigInteger(), nullable=False),
    sa.Column('on_hand', sa.Integer(), server_default='0', nullable=False),
    sa.Column('reserved', sa.Integer(), server_default='0', nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('on_hand >= 0', name='on_hand'),
    sa.CheckConstraint('reserved <= on_hand', name='reserved_within_on_hand'),
    sa.CheckConstraint('reserved >= 0', name='reserved'),
    sa.ForeignKeyConstraint(['sku_id'], ['products.id'], name='fk_inventory_sku_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('sku_id', name='pk_inventory')
    )
    op.create_table('product_images',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.Column('image_url', sa.Text(), nullable=False),
    sa.Column('cloudinary_public_id', sa.Text(), nullable=True),
    sa.Column('display_order', sa.Integer(), server_default='0', nullable=False),
    sa.Column('is_primary', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('alt', sa.Text(), server_default='', nullable=False),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name='fk_product_images_product_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_product_images')
    )
    op.create_index('ix_product_images_product_id', 'product_images', ['product_id'], unique=False)
    op.create_index('uq_product_images_primary', 'product_images', ['product_id'], unique=True, postgresql_where=sa.text('is_primary'))
    op.create_table('product_slugs',
    sa.Column('slug', sa.String(length=200), nullable=False),
    sa.Column('product_id', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name='fk_product_slugs_product_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('slug', name='pk_product_slugs')
    )
    op.create_index('ix_product_slugs_product_id', 'product_slugs', ['product_id'], unique=False)


def downgrade() -> None:
    op.drop_table('product_slugs')
    op.drop_table('product_images')
    op.drop_table('inventory')
    op.drop_table('products')
    op.drop_table('categories')

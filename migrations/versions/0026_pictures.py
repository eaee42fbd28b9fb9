"""Who shows a picture is asked before it is destroyed."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_index("ix_products_image_public_id", "products", ["image_public_id"])
    op.create_index("ix_products_image_hover_public_id", "products", ["image_hover_public_id"])
    op.create_index("ix_product_images_cloudinary_public_id", "product_images", ["cloudinary_public_id"])


def downgrade() -> None:
    op.drop_index("ix_product_images_cloudinary_public_id", table_name="product_images")
    op.drop_index("ix_products_image_hover_public_id", table_name="products")
    op.drop_index("ix_products_image_public_id", table_name="products")

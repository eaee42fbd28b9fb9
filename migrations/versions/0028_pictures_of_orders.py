"""An order knows its pictures by their names, so that none is destroyed while it shows them."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("order_items", sa.Column("image_public_id", sa.Text, nullable=True))
    op.execute(
        "UPDATE order_items"
        " SET image_public_id = substring(image_url FROM '/image/upload/v?[0-9]*/?(products/[^.]+|demo/[^.]+)')"
        " WHERE image_url LIKE '%/image/upload/%'"
    )
    op.create_index("ix_order_items_image_public_id", "order_items", ["image_public_id"])


def downgrade() -> None:
    op.drop_index("ix_order_items_image_public_id", "order_items")
    op.drop_column("order_items", "image_public_id")

"""What a picture looks like from far away stands in for it until it is there."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TABLES = {"products": "image_color", "product_images": "color"}


def upgrade() -> None:
    for table, name in TABLES.items():
        op.add_column(table, sa.Column(name, sa.String(length=7), nullable=True))
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{name} ~ '^#[0-9a-f]{{6}}$'")


def downgrade() -> None:
    for table, name in TABLES.items():
        op.drop_column(table, name)

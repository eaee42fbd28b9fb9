"""A last mail goes to somebody who has no account any more; webhooks are found by what they are about."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.drop_constraint("about_somebody", "emails", type_="check")
    op.create_check_constraint("about_somebody", "emails", "num_nonnulls(order_id, user_id) >= 1 OR kind = 'good_bye'")
    for name, key in (("object", "id"), ("intent", "payment_intent")):
        about = sa.text(f"(((payload -> 'data'::text) -> 'object'::text) ->> '{key}'::text)")
        op.create_index(f"ix_webhook_events_{name}", "webhook_events", [about], unique=False)


def downgrade() -> None:
    op.drop_index("ix_webhook_events_intent", table_name="webhook_events")
    op.drop_index("ix_webhook_events_object", table_name="webhook_events")
    op.execute("DELETE FROM emails WHERE num_nonnulls(order_id, user_id) = 0")
    op.drop_constraint("about_somebody", "emails", type_="check")
    op.create_check_constraint("about_somebody", "emails", "num_nonnulls(order_id, user_id) >= 1")

"""The queue's own schema, as Procrastinate 3.10 ships it."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"

SCHEMA = Path(__file__).parent.parent / "procrastinate_3.10.sql"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SCHEMA.read_text().replace("%", "%%"))


def downgrade() -> None:
    op.execute(
        """
        DO $$
        DECLARE thing record;
        BEGIN
            FOR thing IN SELECT format('DROP TABLE %I CASCADE', tablename) AS sql FROM pg_tables
                WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\\_%'
            LOOP EXECUTE thing.sql; END LOOP;
            FOR thing IN SELECT format('DROP ROUTINE %s CASCADE', oid::regprocedure) AS sql FROM pg_proc
                WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate\\_%'
            LOOP EXECUTE thing.sql; END LOOP;
            FOR thing IN SELECT format('DROP TYPE %I CASCADE', typname) AS sql FROM pg_type
                WHERE typnamespace = current_schema()::regnamespace AND typname LIKE 'procrastinate\\_%'
                AND typtype IN ('e', 'c')
            LOOP EXECUTE thing.sql; END LOOP;
        END $$
        """
    )

"""Many at once, and what PostgreSQL says about them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from mountify import db
from mountify.embedded.processes import wait_until

PATIENCE_S = 60.0


def at_once(jobs: Sequence[Callable[[], object]]) -> list[object]:
    """Run jobs in threads that all begin together; an exception is a result like any other."""
    ready = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> object:
        ready.wait(timeout=PATIENCE_S)
        return outcome_of(job)

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def outcome_of(job: Callable[[], object]) -> object:
    """Run a job as a thread of the shop would; an exception is a result like any other."""
    try:
        return job()
    except Exception as error:
        return error
    finally:
        db.release()


class Observer:
    """Looks at the database of a test from a connection of its own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._own = sa.create_engine(engine.url, isolation_level="AUTOCOMMIT", pool_size=1)

    def waiting(self, statement: str = "") -> int:
        """Say how many connections wait for a lock that another one holds, with a statement of which this is a part."""
        return self._ask(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock' AND strpos(query, :statement) > 0",
            statement=statement,
        )

    def deadlocks(self) -> int:
        """Say how many deadlocks PostgreSQL has broken in this database.

        A connection hands over what it has counted at its end for certain, but at most once a second before:
        https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS
        """
        db.release()
        self._engine.dispose()
        assert wait_until(lambda: self._others() == 0, PATIENCE_S)
        return self._ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")

    def _others(self) -> int:
        return self._ask(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def close(self) -> None:
        self._own.dispose()

    def _ask(self, question: str, **values: str) -> int:
        with self._own.connect() as connection:
            return int(connection.scalar(sa.text(question), values) or 0)

"""Tasks that come round by themselves: one that does not succeed any more is seen, whatever keeps it from that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.gateways import Gateways
from mountify.jobs import worker
from mountify.jobs.tasks import PERIODIC
from mountify.services import task_runs
from mountify.services.audit import Violation, audit
from mountify.transaction import transaction

pytestmark = pytest.mark.usefixtures("database")
Run = Callable[[], None]


@pytest.fixture
def purge(config: Config, gateways: Gateways) -> Run:
    """The daily task, as the worker runs it."""
    return lambda: worker.run_once("purge_carts", config, gateways)


def break_it() -> None:
    change("ALTER TABLE carts RENAME COLUMN expires_at TO expired_at")


def mend_it() -> None:
    change("ALTER TABLE carts RENAME COLUMN expired_at TO expires_at")


def change(sql: str) -> None:
    with transaction() as session:
        session.execute(text(sql))


def late_at(now: datetime) -> list[Violation]:
    """What the audit says of late tasks while a worker lives; nothing while none does."""
    assert [violation for violation in audit(now=now) if violation.invariant == "I10 late"] == []
    db.release()
    change(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ('{now.isoformat()}')")
    found = [violation for violation in audit(now=now) if violation.invariant == "I10 late"]
    db.release()
    change("DELETE FROM procrastinate_workers")
    return found


def test_a_task_that_fails_again_and_again_is_late_until_it_succeeds(purge: Run) -> None:
    break_it()
    for _ in range(3):
        with pytest.raises(Exception, match="expires_at"):
            purge()
    limit = PERIODIC["purge_carts"].missed_after
    assert late_at(utcnow() + limit - timedelta(minutes=1)) == []
    (violation,) = late_at(utcnow() + limit + timedelta(minutes=1))
    assert violation.repair == "mountify jobs run purge_carts" and "ProgrammingError" in violation.what
    mend_it()
    purge()
    assert late_at(utcnow() + 10 * limit) == []


def test_a_task_that_never_ends_is_late_too(config: Config) -> None:
    """It hangs, or the process goes down with it each time."""
    now = utcnow()
    for minutes in (0, 5, 9):
        task_runs.begin("sweep", due_by=now + timedelta(minutes=minutes + 10))
    assert late_at(now + timedelta(minutes=9)) == []
    (violation,) = late_at(now + timedelta(minutes=11))
    assert violation.what.endswith("it last ended with: nothing")
    task_runs.succeed("sweep", now=now + timedelta(minutes=12))
    task_runs.begin("sweep", due_by=now + timedelta(minutes=30))
    assert late_at(now + timedelta(minutes=29)) == []
    task_runs.succeed("sweep", now=now + timedelta(minutes=30))


def test_a_shop_that_is_new_or_was_switched_off_for_days_has_nothing_late(purge: Run) -> None:
    assert late_at(utcnow()) == []
    purge()
    assert late_at(utcnow() + timedelta(days=30)) == []


def test_a_job_that_a_service_queues_is_never_late(config: Config, gateways: Gateways) -> None:
    """The queue itself tries it again, and calls it dead in the end."""
    send = worker.build(config, gateways).tasks["send_email"]
    change("ALTER TABLE emails RENAME COLUMN tried_at TO tried")
    with pytest.raises(Exception, match="tried_at"):
        send.func(email_id=1)
    change("ALTER TABLE emails RENAME COLUMN tried TO tried_at")
    assert late_at(utcnow() + timedelta(days=30)) == []


def test_a_task_is_done_also_where_nothing_can_be_noted(purge: Run) -> None:
    change("ALTER TABLE task_runs RENAME TO task_runs_of_another_release")
    purge()
    change("ALTER TABLE task_runs_of_another_release RENAME TO task_runs")

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
    beat(now)
    found = [violation for violation in audit(now=now) if violation.invariant == "I10 late"]
    db.release()
    change("DELETE FROM procrastinate_workers")
    return found


def beat(at: datetime) -> None:
    """Leave the sign of life of a worker that has not ended by itself: it would have taken it away."""
    change(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ('{at.isoformat()}')")


def give_time(now: datetime) -> None:
    task_runs.give_time({name: periodic.missed_after for name, periodic in PERIODIC.items()}, now=now)


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


def test_after_days_without_a_worker_each_task_gets_its_time_anew() -> None:
    """The machine was switched off between the beginning and the end of a task."""
    began = utcnow()
    beat(began)
    for name in ("sweep", "purge_carts"):
        task_runs.begin(name, due_by=began + PERIODIC[name].missed_after)
    task_runs.succeed("audit", now=began)
    now = began + timedelta(days=5)
    give_time(now)
    change("DELETE FROM procrastinate_workers")
    assert late_at(now + timedelta(minutes=9)) == []
    (sweep,) = late_at(now + timedelta(minutes=11))
    assert "sweep" in sweep.what
    assert late_at(now + timedelta(days=2) - timedelta(minutes=1)) == [sweep]
    assert len(late_at(now + timedelta(days=2, minutes=1))) == 2


def test_what_is_due_later_than_that_stays_as_it_is() -> None:
    now = utcnow()
    task_runs.begin("sweep", due_by=now + timedelta(hours=1))
    give_time(now)
    assert late_at(now + timedelta(minutes=59)) == []
    assert len(late_at(now + timedelta(minutes=61))) == 1


def test_a_task_that_takes_its_process_down_again_and_again_is_late_in_the_end() -> None:
    began = now = utcnow()
    limit = PERIODIC["sweep"].missed_after
    while now < began + limit:
        give_time(now)
        task_runs.begin("sweep", due_by=now + limit)
        beat(now)
        now += timedelta(seconds=29)
    give_time(now)
    change("DELETE FROM procrastinate_workers")
    assert len(late_at(now + timedelta(seconds=1))) == 1


def test_a_worker_that_is_restarted_every_day_hides_no_task_that_fails_every_day() -> None:
    """One that ends by itself leaves no sign of life, but the others' ends tell that it has worked until now."""
    began = utcnow()
    limit = PERIODIC["purge_carts"].missed_after
    for day in range(3):
        now = began + timedelta(days=day)
        task_runs.succeed("sweep", now=now - timedelta(seconds=100))
        give_time(now)
        task_runs.begin("purge_carts", due_by=now + limit)
        task_runs.fail("purge_carts", "ValueError", now=now)
    (violation,) = late_at(began + limit + timedelta(minutes=1))
    assert "purge_carts" in violation.what


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
    give_time(utcnow())
    purge()
    change("ALTER TABLE task_runs_of_another_release RENAME TO task_runs")

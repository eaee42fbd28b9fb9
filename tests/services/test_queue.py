"""Jobs: tried again with longer and longer pauses, then dead until a person looks at them; and missed workers."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from procrastinate.jobs import Job
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from mountify import db, queue
from mountify.core.clock import utcnow
from mountify.jobs.backoff import Backoff
from mountify.jobs.tasks import PERIODIC
from mountify.services import task_runs
from mountify.services.audit import audit
from mountify.services.readiness import DUE_WITHIN, HEARTBEAT_WITHIN, MOVES_WITHIN, find_trouble
from mountify.transaction import transaction
from tests.web import ORIGIN

pytestmark = pytest.mark.usefixtures("database")


def job(attempts: int) -> Job:
    return Job(id=1, queue="default", lock=None, queueing_lock=None, task_name="x", attempts=attempts)


def test_pauses_double_up_to_the_longest_and_come_apart_by_chance() -> None:
    least, most = Backoff(12, 60, chance=lambda: 0.0), Backoff(12, 60, chance=lambda: 1.0)
    assert [least.wait_s(attempts) for attempts in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    assert [most.wait_s(attempts) for attempts in range(7)] == [3, 6, 12, 24, 48, 90, 90]
    assert least.wait_s(10_000) == 60


def test_the_last_attempt_is_the_last() -> None:
    backoff = Backoff(most_attempts=3)
    decisions = [backoff.get_retry_decision(exception=ValueError(), job=job(attempts)) for attempts in range(3)]
    assert [decision is None for decision in decisions] == [False, False, True]


def defer_one() -> int:
    with transaction() as session:
        queue.defer(session, "send_email", email_id=7)
    return int(db.session.scalar(text("SELECT max(id) FROM procrastinate_jobs")) or 0)


def test_a_job_goes_with_the_transaction_in_which_it_was_queued() -> None:
    """The worker must never see one whose order, mail or refund is not there: not yet, or never."""
    with pytest.raises(ZeroDivisionError), transaction() as session:
        queue.defer(session, "send_email", email_id=7)
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 1
        raise ZeroDivisionError
    assert db.session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0


@pytest.mark.commits
@pytest.mark.parametrize("how", ["cut", "locked"])
def test_what_the_database_does_to_a_job_that_is_queued_is_the_databases_fault(engine: Engine, how: str) -> None:
    """And no bug of ours: whoever asked is told to try again, or is tried again."""
    with pytest.raises(OperationalError) as refusal, transaction() as session, engine.connect() as other:
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        if how == "cut":
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        else:
            other.execute(text("LOCK procrastinate_jobs IN ACCESS EXCLUSIVE MODE"))
        queue.defer(session, "send_email", email_id=7)
    assert db.has_failed(refusal.value) and (how == "cut" or db.code_of(refusal.value) == db.LOCKED)


def change(sql: str) -> None:
    with transaction() as session:
        session.execute(text(sql))


def forget_all() -> None:
    change("DELETE FROM procrastinate_jobs")


def test_a_dead_job_waits_for_a_person_and_begins_anew() -> None:
    job_id = defer_one()
    with transaction() as session:
        assert queue.list_dead(session) == [] and not queue.retry(session, job_id)
    change("UPDATE procrastinate_jobs SET status = 'failed', attempts = 12")
    with transaction() as session:
        (dead,) = queue.list_dead(session)
        assert (dead.id, dead.task, dead.arguments, dead.attempts) == (job_id, "send_email", {"email_id": 7}, 12)
        assert queue.retry(session, job_id)
        assert queue.list_dead(session) == []
    rows = db.session.execute(text("SELECT status::text, attempts, args FROM procrastinate_jobs")).all()
    assert [tuple(row) for row in rows] == [("todo", 0, {"email_id": 7})]
    forget_all()


def test_dead_jobs_that_come_round_again_are_let_go() -> None:
    with transaction() as session:
        for task in ("sweep", "send_email"):
            queue.defer(session, task, email_id=1)
    change("UPDATE procrastinate_jobs SET status = 'failed'")
    with transaction() as session:
        queue.forget_dead(session, PERIODIC)
        assert [dead.task for dead in queue.list_dead(session)] == ["send_email"]
    forget_all()


def test_a_shop_without_a_worker_is_not_ready() -> None:
    now = utcnow()
    assert find_trouble(now=now) == "worker"
    change("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert find_trouble(now=now) is None
    assert find_trouble(now=now + HEARTBEAT_WITHIN + timedelta(seconds=5)) == "worker"


def test_a_worker_that_lives_and_does_nothing_is_missed() -> None:
    now = utcnow()
    change("INSERT INTO procrastinate_workers DEFAULT VALUES")
    defer_one()
    assert find_trouble(now=now) is None
    later = now + DUE_WITHIN + timedelta(seconds=5)
    change(f"UPDATE procrastinate_workers SET last_heartbeat = '{later.isoformat()}'")
    assert find_trouble(now=later) == "queue"
    change(f"UPDATE procrastinate_jobs SET scheduled_at = '{later.isoformat()}'")
    assert find_trouble(now=later) is None  # it is to be tried again later
    forget_all()


def worker_with_a_backlog(later: datetime) -> None:
    """A worker that beats still, and a job that has waited for longer than a minute by then."""
    change(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ('{later.isoformat()}')")
    defer_one()
    assert find_trouble(now=later) == "queue"


def test_a_backlog_that_is_worked_off_is_no_trouble() -> None:
    later = utcnow() + DUE_WITHIN + timedelta(seconds=5)
    worker_with_a_backlog(later)
    task_runs.succeed("send_email", now=later - MOVES_WITHIN + timedelta(seconds=1))
    assert find_trouble(now=later) is None
    assert find_trouble(now=later + timedelta(seconds=2)) == "queue"
    task_runs.fail("send_email", "MailUnavailable", now=later)  # it moves on, though in vain
    assert find_trouble(now=later + timedelta(seconds=2)) is None
    forget_all()


def test_a_job_that_has_just_begun_is_work_and_one_that_does_not_end_is_none() -> None:
    later = utcnow() + DUE_WITHIN + timedelta(seconds=5)
    worker_with_a_backlog(later)
    other = defer_one()
    change(f"UPDATE procrastinate_jobs SET status = 'doing' WHERE id = {other}")
    change(f"UPDATE procrastinate_events SET at = '{later.isoformat()}' WHERE type = 'started'")
    assert find_trouble(now=later) is None
    much_later = later + MOVES_WITHIN + timedelta(seconds=5)
    change(f"UPDATE procrastinate_workers SET last_heartbeat = '{much_later.isoformat()}'")
    assert find_trouble(now=much_later) == "queue"
    forget_all()


def test_what_waits_for_the_end_of_another_of_its_kind_is_not_stuck() -> None:
    """The reaper has many orders to ask about, and the next one is due already."""
    later = utcnow() + DUE_WITHIN + timedelta(seconds=5)
    worker_with_a_backlog(later)
    other = defer_one()
    change("UPDATE procrastinate_jobs SET lock = 'end_overdue'")
    change(f"UPDATE procrastinate_jobs SET status = 'doing' WHERE id = {other}")
    assert find_trouble(now=later) is None
    assert [violation for violation in audit(now=later) if violation.invariant == "I10"] == []
    forget_all()


def test_what_ran_while_nothing_waited_does_not_hide_a_worker_that_is_stuck() -> None:
    """Each job in its hands has begun long ago, and more wait."""
    now = utcnow()
    task_runs.succeed("sweep", now=now)
    worker_with_a_backlog(now + MOVES_WITHIN + timedelta(seconds=5))
    forget_all()


def test_readiness_is_red_and_says_why(app: Flask) -> None:
    answer = app.test_client().get("/readyz", base_url=ORIGIN)
    assert (answer.status_code, answer.get_json()) == (503, {"status": "worker"})
    change("INSERT INTO procrastinate_workers DEFAULT VALUES")
    answer = app.test_client().get("/readyz", base_url=ORIGIN)
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})

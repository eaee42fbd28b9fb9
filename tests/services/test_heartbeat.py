"""A worker looks after itself and others: a killed one's jobs are taken again, one that was given up ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from procrastinate.manager import JobManager
from sqlalchemy import text

from mountify import db, queue
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.gateways import Gateways
from mountify.jobs import worker
from mountify.jobs.heartbeat import GivenUp
from mountify.jobs.tasks import QUEUED
from mountify.services import attention
from mountify.services.audit import audit
from mountify.transaction import transaction

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("database")]
Beat = Callable[[int], list[tuple[str, str]]]


def put(
    task: str, status: str, *, of: int | None = None, lock: str | None = None, arguments: str = "{}", attempts: int = 0
) -> None:
    """A job as it lies in the queue; one that is `doing` and of nobody was of a worker that is no more."""
    with transaction() as session:
        session.execute(
            text(
                "INSERT INTO procrastinate_jobs"
                " (queue_name, task_name, lock, queueing_lock, status, args, worker_id, attempts)"
                " VALUES ('default', :task, :lock, :lock, CAST(:status AS procrastinate_job_status),"
                " CAST(:arguments AS jsonb), :worker, :attempts)"
            ),
            {
                "task": task,
                "lock": lock,
                "status": status,
                "arguments": arguments,
                "worker": of,
                "attempts": attempts,
            },
        )


def put_worker(*, silent_for_s: int) -> int:
    with transaction() as session:
        return int(
            session.execute(
                text(
                    "INSERT INTO procrastinate_workers (last_heartbeat)"
                    " VALUES (now() - make_interval(secs => :silent)) RETURNING id"
                ),
                {"silent": silent_for_s},
            ).scalar_one()
        )


@pytest.fixture
def beat(config: Config, gateways: Gateways) -> Beat:
    """Let the heart of a worker beat once; gives what lies in the queue then."""

    def once(worker_id: int) -> list[tuple[str, str]]:
        in_own_loop(config, gateways, lambda jobs: jobs.update_heartbeat(worker_id))
        rows = db.session.execute(text("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id")).all()
        db.release()
        return [(row[0], row[1]) for row in rows]

    return once


def in_own_loop(config: Config, gateways: Gateways, work: Callable[[JobManager], Awaitable[None]]) -> None:
    """In a thread of its own: where a browser's tests have run, this one has an event loop already."""

    async def run() -> None:
        app = worker.build(config, gateways)
        async with app.open_async():
            await work(app.job_manager)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result()


def test_a_job_of_a_worker_that_was_killed_waits_again(beat: Beat) -> None:
    put("send_email", "doing", arguments='{"email_id": 1}')
    put("send_email", "doing", arguments='{"email_id": 2}', of=put_worker(silent_for_s=60))
    assert beat(put_worker(silent_for_s=0)) == [("send_email", "todo"), ("send_email", "todo")]


def test_one_whose_next_waits_already_leaves_the_work_to_it_and_keeps_no_other_back(beat: Beat) -> None:
    """The killed worker's holds the lock that the next waits for, and cannot wait beside it."""
    put("end_overdue", "doing", lock="end_overdue")
    put("end_overdue", "todo", lock="end_overdue")
    put("send_email", "doing", arguments='{"email_id": 1}')
    assert beat(put_worker(silent_for_s=0)) == [("end_overdue", "todo"), ("send_email", "todo")]


def test_a_job_that_kills_each_worker_is_dead_some_day_and_somebody_is_told(beat: Beat) -> None:
    """Backoff is asked about exceptions only."""
    most = QUEUED["send_refund"].retry.most_attempts
    put("send_refund", "doing", arguments='{"refund_id": 1}', attempts=most - 2)
    put("send_refund", "doing", arguments='{"refund_id": 2}', attempts=most - 1)
    assert beat(put_worker(silent_for_s=0)) == [("send_refund", "todo"), ("send_refund", "failed")]
    told = [violation.what for violation in audit(now=utcnow()) if violation.invariant == "I10 dead"]
    listed = [item.what for item in attention.list_open(now=utcnow()).items]
    with transaction() as session:
        queue.forget_dead(session, {"send_refund"})
    assert len(told) == len(listed) == 1
    assert f"failed {most} times" in told[0] and f"has failed {most} times" in listed[0]


def test_what_comes_round_by_itself_does_so_however_often_its_worker_was_killed(beat: Beat) -> None:
    put("audit", "doing", attempts=1000)
    assert beat(put_worker(silent_for_s=0)) == [("audit", "todo")]


def test_who_has_stood_still_does_not_take_its_own_jobs_for_a_dead_ones(beat: Beat) -> None:
    sleeper = put_worker(silent_for_s=60)
    put("send_email", "doing", arguments='{"email_id": 1}', of=sleeper)
    assert beat(sleeper) == [("send_email", "doing")]


def test_who_was_given_up_ends(beat: Beat) -> None:
    with pytest.raises(GivenUp):
        beat(put_worker(silent_for_s=0) + 1)

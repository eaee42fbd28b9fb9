"""Jobs of a worker that was killed are taken again, also where the next of their kind waits already."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from mountify import db
from mountify.config import Config
from mountify.gateways import Gateways
from mountify.jobs import worker
from mountify.jobs.rescue import rescue_stalled
from mountify.transaction import transaction

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("database")]


def put(task: str, status: str, *, lock: str | None = None, arguments: str = "{}") -> None:
    """A job as it lies in the queue; one that is `doing` was in the hands of a worker that is no more."""
    with transaction() as session:
        session.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status, args)"
                " VALUES ('default', :task, :lock, :lock, CAST(:status AS procrastinate_job_status),"
                " CAST(:arguments AS jsonb))"
            ),
            {"task": task, "lock": lock, "status": status, "arguments": arguments},
        )


def rescue(config: Config, gateways: Gateways) -> list[tuple[str, str]]:
    """Look for such jobs once, and say what lies in the queue then."""

    async def look() -> None:
        app = worker.build(config, gateways)
        async with app.open_async():
            await rescue_stalled(app, silent_for_s=10)

    # In a thread of its own: where a browser's tests have run, this one has an event loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(look())).result()
    rows = db.session.execute(text("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id")).all()
    db.release()
    return [(row[0], row[1]) for row in rows]


def test_a_job_of_a_worker_that_was_killed_waits_again(config: Config, gateways: Gateways) -> None:
    put("send_email", "doing", arguments='{"email_id": 1}')
    assert rescue(config, gateways) == [("send_email", "todo")]


def test_one_whose_next_waits_already_leaves_the_work_to_it_and_keeps_no_other_back(
    config: Config, gateways: Gateways
) -> None:
    """The killed worker's holds the lock that the next waits for, and cannot wait beside it."""
    put("end_overdue", "doing", lock="end_overdue")
    put("end_overdue", "todo", lock="end_overdue")
    put("send_email", "doing", arguments='{"email_id": 1}')
    assert rescue(config, gateways) == [("end_overdue", "todo"), ("send_email", "todo")]

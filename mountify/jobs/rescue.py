"""Take again the jobs of a worker that was killed: it stopped sending heartbeats."""

from __future__ import annotations

import asyncio

import structlog
from procrastinate import App
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status

log = structlog.get_logger()


async def rescue_for_ever(app: App, *, silent_for_s: float) -> None:
    """Look for such jobs again and again; a worker that was silent for so long is taken for dead."""
    while True:
        try:
            await rescue_stalled(app, silent_for_s=silent_for_s)
        except Exception as error:  # whatever it was: jobs of killed workers wait for this
            log.warning("rescue_postponed", why=type(error).__name__)
        await asyncio.sleep(silent_for_s / 2)


async def rescue_stalled(app: App, *, silent_for_s: float) -> None:
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=silent_for_s):
        await _take_again(app, job)


async def _take_again(app: App, job: Job) -> None:
    """Let a job wait anew. One of a kind of which only one may wait, while the next waits already, leaves it to that.

    It must go: it holds the lock that the next one waits for.
    """
    try:
        await app.job_manager.retry_job(job)
    except UniqueViolation:
        await app.job_manager.finish_job(job, Status.ABORTED, delete_job=True)
    log.warning("job_rescued", job=job.task_name)

"""What a worker does with every sign of life: it looks whether it still counts as alive, and who does no more."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from mountify.jobs.backoff import Backoff

log = structlog.get_logger()

_MINE = "SELECT id FROM procrastinate_workers WHERE id = %(worker_id)s"


class GivenUp(Exception):
    """Another worker took this one for dead, and its jobs away: it ends, to be started again under another name."""


class Heartbeat(JobManager):
    """The queue, as a worker uses it that takes again the jobs of one that was silent for too long, killed perhaps.

    `retries` says by the task's name how often a job is tried; one that is not named comes round by itself.
    """

    def __init__(self, connector: BaseAsyncConnector, *, silent_for_s: float, retries: Mapping[str, Backoff]) -> None:
        super().__init__(connector)
        self.silent_for_s, self.retries = silent_for_s, retries
        self.is_given_up = False

    async def update_heartbeat(self, worker_id: int) -> None:
        """Give a sign of life, before anything else: who has stood still must not take its own jobs for a dead one's.

        Raises GivenUp. Without that a worker that was given up would go on until it happens to be handed a job.
        """
        await super().update_heartbeat(worker_id)
        if not await self.connector.execute_query_all_async(_MINE, worker_id=worker_id):
            self.is_given_up = True
            raise GivenUp
        await self.rescue()

    async def rescue(self) -> None:
        try:
            for job in await self.get_stalled_jobs(seconds_since_heartbeat=self.silent_for_s):
                await self._take_again(job)
        except Exception as error:  # whatever it was: the heart beats on
            log.warning("rescue_postponed", why=type(error).__name__)

    async def _take_again(self, job: Job) -> None:
        """Let a job wait anew. One of a kind of which one alone may wait leaves it to the next that waits already.

        Then it must go: it holds the lock that the next one waits for. One that was tried often enough is dead: perhaps
        it is what kills each worker, by the memory it takes, and nobody else counts that as a failure.
        """
        retry = self.retries.get(job.task_name)
        try:
            if retry is not None and retry.is_last(job):
                await self.finish_job(job, Status.FAILED, delete_job=False)
                log.error("job_died_with_its_worker", job=job.task_name, id=job.id)
                return
            try:
                await self.retry_job(job)
            except UniqueViolation:
                await self.finish_job(job, Status.ABORTED, delete_job=True)
        except Exception as error:  # another worker was there first, perhaps; the other jobs wait for this one
            log.warning("job_not_rescued", job=job.task_name, why=type(error).__name__)
        else:
            log.warning("job_rescued", job=job.task_name)

"""What a worker does with every sign of life: it looks whether it still counts as alive, and who does no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import structlog
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from mountify.jobs.backoff import Backoff

log = structlog.get_logger()

_MINE = "SELECT id FROM procrastinate_workers WHERE id = %(worker_id)s"


class GivenUp(Exception):
    """Another worker took this one for dead, and its jobs away: it ends, to be started again under another name."""


class NotWrittenDown(Exception):
    """How a job ended could not be written down: while this worker lives it counts as its own, and nobody takes it."""


class Heartbeat(JobManager):
    """The queue, as a worker uses it that takes again the jobs of one that was silent for too long, killed perhaps.

    `retries` says by the task's name how often a job is tried; one that is not named comes round by itself.
    """

    def __init__(self, connector: BaseAsyncConnector, *, silent_for_s: float, retries: Mapping[str, Backoff]) -> None:
        super().__init__(connector)
        self.silent_for_s, self.retries = silent_for_s, retries
        self.is_given_up = self.has_lost_an_end = False

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        with self._minding_ends():
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        with self._minding_ends():
            await super().retry_job(job, retry_at, priority, queue, lock)

    @contextmanager
    def _minding_ends(self) -> Iterator[None]:
        try:
            yield
        except ConnectorException as error:
            self.has_lost_an_end = True
            log.warning("job_end_not_written_down", why=type(error.__cause__ or error).__name__)
            raise

    async def update_heartbeat(self, worker_id: int) -> None:
        """Give a sign of life, before anything else: who has stood still must not take its own jobs for a dead one's.

        Raises GivenUp. Without that a worker that was given up would go on until it happens to be handed a job.
        Raises NotWrittenDown, which ends the worker too: then nobody has that job, and it is taken again.
        """
        await super().update_heartbeat(worker_id)
        if not await self.connector.execute_query_all_async(_MINE, worker_id=worker_id):
            self.is_given_up = True
            raise GivenUp
        if self.has_lost_an_end:
            raise NotWrittenDown
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
                await super().finish_job(job, Status.FAILED, delete_job=False)
                log.error("job_died_with_its_worker", job=job.task_name, id=job.id)
                return
            try:
                await super().retry_job(job)
            except UniqueViolation:
                await super().finish_job(job, Status.ABORTED, delete_job=True)
        except Exception as error:  # another worker was there first, perhaps; the other jobs wait for this one
            log.warning("job_not_rescued", job=job.task_name, why=type(error).__name__)
        else:
            log.warning("job_rescued", job=job.task_name)

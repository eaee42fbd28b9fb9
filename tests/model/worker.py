"""The worker by the machine's clock: jobs one after the other, tried again when they fail or die with their process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from mountify import db
from mountify.core.errors import ShopError
from mountify.jobs.tasks import QUEUED
from mountify.transaction import transaction

_TAKE = text("""
    UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (
        SELECT id FROM procrastinate_jobs
        WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now) ORDER BY id LIMIT 1)
    RETURNING id, task_name, args, attempts
""")
_LEFT = text("SELECT id, task_name, attempts FROM procrastinate_jobs WHERE status = 'doing' ORDER BY id")
_AGAIN = text("""
    UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = :at WHERE id = :id
""")
_DEAD = text("UPDATE procrastinate_jobs SET status = 'failed', attempts = attempts + 1 WHERE id = :id")
_DONE = text("DELETE FROM procrastinate_jobs WHERE id = :id")
_WAITING = text("SELECT id FROM procrastinate_jobs WHERE status IN ('todo', 'doing') ORDER BY id")


class Worker:
    """`tasks` by their names, each of which takes the arguments it was queued with."""

    def __init__(self, tasks: Mapping[str, Callable[..., object]]) -> None:
        self._tasks = tasks

    def run_due(self, now: datetime) -> None:
        """Work off what is due, what a worker that has died left behind before all."""
        with transaction() as session:
            for left in session.execute(_LEFT).all():
                self._put_back(left, now)
        while (job := self._take(now)) is not None:
            try:
                self._tasks[job.task_name](**job.args)
            except ShopError:
                db.release()
                with transaction():
                    self._put_back(job, now + self._pause(job))
            else:
                db.release()
                with transaction() as session:
                    session.execute(_DONE, {"id": job.id})

    def waiting(self) -> list[int]:
        with transaction() as session:
            return list(session.scalars(_WAITING))

    def lose(self, job_id: int) -> None:
        """The queue forgets a job."""
        with transaction() as session:
            session.execute(_DONE, {"id": job_id})

    def _take(self, now: datetime) -> Row[Any] | None:
        with transaction() as session:
            return session.execute(_TAKE, {"now": now}).one_or_none()

    def _put_back(self, job: Row[Any], at: datetime) -> None:
        is_last = job.attempts + 1 >= QUEUED[job.task_name].retry.most_attempts
        db.session.execute(_DEAD if is_last else _AGAIN, {"id": job.id, "at": at} if not is_last else {"id": job.id})

    def _pause(self, job: Row[Any]) -> timedelta:
        backoff = replace(QUEUED[job.task_name].retry, chance=lambda: 0.0)
        return timedelta(seconds=backoff.wait_s(job.attempts))

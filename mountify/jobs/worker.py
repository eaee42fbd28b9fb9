"""The worker: jobs from PostgreSQL, taken by name."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from procrastinate import App, PsycopgConnector
from psycopg.conninfo import make_conninfo

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.gateways import Gateways
from mountify.jobs.heartbeat import Heartbeat
from mountify.jobs.tasks import PERIODIC, QUEUED, Tasks
from mountify.services import task_runs

log = structlog.get_logger()

CONCURRENCY = 4
HEARTBEAT_S, STALLED_AFTER_S = 2.0, 10.0
POLL_S = 1.0


def build(config: Config, gateways: Gateways) -> App:
    """Make the queue's app with every task, by the name under which the services defer it."""
    dsn = config.database_url.replace("postgresql+psycopg://", "postgresql://")
    connector = PsycopgConnector(conninfo=make_conninfo(dsn, **db.LIBPQ), min_size=1, max_size=3)
    app = App(connector=connector)
    retries = {name: queued.retry for name, queued in QUEUED.items()}
    app.job_manager = Heartbeat(connector, silent_for_s=STALLED_AFTER_S, retries=retries)
    tasks = Tasks(config, gateways)
    for name, queued in QUEUED.items():
        app.task(name=name, retry=queued.retry)(_job(name, queued.work, tasks))
    for name, periodic in PERIODIC.items():
        lock = name if periodic.is_alone else None
        job = _job(name, periodic.work, tasks, periodic.missed_after)
        app.periodic(cron=periodic.cron)(app.task(name=name, queueing_lock=name, lock=lock)(job))
    return app


def run_once(name: str, config: Config, gateways: Gateways) -> None:
    """Do here and now what a periodic task does. Raises whatever it dies of."""
    build(config, gateways).tasks[name].func(timestamp=int(utcnow().timestamp()))


def _job(
    name: str, work: Callable[..., None], tasks: Tasks, missed_after: timedelta | None = None
) -> Callable[..., None]:
    """A task as the queue calls it."""

    @functools.wraps(work)
    def run(**arguments: Any) -> None:
        with _noted(name, missed_after):
            work(tasks, **arguments)

    return run


@contextmanager
def _noted(name: str, missed_after: timedelta | None) -> Iterator[None]:
    """Remember how it ends, and give the thread's connection back, however it ends."""
    if missed_after is not None:
        task_runs.begin(name, due_by=utcnow() + missed_after)
    try:
        yield
    except Exception as error:
        db.release()
        task_runs.fail(name, type(error).__name__, now=utcnow())
        raise
    else:
        db.release()
        task_runs.succeed(name, now=utcnow())
    finally:
        db.release()


def run(config: Config, gateways: Gateways) -> None:
    """Work until SIGTERM or SIGINT; jobs that have begun are finished first."""

    async def work() -> None:
        app = build(config, gateways)
        async with app.open_async():
            await app.run_worker_async(
                concurrency=CONCURRENCY,
                listen_notify=True,
                fetch_job_polling_interval=POLL_S,
                delete_jobs="successful",
                shutdown_graceful_timeout=20,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_AFTER_S,
            )

    task_runs.give_time({name: periodic.missed_after for name, periodic in PERIODIC.items()}, now=utcnow())
    log.info("worker_started")
    asyncio.run(work())
    log.info("worker_stopped")

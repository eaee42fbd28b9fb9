"""The worker: jobs from PostgreSQL, taken by name."""

from __future__ import annotations

import asyncio
import functools
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
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
    connector = PsycopgConnector(
        conninfo=make_conninfo(dsn, **db.LIBPQ),
        configure=_commit_at_once,
        min_size=1,
        max_size=3,
        timeout=db.POOL_WAIT_S,
    )
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


async def _commit_at_once(connection: psycopg.AsyncConnection[Any]) -> None:
    """Let no worker that stands still keep locks: whoever takes its jobs away would wait for it, without an end.

    The queue puts all that belongs together into one statement.
    """
    await connection.set_autocommit(True)


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
    log.info("worker_started")
    asyncio.run(_work(config, gateways))
    log.info("worker_stopped")


async def _work(config: Config, gateways: Gateways) -> None:
    """Begin anew, under another name, when the database was away or a job's end could not be written down.

    What it had in hand and could not give back is rescued like a dead one's.
    """
    with _told_to_end() as is_told:
        while True:
            task_runs.give_time({name: periodic.missed_after for name, periodic in PERIODIC.items()}, now=utcnow())
            try:
                if await _work_until(is_told, build(config, gateways)):
                    return
            except (ConnectorException, psycopg.OperationalError) as error:
                if not _is_away(error):
                    raise
            log.warning("worker_begins_anew")
            await _do_unless(is_told, asyncio.sleep(POLL_S))


@contextmanager
def _told_to_end() -> Iterator[asyncio.Event]:
    """SIGTERM and SIGINT, from the first moment to the last: nothing else ends the first process of a container."""
    loop, is_told = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, is_told.set)
    try:
        yield is_told
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _work_until(is_told: asyncio.Event, app: App) -> bool:
    """Say whether that was all: it was told to end, or given up by another worker, and has nothing to do any more."""
    worker = Worker(
        app,
        concurrency=CONCURRENCY,
        listen_notify=True,
        fetch_job_polling_interval=POLL_S,
        delete_jobs="successful",
        shutdown_graceful_timeout=20,
        update_heartbeat_interval=HEARTBEAT_S,
        stalled_worker_timeout=STALLED_AFTER_S,
        install_signal_handlers=False,
    )
    stopping = asyncio.create_task(_stop(worker, is_told))
    try:
        try:
            await _do_unless(is_told, app.open_async())
            if not is_told.is_set():  # a worker that begins forgets that it was stopped before
                await worker.run()  # type: ignore[no-untyped-call]
        finally:
            stopping.cancel()
            await app.close_async()
    except ConnectorException:
        if not is_told.is_set():
            raise
    return is_told.is_set() or (isinstance(app.job_manager, Heartbeat) and app.job_manager.is_given_up)


async def _stop(worker: Worker, is_told: asyncio.Event) -> None:
    await is_told.wait()
    worker.stop()  # type: ignore[no-untyped-call]


async def _do_unless(is_told: asyncio.Event, work: Awaitable[Any]) -> None:
    """Do it, or leave it as soon as it is told to end. Raises what the work raises."""
    doing, telling = asyncio.ensure_future(work), asyncio.ensure_future(is_told.wait())
    await asyncio.wait((doing, telling), return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    if not doing.done():
        doing.cancel()
        await asyncio.wait((doing,))
    elif error := doing.exception():
        raise error


def _is_away(error: Exception) -> bool:
    """Say whether it is the database that does not answer, and not we who ask it nonsense."""
    return isinstance(error, psycopg.OperationalError) or isinstance(error.__cause__, psycopg.OperationalError)

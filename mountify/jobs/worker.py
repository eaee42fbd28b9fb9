"""The worker: jobs from PostgreSQL, each a call of one service function, which does nothing twice."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import ParamSpec

import structlog
from procrastinate import App, PsycopgConnector

from mountify import db, queue
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.gateways import Gateways
from mountify.jobs.backoff import Backoff
from mountify.services import carts, emails, payment_sessions, webhooks
from mountify.services.audit import audit
from mountify.transaction import transaction

P = ParamSpec("P")
log = structlog.get_logger()

CONCURRENCY = 4
HEARTBEAT_S, STALLED_AFTER_S = 2.0, 10.0
POLL_S = 1.0
# The services give up earlier by rules of their own: what dies here died of something nobody thought of.
EMAIL_RETRIES = Backoff(most_attempts=120, longest_s=900)
WEBHOOK_RETRIES = Backoff(most_attempts=20)
LOOKUP_RETRIES = Backoff(most_attempts=8)  # some minutes; who asked asks again
PERIODIC = ("sweep", "audit", "end_overdue", "sync_delayed", "purge_carts")


def build(config: Config, gateways: Gateways) -> App:
    """Make the queue's app with every task the services defer by name."""
    dsn = config.database_url.replace("postgresql+psycopg://", "postgresql://")
    app = App(connector=PsycopgConnector(conninfo=dsn, min_size=1, max_size=3))

    @app.task(name="process_webhook", retry=WEBHOOK_RETRIES)
    @_released
    def process_webhook(event_id: int) -> None:
        webhooks.process(event_id, payments=gateways.payments, site=config.site, now=utcnow())

    @app.task(name="send_email", retry=EMAIL_RETRIES)
    @_released
    def send_email(email_id: int) -> None:
        emails.deliver(email_id, mailer=gateways.mailer, now=utcnow())

    @app.task(name="mail_order_links", retry=LOOKUP_RETRIES)
    @_released
    def mail_order_links(email: str) -> None:
        emails.queue_order_links(email, site=config.site, now=utcnow())

    @app.periodic(cron="* * * * *")
    @app.task(name="sweep", queueing_lock="sweep")
    @_released
    def sweep(timestamp: int) -> None:
        now = utcnow()
        found = webhooks.requeue_overdue(now=now) + emails.requeue_overdue(now=now)
        if found:
            log.warning("swept", requeued=found)
        with transaction() as session:
            queue.forget_dead(session, PERIODIC)

    @app.periodic(cron="* * * * *")
    @app.task(name="end_overdue", queueing_lock="end_overdue", lock="end_overdue")
    @_released
    def end_overdue(timestamp: int) -> None:
        payment_sessions.end_overdue(payments=gateways.payments, site=config.site, now=utcnow())

    @app.periodic(cron="23 * * * *")
    @app.task(name="sync_delayed", queueing_lock="sync_delayed", lock="sync_delayed")
    @_released
    def sync_delayed(timestamp: int) -> None:
        payment_sessions.sync_delayed(payments=gateways.payments, site=config.site, now=utcnow())

    @app.periodic(cron="41 4 * * *")
    @app.task(name="purge_carts", queueing_lock="purge_carts")
    @_released
    def purge_carts(timestamp: int) -> None:
        gone = carts.purge_expired(now=utcnow())
        log.info("carts_purged", carts=gone)

    @app.periodic(cron="7 * * * *")
    @app.task(name="audit", queueing_lock="audit")
    @_released
    def hourly_audit(timestamp: int) -> None:
        for violation in audit(now=utcnow()):
            log.error("audit_violation", invariant=violation.invariant, what=violation.what, repair=violation.repair)

    return app


def run(config: Config, gateways: Gateways) -> None:
    """Work until SIGTERM or SIGINT; jobs that have begun are finished first."""

    async def work() -> None:
        app = build(config, gateways)
        async with app.open_async():
            rescue = asyncio.create_task(_rescue_stalled(app))
            try:
                await app.run_worker_async(
                    concurrency=CONCURRENCY,
                    listen_notify=True,
                    fetch_job_polling_interval=POLL_S,
                    delete_jobs="successful",
                    shutdown_graceful_timeout=20,
                    update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=STALLED_AFTER_S,
                )
            finally:
                rescue.cancel()

    log.info("worker_started")
    asyncio.run(work())
    log.info("worker_stopped")


async def _rescue_stalled(app: App) -> None:
    """Take again the jobs of a worker that was killed: it stopped sending heartbeats."""
    while True:
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
                await app.job_manager.retry_job(job)
                log.warning("job_rescued", job=job.task_name)
        except Exception as error:  # whatever it was: jobs of killed workers wait for this
            log.warning("rescue_postponed", why=type(error).__name__)
        await asyncio.sleep(STALLED_AFTER_S / 2)


def _released(job: Callable[P, None]) -> Callable[P, None]:
    """Give the thread's connection back when a job ends, however it ends."""

    @functools.wraps(job)
    def run_and_release(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            job(*args, **kwargs)
        finally:
            db.release()

    return run_and_release

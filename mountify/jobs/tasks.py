"""What the worker does: each task is a call of one service function, which does nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from mountify import queue
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.gateways import Gateways
from mountify.jobs.backoff import Backoff
from mountify.one_by_one import Tally
from mountify.services import (
    account_cleaning,
    account_closing,
    carts,
    email_change,
    emails,
    order_emails,
    password_reset,
    payment_sessions,
    picture_files,
    reconcile,
    refund_sending,
    registration,
    webhooks,
)
from mountify.services.audit import audit as find_violations
from mountify.services.settlement import SUPERSEDED
from mountify.transaction import transaction

log = structlog.get_logger()


class Tasks:
    """The tasks by the names under which services defer them; the periodic ones take no arguments of their own."""

    def __init__(self, config: Config, gateways: Gateways) -> None:
        self.site, self.payments, self.mailer = config.site, gateways.payments, gateways.mailer
        self.images = gateways.images

    def process_webhook(self, event_id: int) -> None:
        webhooks.process(event_id, payments=self.payments, site=self.site, now=utcnow())

    def send_email(self, email_id: int) -> None:
        emails.deliver(email_id, mailer=self.mailer, now=utcnow())

    def send_refund(self, refund_id: int) -> None:
        refund_sending.send(refund_id, payments=self.payments, site=self.site, now=utcnow())

    def mail_order_links(self, email: str) -> None:
        order_emails.queue_order_links(email, site=self.site, now=utcnow())

    def mail_registration(self, email: str, asked_at: int) -> None:
        registration.mail(email, asked_at, site=self.site, now=utcnow())

    def mail_password_reset(self, email: str, asked_at: int) -> None:
        password_reset.mail(email, asked_at, site=self.site, now=utcnow())

    def mail_new_address(self, user_id: int, auth_version: int, email: str, asked_at: int) -> None:
        email_change.mail(user_id, auth_version, email, asked_at, site=self.site, now=utcnow())

    def forget_buyers(self) -> None:
        account_closing.forget_buyers()

    def end_superseded(self, order_id: int) -> None:
        payment_sessions.end(order_id, SUPERSEDED, payments=self.payments, site=self.site, now=utcnow())

    def destroy_picture(self, public_id: str) -> None:
        picture_files.destroy(public_id, images=self.images)

    def sweep(self, timestamp: int) -> None:
        now = utcnow()
        found = sum(service.requeue_overdue(now=now) for service in (webhooks, emails, refund_sending))
        if found:
            log.warning("swept", requeued=found)
        with transaction() as session:
            queue.forget_dead(session, {*PERIODIC, "end_superseded"})

    def end_overdue(self, timestamp: int) -> None:
        payment_sessions.end_overdue(payments=self.payments, site=self.site, now=utcnow()).check()

    def sync_delayed(self, timestamp: int) -> None:
        payment_sessions.sync_delayed(payments=self.payments, site=self.site, now=utcnow()).check()

    def reconcile(self, timestamp: int) -> None:
        now = utcnow()
        report = reconcile.reconcile(since=now - reconcile.REACH, payments=self.payments, site=self.site, now=now)
        Tally(done=len(report.repaired), failed=report.failed).check()

    def purge_carts(self, timestamp: int) -> None:
        gone = carts.purge_expired(now=utcnow())
        log.info("carts_purged", carts=gone)

    def purge_accounts(self, timestamp: int) -> None:
        gone = account_cleaning.purge(now=utcnow())
        account_closing.forget_buyers()
        log.info("accounts_purged", accounts=gone)

    def audit(self, timestamp: int) -> None:
        for violation in find_violations(now=utcnow()):
            log.error("audit_violation", invariant=violation.invariant, what=violation.what, repair=violation.repair)


@dataclass(frozen=True)
class Queued:
    """A task that a service defers, and when it is tried again."""

    work: Callable[..., None]
    retry: Backoff


@dataclass(frozen=True)
class Periodic:
    """A task that comes round by itself, and how long it may go without success before the audit says so.

    One that asks Stripe about many orders is not done twice at a time.
    """

    work: Callable[[Tasks, int], None]
    cron: str
    missed_after: timedelta
    is_alone: bool = False


# The services give up earlier by rules of their own: what dies here died of something nobody thought of.
QUEUED: Mapping[str, Queued] = {
    "process_webhook": Queued(Tasks.process_webhook, Backoff(most_attempts=20)),
    "send_email": Queued(Tasks.send_email, Backoff(most_attempts=120, longest_s=900)),
    "send_refund": Queued(Tasks.send_refund, Backoff(most_attempts=200, longest_s=900)),  # two days
    # Some minutes; who asked asks again.
    "mail_order_links": Queued(Tasks.mail_order_links, Backoff(most_attempts=8)),
    "mail_registration": Queued(Tasks.mail_registration, Backoff(most_attempts=8)),
    "mail_password_reset": Queued(Tasks.mail_password_reset, Backoff(most_attempts=8)),
    "mail_new_address": Queued(Tasks.mail_new_address, Backoff(most_attempts=8)),
    "destroy_picture": Queued(Tasks.destroy_picture, Backoff(most_attempts=200, longest_s=900)),  # two days
    "forget_buyers": Queued(Tasks.forget_buyers, Backoff(most_attempts=20)),
    "end_superseded": Queued(Tasks.end_superseded, Backoff(most_attempts=8)),  # then its time runs out by itself
}
PERIODIC: Mapping[str, Periodic] = {
    "sweep": Periodic(Tasks.sweep, "* * * * *", timedelta(minutes=10)),
    "end_overdue": Periodic(Tasks.end_overdue, "* * * * *", timedelta(minutes=10), is_alone=True),
    "audit": Periodic(Tasks.audit, "7 * * * *", timedelta(hours=3)),
    "sync_delayed": Periodic(Tasks.sync_delayed, "23 * * * *", timedelta(hours=3), is_alone=True),
    "reconcile": Periodic(Tasks.reconcile, "37 * * * *", timedelta(hours=3), is_alone=True),
    "purge_carts": Periodic(Tasks.purge_carts, "41 4 * * *", timedelta(days=2)),
    "purge_accounts": Periodic(Tasks.purge_accounts, "47 4 * * *", timedelta(days=2)),
}

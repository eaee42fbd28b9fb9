"""The inbox: a delivery is verified, stored and queued in one transaction, and worked off by a job."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.clock import utcnow
from mountify.core.errors import ShopError
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.payment import WebhookEvent
from mountify.queue import defer, has_live_job
from mountify.services.settlement import sync_session
from mountify.transaction import transaction

log = structlog.get_logger()

MOST_ATTEMPTS = 12
OVERDUE_AFTER = timedelta(seconds=60)


def receive_stripe(payload: bytes, signature: str | None, *, payments: Payments) -> None:
    """Store a delivery of Stripe's and queue its work; a repeated one is acknowledged. Raises BadSignature."""
    event = payments.read_webhook(payload, signature)
    with transaction() as session:
        row_id = session.scalar(
            insert(WebhookEvent)
            .values(provider="stripe", event_id=event["id"], type=event["type"], payload=event, received_at=utcnow())
            .on_conflict_do_nothing(index_elements=[WebhookEvent.provider, WebhookEvent.event_id])
            .returning(WebhookEvent.id)
        )
        if row_id is not None:
            defer(session, "process_webhook", event_id=row_id)
        reached("webhook.before_commit")


def process(event_id: int, *, payments: Payments, site: Site, now: datetime) -> None:
    """Do what a stored event asks for, unless it is done. Raises what went wrong so that the job is tried again."""
    event = db.session.get(WebhookEvent, event_id)
    if event is None or event.processed_at is not None or event.parked_at is not None:
        return
    kind, thing = event.type, event.payload["data"]["object"]
    db.release()
    try:
        if kind.startswith("checkout.session.") and isinstance(thing.get("id"), str):
            sync_session(thing["id"], payments=payments, site=site, now=now)
    except ShopError as error:
        _note_failure(event_id, error, now)
        raise
    with transaction() as session:
        session.get_one(WebhookEvent, event_id, with_for_update=True, populate_existing=True).processed_at = now


def requeue_overdue(*, now: datetime) -> int:
    """Queue again what should have been worked off by now: its job may have died with its worker."""
    with transaction() as session:
        overdue = session.scalars(
            select(WebhookEvent.id)
            .where(
                WebhookEvent.processed_at.is_(None),
                WebhookEvent.parked_at.is_(None),
                WebhookEvent.received_at < now - OVERDUE_AFTER,
                ~has_live_job("process_webhook", "event_id", WebhookEvent.id),
            )
            .limit(500)
        ).all()
        for event_id in overdue:
            defer(session, "process_webhook", event_id=event_id)
        return len(overdue)


def _note_failure(event_id: int, error: ShopError, now: datetime) -> None:
    with transaction() as session:
        event = session.get_one(WebhookEvent, event_id, with_for_update=True, populate_existing=True)
        event.attempts += 1
        event.error = error.code
        if event.attempts >= MOST_ATTEMPTS:
            event.parked_at = now
            log.error("webhook_parked", event_id=event_id, why=error.code)

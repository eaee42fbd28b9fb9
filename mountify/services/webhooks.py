"""The inbox: a delivery is verified, stored and queued in one transaction, and worked off by a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors import N_, NotFound, ShopError
from mountify.core.errors.payments import PaymentRefused, PaymentsUnavailable, UnknownPayment, UnknownSession
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.payment import WebhookEvent
from mountify.queue import OVERDUE_AFTER, defer, requeue
from mountify.services.disputes import sync_dispute
from mountify.services.refunds import sync_refunds
from mountify.services.settlement import sync_session
from mountify.transaction import transaction

log = structlog.get_logger()

MOST_ATTEMPTS = 12
_OF_SESSIONS = "checkout.session."
# https://docs.stripe.com/api/events/types: of a charge or of a refund, each naming its payment
_OF_REFUNDS = ("charge.refunded", "charge.refund.", "refund.")
_OF_DISPUTES = "charge.dispute."


def receive_stripe(payload: bytes, signature: str | None, *, payments: Payments, now: datetime) -> None:
    """Store a delivery of Stripe's and queue its work; a repeated one is acknowledged. Raises BadSignature."""
    event = payments.read_webhook(payload, signature)
    with transaction() as session:
        row_id = session.scalar(
            insert(WebhookEvent)
            .values(provider="stripe", event_id=event["id"], type=event["type"], payload=event, received_at=now)
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
        _follow(kind, thing, payments=payments, site=site, now=now)
    except PaymentsUnavailable:
        raise  # says nothing about this event: it is tried again as long as the job lives
    except ShopError as error:
        if not _is_another_shops(error, kind, thing, payments=payments, site=site):
            _note_failure(event_id, error, now)
            raise
        log.info("webhook_of_another_shop", event_id=event_id)
    with transaction() as session:
        session.get_one(WebhookEvent, event_id, with_for_update=True, populate_existing=True).processed_at = now


def _follow(kind: str, thing: Mapping[str, Any], *, payments: Payments, site: Site, now: datetime) -> None:
    if kind.startswith(_OF_SESSIONS) and isinstance(thing.get("id"), str):
        sync_session(thing["id"], payments=payments, site=site, now=now)
    elif kind.startswith(_OF_REFUNDS) and isinstance(thing.get("payment_intent"), str):
        sync_refunds(thing["payment_intent"], payments=payments, site=site, now=now)
    elif kind.startswith(_OF_DISPUTES) and {type(thing.get("id")), type(thing.get("payment_intent"))} == {str}:
        sync_dispute(thing["id"], payments=payments, site=site, now=now)


def _is_another_shops(error: ShopError, kind: str, thing: Mapping[str, Any], *, payments: Payments, site: Site) -> bool:
    """Say whether Stripe knows what this shop does not, because another shop with the same account has made it.

    What Stripe does not know either, or does not want to tell, may yet come to be known.
    """
    db.release()
    by_id = kind.startswith(_OF_SESSIONS)
    if not isinstance(error, UnknownSession if by_id else UnknownPayment):
        return False
    try:
        seen = payments.get_session(thing["id"]) if by_id else payments.find_session(thing["payment_intent"])
    except (UnknownSession, PaymentRefused):
        return False
    return seen is None or not seen.is_of(site.base_url)


def requeue_overdue(*, now: datetime) -> int:
    """Queue again what should have been worked off by now."""
    waits = WebhookEvent.processed_at.is_(None), WebhookEvent.parked_at.is_(None)
    with transaction() as session:
        overdue = WebhookEvent.received_at < now - OVERDUE_AFTER
        return requeue(session, "process_webhook", "event_id", WebhookEvent.id, *waits, overdue)


def list_unprocessed(*, most: int = 100) -> Sequence[WebhookEvent]:
    """List what was given up, and what waits, oldest first."""
    waiting = select(WebhookEvent).where(WebhookEvent.processed_at.is_(None))
    return db.session.scalars(waiting.order_by(WebhookEvent.parked_at.nulls_last(), WebhookEvent.id).limit(most)).all()


def replay(event_id: int) -> None:
    """Work on a stored delivery again from the beginning, parked, waiting or done. Raises NotFound."""
    with transaction() as session:
        event = _lock(session, event_id)
        event.processed_at = event.parked_at = event.error = None
        event.attempts = 0
        defer(session, "process_webhook", event_id=event_id)


def dismiss(event_id: int, *, now: datetime) -> None:
    """Call a stored delivery done without working on it: somebody has mended it at Stripe. Raises NotFound."""
    with transaction() as session:
        event = _lock(session, event_id)
        event.processed_at = event.processed_at or now
        log.warning("webhook_dismissed", event_id=event_id)


def _lock(session: Session, event_id: int) -> WebhookEvent:
    event = session.get(WebhookEvent, event_id, with_for_update=True)
    if event is None:
        raise NotFound(N_("There is no webhook %(id)s."), id=event_id)
    return event


def _note_failure(event_id: int, error: ShopError, now: datetime) -> None:
    with transaction() as session:
        event = session.get_one(WebhookEvent, event_id, with_for_update=True, populate_existing=True)
        event.attempts += 1
        event.error = error.code
        if event.attempts >= MOST_ATTEMPTS:
            event.parked_at = now
            log.error("webhook_parked", event_id=event_id, why=error.code)

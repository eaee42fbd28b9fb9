"""What the desk does with an order: each deed has somebody who did it, in the timeline and in the log."""

from __future__ import annotations

from datetime import datetime

from mountify import db
from mountify.core.errors import N_, NotFound
from mountify.core.errors.orders import NotPending
from mountify.core.order_status import OrderStatus
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.email import Email
from mountify.models.order import NOBODY, Order
from mountify.services import audit_log, emails, payment_sessions
from mountify.services.audit_log import Actor
from mountify.services.orders import get_order, lock_order
from mountify.transaction import transaction

BY_THE_DESK = "desk"  # who ends an order, as its timeline says


def add_note(by: Actor, order_id: int, text: str, *, now: datetime) -> None:
    """Keep a note for the office. Raises NotFound, also when the buyer's account is closed."""
    with transaction() as session:
        order = lock_order(session, order_id)
        if order.email == NOBODY:
            raise NotFound(N_("Whoever ordered this has closed their account: nothing is noted about them any more."))
        order.record("note", now=now, actor_id=by.id, note=text)
        audit_log.record(session, by, "order.note_added", order, now=now)


def mark_delivered(by: Actor, order_id: int, *, now: datetime) -> Order:
    """Say that a shipped order has arrived; nothing when that is known. Raises NotFound or WrongTransition."""
    with transaction() as session:
        order = lock_order(session, order_id)
        if order.status is not OrderStatus.DELIVERED:
            before = order.status
            order.mark_delivered(actor_id=by.id, now=now)
            audit_log.record(session, by, "order.delivered", order, now=now, status=(before, order.status))
        return order


def cancel(by: Actor, order_id: int, *, payments: Payments, site: Site, now: datetime) -> Order:
    """Cancel an order that waits for its payment, after Stripe has said that it can no longer be paid.

    Who wishes it is written down first; nothing of that when it is cancelled already. Gives the order as it is then: it
    may have been paid meanwhile. Raises NotFound, NotPending or PaymentsUnavailable; then nothing is released.
    """
    with transaction() as session:
        order = lock_order(session, order_id)
        if order.is_pending:
            order.record("cancel_asked", now=now, actor_id=by.id)
            audit_log.record(session, by, "order.cancel_asked", order, now=now)
        elif not order.is_cancelled:
            raise NotPending(number=order.number, status=order.status.value)
    payment_sessions.end(order_id, BY_THE_DESK, payments=payments, site=site, now=now)
    db.release()
    return get_order(order_id)


def send_again(by: Actor, order_id: int, email_id: int, *, copy: int, now: datetime) -> Email | None:
    """Send a mail about an order once more; None when there was nothing to send: see emails.send_again().

    Raises NotFound.
    """
    with transaction() as session:
        order = lock_order(session, order_id)
        email = emails.send_again(session, order_id, email_id, copy=copy, now=now)
        if email is not None:
            audit_log.record(session, by, "order.mail_sent_again", order, now=now, mail=(None, email.kind))
        return email

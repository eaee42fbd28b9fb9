"""Sessions at Stripe: opened from requests that were stored first, ended before any stock goes back on the shelf.

No transaction is open while Stripe is asked. A request is repeated with the key it is stored under, so that a crash
between asking and remembering ends in the same session: https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from mountify.core.checkpoints import reached
from mountify.core.errors.carts import CartChanged
from mountify.core.errors.payments import PaymentRefused, PaymentsBusy, PaymentsUnavailable, UnknownSession
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import PaymentSession
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.attention import AttentionKind
from mountify.models.order import Order
from mountify.models.payment import AttemptState, Payment, PaymentAttempt
from mountify.one_by_one import Tally, each_alone
from mountify.services import attention_notes, inventory
from mountify.services.orders import UNKNOWN, first_event_at, lines_of, lock_order
from mountify.services.settlement import is_recorded, sync_session
from mountify.transaction import retried_once, transaction

log = structlog.get_logger()

MOST_AT_ONCE = 200
# A session that Stripe does not know although it gave it to us: somebody looks at it, then the parts are set free.
UNKNOWN_KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class Request:
    """What Stripe is asked for one attempt; `session_id` and `url` once it has answered."""

    order_id: int
    attempt_id: int
    params: dict[str, Any]
    idempotency_key: str
    session_id: str | None
    url: str | None

    @classmethod
    def of(cls, attempt: PaymentAttempt) -> Request:
        return cls(
            attempt.order_id, attempt.id, attempt.params, attempt.idempotency_key, attempt.session_id, attempt.url
        )


def newest_attempt(session: Session, order_id: int) -> PaymentAttempt:
    newest = select(PaymentAttempt).where(PaymentAttempt.order_id == order_id).order_by(PaymentAttempt.id.desc())
    return session.scalars(newest.limit(1).execution_options(populate_existing=True)).one()


def open_session(request: Request, *, payments: Payments, now: datetime) -> str:
    """Ask Stripe for a session, store it, and give the address of its page.

    Raises PaymentsUnavailable or PaymentRefused, and then nothing is held; CartChanged when the order has ended
    meanwhile. PaymentsBusy ends nothing: another tab waits for the answer, or the next try will get it.
    """
    try:
        asked = payments.create_session(request.params, request.idempotency_key)
    except PaymentsBusy:
        raise
    except (PaymentsUnavailable, PaymentRefused):
        url = _give_up(request, now=now)
        if url is None:
            raise
        return url
    reached("checkout.session_created")
    if not _store(request, asked):
        with suppress(PaymentsUnavailable):  # then it runs out by itself: nobody has its address
            payments.expire_session(asked.id)
        raise CartChanged
    if asked.url is None:
        raise PaymentRefused
    return asked.url


def end(order_id: int, by: str | None, *, payments: Payments, site: Site, now: datetime) -> None:
    """End a pending order: first at Stripe, then here, as Stripe says (it may have been paid after all).

    `by` says who ends it, None that its time has run out. An order that is not pending stays as it is. Raises NotFound,
    or PaymentsUnavailable when Stripe did not answer; then nothing is released.
    """
    request = _begin_end(order_id, by)
    if request is None:
        return
    reached("end.chosen")
    session_id = request.session_id or _recover(request, by, payments=payments, now=now)
    if session_id is None:
        return
    try:
        payments.expire_session(session_id)
    except UnknownSession:
        _note_unknown(order_id, session_id, now=now)
        return
    reached("end.told_stripe")
    sync_session(session_id, payments=payments, site=site, now=now)


def end_overdue(*, payments: Payments, site: Site, now: datetime) -> Tally:
    """End every order whose time to pay has run out."""
    return each_alone(_list_overdue(now), lambda order_id: end(order_id, None, payments=payments, site=site, now=now))


def sync_delayed(*, payments: Payments, site: Site, now: datetime) -> Tally:
    """Ask again about every payment that is on its way, also to an order that has ended: its webhook may be lost."""
    with transaction() as session:
        has_come = select(Payment.id).where(Payment.attempt_id == PaymentAttempt.id).exists()
        waiting = session.execute(
            select(PaymentAttempt.order_id, PaymentAttempt.session_id)
            .where(PaymentAttempt.state == AttemptState.COMPLETE, ~has_come)
            .order_by(func.random())
            .limit(MOST_AT_ONCE)
        ).all()

    def ask(attempt: Row[int, str | None]) -> None:
        order_id, session_id = attempt.order_id, str(attempt.session_id)
        try:
            sync_session(session_id, payments=payments, site=site, now=now)
        except UnknownSession:
            _note_unknown(order_id, session_id, now=now)

    return each_alone(waiting, ask)


def _list_overdue(now: datetime) -> Sequence[int]:
    """A completed session is no business of the clock: its money is on the way.

    In no order, so that the same few that Stripe is silent about do not stand before all others every time.
    """
    with transaction() as session:
        waits_for_money = (
            select(PaymentAttempt.id)
            .where(PaymentAttempt.order_id == Order.id, PaymentAttempt.state == AttemptState.COMPLETE)
            .exists()
        )
        overdue = select(Order.id).where(Order.status == OrderStatus.PENDING, Order.reserved_until < now)
        return session.scalars(overdue.where(~waits_for_money).order_by(func.random()).limit(MOST_AT_ONCE)).all()


@retried_once
def _begin_end(order_id: int, by: str | None) -> Request | None:
    """Write down who is about to end a session: a webhook may tell of its end before we come back from Stripe."""
    with transaction() as session:
        reached("end.before_lock")
        order = lock_order(session, order_id)
        reached("end.locked")
        if not order.is_pending:
            return None
        attempt = newest_attempt(session, order_id)
        if by is not None:
            attempt.closed_by = by
        reached("end.before_commit")
        return Request.of(attempt)


def _recover(request: Request, by: str | None, *, payments: Payments, now: datetime) -> str | None:
    """Find the session of a request whose answer was never stored, by asking the same again under the same key.

    A repeat that is refused (its time to pay is too close by now) never arrived the first time, and nobody can pay it.
    """
    try:
        asked = payments.create_session(request.params, request.idempotency_key)
    except PaymentRefused:
        return _release(request.order_id, by, now=now)
    _store(request, asked)
    return asked.id


@retried_once
def _store(request: Request, asked: PaymentSession) -> bool:
    """Remember Stripe's answer, and say whether the order still waits for a payment."""
    with transaction() as session:
        order = lock_order(session, request.order_id)
        attempt = session.get_one(PaymentAttempt, request.attempt_id, with_for_update=True, populate_existing=True)
        attempt.session_id, attempt.url = asked.id, asked.url
        if attempt.state is AttemptState.CREATED:
            attempt.state = AttemptState.OPEN
        order.stripe_session_id = asked.id
        return order.is_pending


@retried_once
def _give_up(request: Request, *, now: datetime) -> str | None:
    """End an order nobody has an address to pay for; gives the address when another tab has got one meanwhile."""
    with transaction() as session:
        order = lock_order(session, request.order_id)
        attempt = session.get_one(PaymentAttempt, request.attempt_id, with_for_update=True, populate_existing=True)
        if attempt.session_id is not None and order.is_pending:
            return attempt.url
        attempt.state = AttemptState.CLOSED
        _free(session, order, "payment service", now=now)
        return None


@retried_once
def _release(order_id: int, by: str | None, *, now: datetime) -> str | None:
    """End an order that has no session; gives the session when another tab has got one meanwhile."""
    with transaction() as session:
        order = lock_order(session, order_id)
        attempt = newest_attempt(session, order_id)
        if attempt.session_id is not None:
            return attempt.session_id
        attempt.state = AttemptState.CLOSED
        _free(session, order, by, now=now)
        return None


def _free(session: Session, order: Order, by: str | None, *, now: datetime) -> None:
    if not order.is_pending:
        return
    inventory.release(session, lines_of(order))
    if by is None:
        order.mark_expired(now=now)
    else:
        order.mark_cancelled(by, now=now)


@retried_once
def _note_unknown(order_id: int, session_id: str, *, now: datetime) -> None:
    """Stripe does not know a session that it gave us. Whoever waits for it waits a day longer, and a person is told."""
    with transaction() as session:
        order = lock_order(session, order_id)
        attempt = session.scalars(select(PaymentAttempt).where(PaymentAttempt.session_id == session_id)).one()
        if not order.is_pending:
            if not is_recorded(session, attempt):
                attempt.state = AttemptState.CLOSED  # an order that has ended waits for nothing
            return
        noted_at = first_event_at(session, order_id, UNKNOWN)
        if noted_at is None:
            order.record(UNKNOWN, now=now, session=session_id)
            order.cart_id = None  # its buyer can order anew meanwhile
            what = _NOT_THERE.format(order.number, session_id)
            attention_notes.note(session, AttentionKind.MISMATCH, session_id, what, order_id=order_id, now=now)
            log.error("session_unknown", order_id=order_id, session_id=session_id)
        elif noted_at + UNKNOWN_KEPT_FOR <= now:
            attempt.state = AttemptState.CLOSED
            _free(session, order, None, now=now)


_NOT_THERE = (
    "Order {} waits for a payment in session {}, and Stripe does not know that any more. Was the shop connected to "
    "another account of Stripe's then? Its parts are set free in 24 hours."
)

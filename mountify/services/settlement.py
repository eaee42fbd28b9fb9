"""The one function that settles. Webhook job, success page, cancellation and repairs call it; nothing else pays."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors.carts import NotEnoughStock
from mountify.core.errors.payments import UnknownSession, UnreadableAmount
from mountify.core.money import from_minor, to_minor
from mountify.core.payment_refund import RefundReason
from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.attention import AttentionKind
from mountify.models.order import Order
from mountify.models.payment import AttemptState, Payment, PaymentAttempt
from mountify.services import addresses, attention_notes, carts, inventory, order_emails, refund_requests
from mountify.services.orders import UNREADABLE, first_event_at, lines_of, lock_order
from mountify.services.wording import format_money, not_held, outcome_of
from mountify.transaction import Outdated, retried_once, transaction

log = structlog.get_logger()

SUPERSEDED = "cart changed"  # whoever ends an order because another one takes its place


def sync_session(session_id: str, *, payments: Payments, site: Site, now: datetime) -> int:
    """Read a session from Stripe and do everything that follows from it, once. Gives the order's id.

    Raises UnknownSession when Stripe or we do not know the session (yet), PaymentsUnavailable when Stripe does not
    answer; then nothing has changed. Raises UnreadableAmount when a person has to send the payment back.
    """
    db.release()
    seen = payments.get_session(session_id)
    reached("settle.read")
    try:
        return _settle(seen, site=site, now=now)
    except UnreadableAmount:
        _set_aside(seen, now=now)
        raise


@retried_once
def _settle(seen: PaymentSession, *, site: Site, now: datetime) -> int:
    with transaction() as session:
        order, attempt = _lock(session, seen)
        reached("settle.locked")
        match seen.outcome:
            case SessionOutcome.PAID:
                _take_payment(session, order, attempt, seen, site, now)
            case SessionOutcome.PROCESSING:
                _await_payment(session, order, attempt, site, now)
            case SessionOutcome.FAILED:
                _fail(session, order, attempt, site, now)
            case SessionOutcome.CLOSED:
                _close(session, order, attempt, site, now)
            case SessionOutcome.OPEN:
                pass
        reached("settle.before_commit")
        return order.id


def _lock(session: Session, seen: PaymentSession) -> tuple[Order, PaymentAttempt]:
    """Lock the cart, then the order, then the attempt of a session. Raises UnknownSession."""
    attempt = _find_attempt(session, seen)
    cart_id = session.scalar(select(Order.cart_id).where(Order.id == attempt.order_id))
    if cart_id is not None:
        carts.lock_by_id(session, cart_id)
    order = lock_order(session, attempt.order_id)
    if order.cart_id not in (None, cart_id):
        raise Outdated  # the guest has signed in: the order went to the cart of the account while we waited
    session.refresh(attempt, with_for_update=True)
    if attempt.session_id is None:
        attempt.session_id, attempt.url = seen.id, seen.url
        order.stripe_session_id = seen.id
    elif attempt.session_id != seen.id:
        raise UnknownSession
    return order, attempt


def _find_attempt(session: Session, seen: PaymentSession) -> PaymentAttempt:
    """Find the attempt a session belongs to, also when we crashed before we could store the session's id.

    The order's number alone says little: another shop with the same Stripe account has orders of that number, too.
    """
    attempt = session.scalars(select(PaymentAttempt).where(PaymentAttempt.session_id == seen.id)).one_or_none()
    if attempt is None and seen.order_id is not None:
        attempt = session.scalars(
            select(PaymentAttempt)
            .where(
                PaymentAttempt.order_id == seen.order_id,
                PaymentAttempt.session_id.is_(None),
                PaymentAttempt.idempotency_key == seen.attempt,
            )
            .order_by(PaymentAttempt.id.desc())
            .limit(1)
        ).one_or_none()
    if attempt is None:
        raise UnknownSession
    return attempt


def _take_payment(
    session: Session, order: Order, attempt: PaymentAttempt, seen: PaymentSession, site: Site, now: datetime
) -> None:
    if is_recorded(session, attempt):
        return
    attempt.state = AttemptState.COMPLETE
    payment = Payment(
        attempt_id=attempt.id,
        payment_intent=seen.payment_intent or seen.id,
        amount=from_minor(seen.amount_total, seen.currency),
        currency=seen.currency.upper(),
        created_at=now,
    )
    session.add(payment)
    problem = _problem(order, seen)
    if problem is None:
        try:
            with session.begin_nested():
                inventory.sell(session, order.id, lines_of(order), held=order.inventory_reserved, now=now)
        except NotEnoughStock:
            problem = RefundReason.SOLD_OUT
    if problem is None:
        _become_paid(session, order, seen, site, now)
    else:
        _send_back(session, order, attempt, payment, problem, now)


def _send_back(
    session: Session, order: Order, attempt: PaymentAttempt, payment: Payment, why: RefundReason, now: datetime
) -> None:
    """A payment that nobody can be given anything for goes back by itself, and a person is told."""
    session.flush()
    refund_requests.begin_automatic(session, payment, why, now=now)
    amount = format_money(payment.amount, payment.currency)
    order.record("payment_unsettled", now=now, amount=amount, reason=why, session=attempt.session_id)
    if payment.amount:
        about = f"payment {payment.payment_intent} of {amount} for order {order.number}"
        what = f"The {about} goes back to its buyer: {why}."
        attention_notes.note(session, AttentionKind.PAYMENT, payment.payment_intent, what, order_id=order.id, now=now)
    log.error("payment_unsettled", order_id=order.id, reason=why)
    _stop_waiting(session, order, attempt, now)


def _stop_waiting(session: Session, order: Order, attempt: PaymentAttempt, now: datetime) -> None:
    """This session was the order's only way to be paid, and its payment does not fit."""
    if _waits_for(order, attempt):
        inventory.release(session, lines_of(order))
        order.mark_cancelled("payment does not fit", now=now)


@retried_once
def _set_aside(seen: PaymentSession, *, now: datetime) -> None:
    """The books cannot hold what was paid. A person sends it back, and meanwhile the parts are for others."""
    with transaction() as session:
        order, attempt = _lock(session, seen)
        if first_event_at(session, order.id, UNREADABLE) is None:
            order.record(UNREADABLE, now=now, session=seen.id)
            what = not_held(outcome_of(seen.id, order.number, seen.outcome))
            attention_notes.note(session, AttentionKind.MISMATCH, seen.id, what, order_id=order.id, now=now)
        _stop_waiting(session, order, attempt, now)
        attempt.state = AttemptState.CLOSED


def _problem(order: Order, seen: PaymentSession) -> RefundReason | None:
    """Say why a payment cannot be what this order waits for."""
    if seen.order_id != order.id:
        return RefundReason.ANOTHER_ORDER
    if seen.currency.upper() != order.currency or seen.amount_total != to_minor(order.total, order.currency):
        return RefundReason.ANOTHER_AMOUNT
    if order.paid_session is not None:
        return RefundReason.PAID_ALREADY
    return None


def _become_paid(session: Session, order: Order, seen: PaymentSession, site: Site, now: datetime) -> None:
    _take_delivery(session, order, seen, now)
    order.mark_paid(seen.id, now=now)
    _empty_cart(session, order)
    session.flush()
    order_emails.queue_about("confirmed", session, order, site=site, now=now)
    order_emails.queue_for_merchant(session, order, site=site, now=now)
    log.info("order_paid", order_id=order.id)


def _take_delivery(session: Session, order: Order, seen: PaymentSession, now: datetime) -> None:
    """An address that was chosen with the order stays as it was then; one that Stripe has asked for is remembered.

    Of an order whose buyer has closed the account since, and pays after all, only the country was left.
    """
    if seen.delivery is None:
        return
    if order.shipping_address is not None and "line1" in order.shipping_address:
        order.shipping_phone = order.shipping_phone or seen.delivery.phone
        return
    order.deliver_to(seen.delivery)
    if order.user_id is not None:
        addresses.remember(session, order.user_id, seen.delivery, now=now)


def _await_payment(session: Session, order: Order, attempt: PaymentAttempt, site: Site, now: datetime) -> None:
    """The money is on its way, for days perhaps: the stock stays held, the cart is free for other things."""
    if attempt.state in (AttemptState.COMPLETE, AttemptState.CLOSED):
        return  # known, or read before something that has been done since
    attempt.state = AttemptState.COMPLETE
    order.record("payment_pending", now=now)
    if order.is_pending:
        _empty_cart(session, order)
        order_emails.queue_about("payment_pending", session, order, site=site, now=now)


def _fail(session: Session, order: Order, attempt: PaymentAttempt, site: Site, now: datetime) -> None:
    """The money did not come. https://docs.stripe.com/payments/checkout/fulfill-orders#delayed"""
    attempt.state = AttemptState.CLOSED
    if not _waits_for(order, attempt):
        return
    inventory.release(session, lines_of(order))
    order.mark_cancelled("payment failed", now=now)
    order_emails.queue_about("payment_failed", session, order, site=site, now=now)
    log.info("payment_failed", order_id=order.id)


def _close(session: Session, order: Order, attempt: PaymentAttempt, site: Site, now: datetime) -> None:
    attempt.state = AttemptState.CLOSED
    if not _waits_for(order, attempt):
        return
    inventory.release(session, lines_of(order))
    # Later it ran out, whoever wished to end it before; but nobody misses what another order took the place of.
    if attempt.closed_by is not None and (now < attempt.expires_at or attempt.closed_by == SUPERSEDED):
        order.mark_cancelled(attempt.closed_by, now=now)
        return
    order.mark_expired(now=now)
    order_emails.queue_expired(session, order, site=site, now=now)


def _waits_for(order: Order, attempt: PaymentAttempt) -> bool:
    """Say whether the order waits for this very session: the end of another one is no business of its."""
    return order.is_pending and order.stripe_session_id == attempt.session_id


def _empty_cart(session: Session, order: Order) -> None:
    """Take what was bought out of the cart, once; the next order from this cart is another one."""
    if order.cart_id is not None:
        carts.take_out(session, order.cart_id, lines_of(order))
        order.cart_id = None


def is_recorded(session: Session, attempt: PaymentAttempt) -> bool:
    """Say whether the payment of a session is in the books."""
    return session.scalar(select(Payment.id).where(Payment.attempt_id == attempt.id)) is not None

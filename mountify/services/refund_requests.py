"""Refunds that we ask for: each is written down and queued first; refund_sending asks Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors import N_, NotFound
from mountify.core.errors.payments import AlreadyRefunded, BadAmount, NothingPaid, RefundAsked, RefundTooHigh
from mountify.core.money import ZERO, Money, to_minor
from mountify.core.payment_refund import RefundReason
from mountify.models.order import Order
from mountify.models.payment import Payment, PaymentAttempt, Refund, RefundState
from mountify.queue import defer
from mountify.services import audit_log
from mountify.services.attention_notes import is_made_good
from mountify.services.audit_log import TERMINAL, Actor
from mountify.services.orders import lock_order
from mountify.services.refunds import MADE
from mountify.services.returns import Parts, choose
from mountify.services.wording import format_money
from mountify.transaction import transaction

_COUNTED = (RefundState.CREATED, *MADE)
_AUTOMATIC, _REST = "refund-", "-rest"
_ASKED = "manual-"


@dataclass(frozen=True)
class Wish:
    """What a person wants back: `amount` None for all that is left, of the payment that paid the order unless named.

    `parts` go on the shelf again when the money goes. `key` is the form's: sent again, it is no other wish.
    """

    amount: Money | None = None
    payment_intent: str | None = None
    parts: Parts = field(default_factory=dict)
    key: str | None = None


def request(order_id: int, wish: Wish, *, by: Actor = TERMINAL, now: datetime) -> int:
    """Write a refund down and queue it; gives its id, also of one that was asked for with the same key before.

    Stripe is asked by refund_sending. Raises NotFound, NothingPaid, AlreadyRefunded, RefundTooHigh, BadAmount,
    NotReturnable, or RefundAsked when the key was used for another wish; then nothing has changed.
    """
    with transaction() as session:
        order = lock_order(session, order_id)
        key = f"{_ASKED}{order.id}-{wish.key}" if wish.key else None
        known = _find_known(session, key, wish)
        if known is not None:
            return known
        payment, pays_order = _find_payment(session, order, wish.payment_intent)
        left = _left_of(session, payment)
        amount = left if wish.amount is None else _check(wish.amount, left, payment.currency)
        parts = choose(session, order, wish.parts, sold=pays_order)
        refund_id = _write_down(session, payment, amount, parts, now, key=key)
        _note(session, by, order, format_money(amount, payment.currency), sum(parts.values()), now)
        return refund_id


def get(refund_id: int) -> Refund:
    """Get a refund that was written down."""
    return db.session.get_one(Refund, refund_id)


def find_left(session: Session, order: Order) -> Money:
    """Say how much of what paid an order can go back: nothing where none did, or all of it goes already."""
    try:
        return _left_of(session, _find_payment(session, order, None)[0])
    except (NothingPaid, AlreadyRefunded):
        return ZERO


def request_again(order_id: int, refund_id: int, *, now: datetime) -> int:
    """Write a refund that failed down once more, with no more than is left of its payment; gives the new one's id.

    Parts that should have come back with it do so now, but for those that have come back meanwhile. Raises NotFound or
    AlreadyRefunded; then nothing has changed.
    """
    with transaction() as session:
        order = lock_order(session, order_id)
        failed = _find_failed(session, order, refund_id)
        payment = session.get_one(Payment, failed.payment_id, populate_existing=True)
        amount = min(failed.amount, _left_of(session, payment))
        parts = {}
        if failed.stripe_refund_id is None:  # where Stripe had made it, its parts came back at once
            missing = choose(session, order, None)
            parts = {each: min(count, missing[each]) for each, count in failed.parts.items() if each in missing}
        return _write_down(session, payment, amount, parts, now, replaces=failed)


def _write_down(
    session: Session,
    payment: Payment,
    amount: Money,
    parts: Mapping[int, int],
    now: datetime,
    replaces: Refund | None = None,
    key: str | None = None,
) -> int:
    refund = Refund(
        payment_id=payment.id,
        reason=RefundReason.MERCHANT,
        amount=amount,
        idempotency_key=key or f"{_ASKED}{uuid4()}",
        restock={str(product_id): quantity for product_id, quantity in parts.items()},
        replaces_id=None if replaces is None else replaces.id,
        created_at=now,
    )
    _queue(session, refund)
    reached("refund.requested")
    return refund.id


def refuse_what_goes_back(session: Session, order: Order) -> None:
    """Stop whoever would send parts whose whole price goes back. Raises AlreadyRefunded."""
    paid = select(Payment).join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
    payment = session.scalars(paid.where(PaymentAttempt.session_id == order.paid_session)).one_or_none()
    if payment is not None and payment.amount:
        _left_of(session, payment)


def begin_automatic(session: Session, payment: Payment, reason: RefundReason, *, now: datetime) -> None:
    """Send a payment back that cannot be kept, in the transaction that records it, once for each reason."""
    if payment.amount:
        key = f"{_AUTOMATIC}{payment.payment_intent}-{reason.replace(' ', '-')}"
        _queue(session, _automatic(payment.id, reason, payment.amount, key, now))


def begin_rest(session: Session, refused: Refund, left: Money, *, now: datetime) -> bool:
    """Send back what is left where a part was sent back at Stripe before ours came, and say whether that is meant.

    Of a refund that a person asked for it is not: who asked may ask again. The rest is tried once.
    """
    key = refused.idempotency_key
    if not key.startswith(_AUTOMATIC) or key.endswith(_REST) or left >= refused.amount:
        return False
    _queue(session, _automatic(refused.payment_id, refused.reason, left, f"{key}{_REST}", now))
    return True


def _automatic(payment_id: int, reason: str, amount: Money, key: str, now: datetime) -> Refund:
    return Refund(payment_id=payment_id, reason=reason, amount=amount, idempotency_key=key, created_at=now)


def _queue(session: Session, refund: Refund) -> None:
    session.add(refund)
    session.flush()
    defer(session, "send_refund", refund_id=refund.id)


def _find_known(session: Session, key: str | None, wish: Wish) -> int | None:
    """Find the refund that a form asked for when it was sent before. Raises RefundAsked when it says something else."""
    known = session.scalars(select(Refund).where(Refund.idempotency_key == key)).one_or_none() if key else None
    if known is None:
        return None
    if wish.amount not in (None, known.amount) or wish.parts not in (None, known.parts):
        raise RefundAsked(amount=known.amount)
    return known.id


def _note(session: Session, by: Actor, order: Order, amount: str, parts: int, now: datetime) -> None:
    """Say who asked: in the log, and of a person at the desk in the timeline, too."""
    if by.id is not None:
        order.record("refund_asked", now=now, actor_id=by.id, amount=amount, parts=parts)
    audit_log.record(session, by, "order.refund_asked", order, now=now, amount=(None, amount), parts=(None, parts))


def _find_payment(session: Session, order: Order, payment_intent: str | None) -> tuple[Payment, bool]:
    """Find a payment of an order, and say whether it is the one that paid it."""
    mine = select(Payment, PaymentAttempt.session_id).join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
    mine = mine.where(PaymentAttempt.order_id == order.id)
    if payment_intent is None:
        found = session.execute(mine.where(PaymentAttempt.session_id == order.paid_session)).one_or_none()
        if found is None:
            raise NothingPaid(number=order.number)
    else:
        found = session.execute(mine.where(Payment.payment_intent == payment_intent)).one_or_none()
        if found is None:
            raise NotFound(
                N_("Order %(number)s has no payment %(payment)s."), number=order.number, payment=payment_intent
            )
    payment, session_id = found
    return payment, session_id == order.paid_session


def _find_failed(session: Session, order: Order, refund_id: int) -> Refund:
    """Find a refund of an order that failed and was not made good."""
    mine = select(Refund).join(Payment).join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
    mine = mine.where(PaymentAttempt.order_id == order.id, Refund.id == refund_id, Refund.state == RefundState.FAILED)
    failed = session.scalars(mine.execution_options(populate_existing=True)).one_or_none()
    if failed is None:
        raise NotFound(N_("Order %(number)s has no refund %(id)s that failed."), number=order.number, id=refund_id)
    if session.scalar(select(Refund.id).where(Refund.id == refund_id, is_made_good())) is not None:
        raise AlreadyRefunded(N_("Refund %(id)s has been paid in another way already."), id=refund_id)
    in_its_place = select(Refund.id).where(Refund.replaces_id == refund_id, Refund.state != RefundState.VOID)
    if session.scalar(in_its_place.limit(1)) is not None:
        raise AlreadyRefunded(N_("Refund %(id)s has been made again already."), id=refund_id)
    return failed


def _left_of(session: Session, payment: Payment) -> Money:
    """Say how much of a payment has not gone back, in whichever way, and is not about to. Raises AlreadyRefunded."""
    counted = Refund.state.in_(_COUNTED) | ((Refund.state == RefundState.FAILED) & is_made_good())
    gone = session.scalars(select(Refund.amount).where(Refund.payment_id == payment.id, counted)).all()
    left = payment.amount - Money.sum(gone)
    if left.amount <= 0:  # less than nothing, when it was sent back at Stripe while some of it waits to be sent
        raise AlreadyRefunded
    return left


def _check(amount: Money, left: Money, currency: str) -> Money:
    try:
        to_minor(amount, currency)
    except ValueError as error:
        raise BadAmount from error
    if amount.amount <= 0:
        raise BadAmount
    if amount > left:
        raise RefundTooHigh(left=left)
    return amount

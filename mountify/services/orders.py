"""Orders, reached by those who may see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, selectinload

from mountify import db
from mountify.core.errors import N_, NotFound
from mountify.core.ids import BIGGEST_ID
from mountify.core.paging import Page
from mountify.core.tokens import is_signed, sign
from mountify.models.order import Order, OrderEvent
from mountify.models.payment import AttemptState, Payment, PaymentAttempt

_LINK = "order-link"
UNREADABLE = "payment_unreadable"  # something was paid, of an amount that the books cannot hold
UNKNOWN = "session_unknown"  # Stripe does not know the session that it gave us for it
_OF_THE_MERCHANT = ("dispute", "dispute_closed", "refund_refused", "note", "refund_asked", "cancel_asked")
_SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,250}")


def link_key(secret: str, order_id: int) -> str:
    """Sign the link by which a guest reaches one order."""
    return sign(secret, _LINK, str(order_id))


def get_for_viewer(order_id: int, *, user_id: int | None, key: str, secret: str) -> Order:
    """Get an order for the account that placed it or for the holder of its signed link. Raises NotFound."""
    if not 0 < order_id <= BIGGEST_ID:
        raise NotFound
    order = db.session.scalars(
        select(Order).where(Order.id == order_id).options(selectinload(Order.items))
    ).one_or_none()
    if order is None:
        raise NotFound
    owns = user_id is not None and order.user_id == user_id
    if not owns and not is_signed(secret, _LINK, str(order_id), key):
        raise NotFound
    return order


def get_order(order_id: int) -> Order:
    """Get an order for the merchant, with its lines. Raises NotFound."""
    order = db.session.scalars(
        select(Order).where(Order.id == order_id).options(selectinload(Order.items))
    ).one_or_none()
    if order is None:
        raise NotFound
    return order


def get_by_number(number: str) -> Order:
    """Get an order for the merchant, by the number on it. Raises NotFound."""
    order = db.session.scalars(
        select(Order).where(Order.number == number).options(selectinload(Order.items))
    ).one_or_none()
    if order is None:
        raise NotFound(N_("There is no order %(number)s."), number=number)
    return order


PAGE_SIZE = 20


def list_for_user(user_id: int, page: int = 1, size: int = PAGE_SIZE) -> Page[Order]:
    """List the orders of an account, newest first, a page at a time."""
    mine = Order.user_id == user_id
    newest = select(Order).where(mine).order_by(Order.id.desc()).limit(size).offset((page - 1) * size)
    found = db.session.scalars(newest.options(selectinload(Order.items))).all()
    total = db.session.scalar(select(func.count()).select_from(Order).where(mine)) or 0
    return Page(found, total=total, number=page, size=size)


def get_for_user(order_id: int, user_id: int) -> Order:
    """Get an order of an account. Raises NotFound, also for another's."""
    mine = select(Order).where(Order.id == order_id, Order.user_id == user_id)
    order = db.session.scalars(mine.options(selectinload(Order.items))).one_or_none()
    if order is None:
        raise NotFound
    return order


@dataclass(frozen=True)
class PendingPayment:
    """How a pending order is to be paid: at `url` while that is possible, or its money is on the way already."""

    url: str | None
    is_on_its_way: bool


def find_pending_payment(order: Order, *, now: datetime) -> PendingPayment | None:
    """Say how an order is to be paid; None when it does not wait for a payment."""
    if not order.is_pending:
        return None
    newest = select(PaymentAttempt).where(PaymentAttempt.order_id == order.id).order_by(PaymentAttempt.id.desc())
    attempt = db.session.scalars(newest.limit(1)).one_or_none()
    can_be_paid = attempt is not None and attempt.state is AttemptState.OPEN and order.is_held_at(now)
    return PendingPayment(
        url=attempt.url if attempt is not None and can_be_paid else None,
        is_on_its_way=attempt is not None and attempt.state is AttemptState.COMPLETE,
    )


def was_charged(order: Order) -> bool:
    """Say whether anything was ever paid for an order, be it too little for it or back with its buyer by now."""
    paid = select(Payment.id).join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
    if db.session.scalar(paid.where(PaymentAttempt.order_id == order.id).limit(1)) is not None:
        return True
    return first_event_at(db.session(), order.id, UNREADABLE) is not None


def first_event_at(session: Session, order_id: int, kind: str) -> datetime | None:
    """Say when an event of a kind came into the timeline for the first time, if ever."""
    return session.scalar(
        select(func.min(OrderEvent.created_at)).where(OrderEvent.order_id == order_id, OrderEvent.kind == kind)
    )


def list_recent_of_address(session: Session, email: str, *, since: datetime, most: int = 10) -> Sequence[Order]:
    """List the paid orders of an address, newest first, in whichever case it was typed."""
    mine = select(Order).where(Order.email == email, Order.created_at > since, Order.paid_at.is_not(None))
    return session.scalars(mine.order_by(Order.id.desc()).limit(most)).all()


def join_account(session: Session, user_id: int, email: str) -> None:
    """Give an account the orders that were paid with its address, once that is its owner's.

    Not those that wait for their payment: anybody may have placed them, and their address would become the account's.
    """
    paid = Order.email == email, Order.user_id.is_(None), Order.paid_at.is_not(None)
    session.execute(update(Order).where(*paid).values(user_id=user_id))


def list_events(order: Order) -> Sequence[OrderEvent]:
    """List the timeline, newest first."""
    return db.session.scalars(order.events.select()).all()


def list_events_for_buyer(order: Order) -> Sequence[OrderEvent]:
    """List the timeline without what is between the merchant and a bank, newest first."""
    return db.session.scalars(order.events.select().where(OrderEvent.kind.not_in(_OF_THE_MERCHANT))).all()


def lock_order(session: Session, order_id: int) -> Order:
    """Lock an order and read it afresh. Raises NotFound."""
    order = session.scalars(
        select(Order)
        .where(Order.id == order_id)
        .options(selectinload(Order.items))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if order is None:
        raise NotFound
    return order


def lines_of(order: Order) -> dict[int, int]:
    return {item.product_id: item.quantity for item in order.items}


def get_by_session(session_id: str, *, user_id: int | None, key: str, secret: str) -> Order:
    """Get the order of a checkout session for its buyer or the holder of its signed link. Raises NotFound."""
    order_id = _order_of(session_id)
    if order_id is None:
        raise NotFound
    return get_for_viewer(order_id, user_id=user_id, key=key, secret=secret)


def find_by_session(session_id: str, *, key: str, secret: str) -> int | None:
    """Find the order a checkout session belongs to, for the holder of that order's signed key only."""
    order_id = _order_of(session_id)
    return order_id if order_id is not None and is_signed(secret, _LINK, str(order_id), key) else None


def _order_of(session_id: str) -> int | None:
    if not _SESSION_ID.fullmatch(session_id):
        return None
    return db.session.scalar(select(PaymentAttempt.order_id).where(PaymentAttempt.session_id == session_id))

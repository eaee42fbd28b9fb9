"""Orders, reached by those who may see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from mountify import db
from mountify.core.errors import NotFound
from mountify.core.tokens import is_signed, sign
from mountify.models.base import BIGGEST_ID
from mountify.models.order import Order, OrderEvent
from mountify.models.payment import PaymentAttempt

_LINK = "order-link"
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


def list_recent_of_address(session: Session, email: str, *, since: datetime, most: int = 10) -> Sequence[Order]:
    """List the paid orders of an address, newest first, in whichever case it was typed."""
    mine = select(Order).where(Order.email == email, Order.created_at > since, Order.paid_at.is_not(None))
    return session.scalars(mine.order_by(Order.id.desc()).limit(most)).all()


def list_events(order: Order) -> Sequence[OrderEvent]:
    """List the timeline, newest first."""
    return db.session.scalars(order.events.select()).all()


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

"""What leaves the shop: which orders wait for it, who carries them, and what their buyers are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, Select, TextClause, func, select, text
from sqlalchemy.orm import Session, selectinload

from mountify import db
from mountify.core import carriers
from mountify.core.carriers import Parcel
from mountify.core.checkpoints import reached
from mountify.core.errors.orders import AlreadyShipped, NotShipped, NotToShip
from mountify.core.order_status import OrderStatus
from mountify.core.paging import Page
from mountify.core.site import Site
from mountify.models.order import CORRECTED, NOBODY, SENT, TO_SHIP, Order, OrderEvent
from mountify.services import audit_log, order_emails, refund_requests
from mountify.services.audit_log import Actor
from mountify.services.orders import lock_order
from mountify.transaction import transaction

log = structlog.get_logger()

PAGE_SIZE = 50
_WAITS = text(TO_SHIP)
_IS_SENT = text(SENT)


def ship(by: Actor, order_id: int, carrier: str, number: str, *, mail: bool = True, site: Site, now: datetime) -> Order:
    """Say that a paid order is on its way, and tell its buyer unless that is not wished. Saying it again is no harm.

    Raises UnknownCarrier, BadTrackingNumber, NotFound, NotToShip, AlreadyShipped as another parcel, or AlreadyRefunded
    when all of its money goes back; then nothing has changed.
    """
    parcel = _read(carrier, number)
    with transaction() as session:
        order = lock_order(session, order_id)
        reached("shipping.locked")
        if order.is_sent:
            if order.parcel == parcel:
                return order
            raise AlreadyShipped(number=order.number)
        if not order.is_to_ship:
            raise NotToShip(number=order.number, status=order.status.value)
        refund_requests.refuse_what_goes_back(session, order)
        order.mark_shipped(parcel.carrier.code, parcel.number, actor_id=by.id, now=now)
        status = (OrderStatus.PAID, OrderStatus.SHIPPED)
        audit_log.record(
            session, by, "order.shipped", order, now=now, status=status, carrier=(None, parcel.carrier.code)
        )
        if mail:
            order_emails.queue_shipped(session, order, parcel, site=site, now=now)
        reached("shipping.before_commit")
        log.info("order_shipped", order_id=order.id, carrier=parcel.carrier.code)
        return order


def correct(
    by: Actor, order_id: int, carrier: str, number: str, *, mail: bool = False, site: Site, now: datetime
) -> Order:
    """Put a wrong number right, and tell the buyer when that is wished; nothing when it is right already.

    Raises UnknownCarrier, BadTrackingNumber, NotFound or NotShipped; then nothing has changed.
    """
    parcel = _read(carrier, number)
    with transaction() as session:
        order = lock_order(session, order_id)
        if not order.is_sent or order.email == NOBODY:
            raise NotShipped(number=order.number)
        if order.parcel == parcel:
            return order
        before = order.carrier
        order.correct_shipment(parcel.carrier.code, parcel.number, actor_id=by.id, now=now)
        changes = {} if before == order.carrier else {"carrier": (before, order.carrier)}
        audit_log.record(session, by, "order.tracking_corrected", order, now=now, **changes)
        if mail:
            which = _count_corrections(session, order)
            order_emails.queue_corrected(session, order, parcel, which=which, site=site, now=now)
        log.info("tracking_corrected", order_id=order.id, carrier=parcel.carrier.code)
        return order


def count_to_ship() -> int:
    """Say how many orders wait to be shipped."""
    return _count(_WAITS)


def find_oldest_to_ship() -> datetime | None:
    """Say when the one that waits longest was paid, if any waits."""
    return db.session.scalar(select(func.min(Order.paid_at)).where(_WAITS))


def list_to_ship(page: int = 1) -> Page[Order]:
    """List the orders that wait to be shipped, the oldest payment first."""
    return Page(_read_to_ship(PAGE_SIZE, (page - 1) * PAGE_SIZE), total=count_to_ship(), number=page, size=PAGE_SIZE)


def list_on_the_way(page: int = 1) -> Page[Order]:
    """List the orders whose parcels are on their way, the newest first."""
    found = _read_sent(OrderStatus.SHIPPED, PAGE_SIZE, (page - 1) * PAGE_SIZE)
    return Page(found, total=_count(_IS_SENT, _has(OrderStatus.SHIPPED)), number=page, size=PAGE_SIZE)


def list_all(page: int, size: int) -> Page[Order]:
    """List what waits, then what is on its way, then what has arrived, as one list."""
    found: list[Order] = []
    offset, total = (page - 1) * size, 0
    for status in (OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        waits = status is OrderStatus.PAID
        count = count_to_ship() if waits else _count(_IS_SENT, _has(status))
        left, skipped = size - len(found), max(0, offset - total)
        if left and skipped < count:
            found += _read_to_ship(left, skipped) if waits else _read_sent(status, left, skipped)
        total += count
    return Page(found, total=total, number=page, size=size)


def _read(carrier: str, number: str) -> Parcel:
    who = carriers.get(carrier)
    return Parcel(who, who.check(number))


def _count_corrections(session: Session, order: Order) -> int:
    session.flush()
    mine = OrderEvent.order_id == order.id, OrderEvent.kind == CORRECTED
    return session.scalar(select(func.count()).select_from(OrderEvent).where(*mine)) or 0


def _count(*conditions: ColumnElement[bool] | TextClause) -> int:
    return db.session.scalar(select(func.count()).select_from(Order).where(*conditions)) or 0


def _has(status: OrderStatus) -> ColumnElement[bool]:
    return Order.status == status


def _read_to_ship(most: int, offset: int) -> Sequence[Order]:
    oldest = select(Order).where(_WAITS).order_by(Order.paid_at, Order.id)
    return db.session.scalars(_with_lines(oldest.limit(most).offset(offset))).all()


def _read_sent(status: OrderStatus, most: int, offset: int) -> Sequence[Order]:
    newest = select(Order).where(_IS_SENT, _has(status)).order_by(Order.shipped_at.desc(), Order.id.desc())
    return db.session.scalars(_with_lines(newest.limit(most).offset(offset))).all()


def _with_lines(query: Select[Order]) -> Select[Order]:
    return query.options(selectinload(Order.items))

"""What an operator does while everything around falls: each of it is tried again when the database was not there."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NothingPaid, ShopError
from mountify.core.money import Money
from mountify.models.order import Order
from mountify.models.payment import PaymentAttempt
from mountify.services import refund_requests
from mountify.services.refund_requests import Wish
from tests.outages.support import release

DOWN = (DBAPIError, NoConnectionLeft)
PART = Money.of("1.00")


def free(session_id: str) -> bool:
    """End the order of a session, and put its parts on the shelf, without a word to Stripe; say whether it is done."""
    try:
        order = _order_of(session_id)
        if order.is_pending:
            release(order.id)
        return True
    except DOWN:
        return False
    finally:
        db.release()


def refund(session_id: str) -> bool:
    """Send back what a session has paid, of every other one a part; say whether there is nothing left to do."""
    try:
        order = _order_of(session_id)
        whole = order.id % 2 == 0
        refund_requests.request(order.id, Wish(parts=None) if whole else Wish(amount=PART), now=utcnow())
    except (*DOWN, NothingPaid):
        return False
    except ShopError:  # it had been asked for already, and the answer was lost
        return True
    finally:
        db.release()
    return True


def _order_of(session_id: str) -> Order:
    try:
        paid_for = select(Order).join(PaymentAttempt, PaymentAttempt.order_id == Order.id)
        afresh = paid_for.where(PaymentAttempt.session_id == session_id).execution_options(populate_existing=True)
        return db.session.scalars(afresh).one()
    finally:
        db.release()

"""What an operator does while everything around falls: each of it is tried again when the database was not there."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.payments import NothingPaid
from mountify.core.money import Money, to_minor
from mountify.models.order import Order
from mountify.models.payment import Payment, PaymentAttempt, Refund
from mountify.services import refund_requests
from mountify.services.orders import lock_order
from mountify.transaction import transaction
from tests.outages.support import release

from .books import MANUAL, Wish
from .ledger import Ledger

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


def serve(ledger: Ledger, session_id: str) -> None:
    """Send money back to whoever regrets, or put them at the end of the queue."""
    wish = refund(session_id)
    if wish is None:
        ledger.to_refund.append(session_id)
    else:
        ledger.granted[session_id] = wish


def refund(session_id: str) -> Wish | None:
    """Send back what a session has paid, of every other one a part; gives what is written down, None to ask again.

    An answer that was lost is no answer: who asks again looks first. Raises whatever the shop refuses besides.
    """
    try:
        order = _order_of(session_id)
        is_whole = order.id % 2 == 0
        if not _is_written_down(order.id, session_id):
            wish = refund_requests.Wish(parts=None) if is_whole else refund_requests.Wish(amount=PART)
            refund_requests.request(order.id, wish, now=utcnow())
        return Wish(to_minor(order.total if is_whole else PART, order.currency), comes_back=is_whole)
    except (*DOWN, NothingPaid):
        return None
    finally:
        db.release()


def _is_written_down(order_id: int, session_id: str) -> bool:
    """Say whether a person's refund of a session is there, once a commit that nobody has heard the end of is over."""
    with transaction() as session:
        lock_order(session, order_id)
        return _find_manual(session, session_id) is not None


def _find_manual(session: Session, session_id: str) -> int | None:
    mine = select(Refund.id).join(Payment).join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
    mine = mine.where(PaymentAttempt.session_id == session_id, Refund.idempotency_key.startswith(MANUAL))
    return session.scalar(mine.limit(1))


def _order_of(session_id: str) -> Order:
    try:
        paid_for = select(Order).join(PaymentAttempt, PaymentAttempt.order_id == Order.id)
        afresh = paid_for.where(PaymentAttempt.session_id == session_id).execution_options(populate_existing=True)
        return db.session.scalars(afresh).one()
    finally:
        db.release()

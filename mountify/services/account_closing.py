"""The end of an account: what it was is gone, its orders stay for the books without whoever placed them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, func, null, or_, select, update
from sqlalchemy.orm import Session

from mountify.core.errors import OrdersOpen
from mountify.core.order_status import OrderStatus
from mountify.models.email import Email, EmailState
from mountify.models.order import Order, OrderEvent
from mountify.models.payment import AttemptState, Payment, PaymentAttempt, WebhookEvent
from mountify.queue import defer
from mountify.services import accounts, sign_ins
from mountify.transaction import transaction

NOBODY = "closed@account.invalid"  # https://www.rfc-editor.org/rfc/rfc2606#section-2


def close(user_id: int, *, now: datetime) -> None:
    """Delete an account with all that hangs on it, and strip its orders. Raises OrdersOpen or NotFound.

    While an order waits for its payment or for its parcel, what it says of the buyer is needed.
    """
    with transaction() as session:
        user = accounts.lock(session, user_id)
        needed = Order.user_id == user_id, Order.status.in_((OrderStatus.PENDING, OrderStatus.PAID))
        number = session.scalar(select(Order.number).where(*needed).order_by(Order.id).limit(1))
        if number is not None:
            raise OrdersOpen(number=number)
        sign_ins.end_all(session, user_id, now=now)
        _strip_orders(session, user_id)
        session.delete(user)
        defer(session, "forget_buyers")


def forget_buyers() -> None:
    """Strip what was written about orders of closed accounts, also after the closing; a mail first goes out."""
    about_nobody = select(Order.id).where(Order.email == NOBODY)
    with transaction() as session:
        _strip_mails(session, about_nobody)
        _strip_requests(session, about_nobody)
        _strip_webhooks(session, about_nobody)


def _strip_orders(session: Session, user_id: int) -> None:
    """Take out of orders what tells who placed them; amounts, parts, dates and the country stay for the books."""
    country = func.jsonb_build_object("country", Order.shipping_address["country"])
    mine = select(Order.id).where(Order.user_id == user_id)
    session.execute(
        update(OrderEvent).where(OrderEvent.order_id.in_(mine)).values(data=OrderEvent.data.op("-")("number"))
    )
    session.execute(
        update(Order)
        .where(Order.user_id == user_id)
        .values(
            email=NOBODY,
            user_id=None,
            shipping_name=None,
            shipping_phone=None,
            shipping_address=case((Order.shipping_address.is_not(None), country), else_=null()),
            tracking_number=None,
            tracking_details=null(),
            note="",
        )
    )


def _strip_mails(session: Session, orders: Select[int]) -> None:
    told = Email.order_id.in_(orders), Email.state != EmailState.QUEUED, Email.recipient != NOBODY
    session.execute(update(Email).where(*told).values(recipient=NOBODY, subject="", html="", text=""))


def _strip_requests(session: Session, orders: Select[int]) -> None:
    """What Stripe was asked; one that may still be repeated stays as it is."""
    over = PaymentAttempt.state.in_((AttemptState.COMPLETE, AttemptState.CLOSED))
    session.execute(update(PaymentAttempt).where(PaymentAttempt.order_id.in_(orders), over).values(params={}))


def _strip_webhooks(session: Session, orders: Select[int]) -> None:
    attempts = select(PaymentAttempt.session_id).where(PaymentAttempt.order_id.in_(orders))
    intents = select(Payment.payment_intent).join(PaymentAttempt).where(PaymentAttempt.order_id.in_(orders))
    about: list[ColumnElement[bool]] = [
        WebhookEvent.payload["data"]["object"]["id"].astext.in_(attempts),
        WebhookEvent.payload["data"]["object"]["payment_intent"].astext.in_(intents),
    ]
    done = WebhookEvent.processed_at.is_not(None), or_(*about)
    session.execute(update(WebhookEvent).where(*done).values(payload={}))

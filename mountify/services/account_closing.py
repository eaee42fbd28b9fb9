"""The end of an account: what it was is gone, its orders stay for the books without whoever placed them."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Select, Text, case, cast, func, literal_column, null, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from mountify.core.errors.accounts import LastAdmin, OrdersOpen
from mountify.core.site import Site
from mountify.models.account import Role, User
from mountify.models.email import Email, EmailState
from mountify.models.order import NOBODY, Order, OrderEvent
from mountify.models.payment import AttemptState, Payment, PaymentAttempt, WebhookEvent
from mountify.queue import defer
from mountify.services import accounts, orders, sign_ins
from mountify.services.account_mails import queue_good_bye
from mountify.transaction import transaction

log = structlog.get_logger()


def close(user_id: int, *, site: Site, now: datetime) -> None:
    """Delete an account with all that hangs on it, strip its orders, and say good-bye.

    Raises OrdersOpen while what an order says of its buyer is needed, LastAdmin, or NotFound. Orders are locked before
    the account, as settling a payment does.
    """
    with transaction() as session:
        orders.join_account(session, user_id, accounts.get(user_id).email)
        mine = select(Order).where(Order.user_id == user_id).order_by(Order.id).with_for_update()
        open_one = next((order for order in session.scalars(mine) if order.needs_its_buyer), None)
        if open_one is not None:
            raise OrdersOpen(number=open_one.number)
        user = accounts.lock(session, user_id)
        _refuse_the_last_admin(session, user)
        sessions = sign_ins.ids_of(session, user_id)
        sign_ins.end_all(session, user_id, now=now)
        _strip_orders(session, user_id)
        queue_good_bye(session, user, site=site, now=now)
        session.delete(user)
        defer(session, "forget_buyers")
        log.info("account_closed", account=user_id)
    sign_ins.forget(sessions)


def _refuse_the_last_admin(session: Session, user: User) -> None:
    """Nobody would be left who could make another one, but whoever sits at the server's terminal."""
    others = select(User.id).where(User.role == Role.ADMIN, User.id != user.id, User.disabled_at.is_(None))
    if user.role is Role.ADMIN and session.scalar(others.limit(1)) is None:
        raise LastAdmin


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
    told = cast(["number", "note"], ARRAY(Text))
    session.execute(update(OrderEvent).where(OrderEvent.order_id.in_(mine)).values(data=OrderEvent.data.op("-")(told)))
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


def _strip_mails(session: Session, theirs: Select[int]) -> None:
    told = Email.order_id.in_(theirs), Email.state != EmailState.QUEUED, Email.recipient != NOBODY
    key = case(  # one is made of the address
        (Email.kind == "order_links", func.concat("order_links:", Email.id)), else_=Email.idempotency_key
    )
    session.execute(
        update(Email)
        .where(*told)
        .values(recipient=NOBODY, subject="", html="", text="", error=None, idempotency_key=key)
    )


def _strip_requests(session: Session, theirs: Select[int]) -> None:
    """What Stripe was asked; one that may still be repeated stays as it is."""
    over = PaymentAttempt.state.in_((AttemptState.COMPLETE, AttemptState.CLOSED))
    known = PaymentAttempt.order_id.in_(theirs), PaymentAttempt.params != {}
    session.execute(update(PaymentAttempt).where(*known, over).values(params={}))


def _strip_webhooks(session: Session, theirs: Select[int]) -> None:
    """Found by what they are about: each way has an index."""
    attempts = select(PaymentAttempt.session_id).where(PaymentAttempt.order_id.in_(theirs))
    intents = select(Payment.payment_intent).join(PaymentAttempt).where(PaymentAttempt.order_id.in_(theirs))
    over = WebhookEvent.processed_at.is_not(None) | WebhookEvent.parked_at.is_not(None)
    found = (WebhookEvent.OBJECT, attempts), (WebhookEvent.OBJECT, intents), (WebhookEvent.INTENT, intents)
    for about, known in found:
        done = over, literal_column(about, Text).in_(known)
        session.execute(update(WebhookEvent).where(*done).values(payload={}))

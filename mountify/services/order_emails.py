"""The mails about orders, each written once, in the transaction that makes what it tells."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify.core.carriers import Parcel
from mountify.core.site import Site
from mountify.core.tokens import hash_token
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.models.payment import Payment, Refund
from mountify.services import emails
from mountify.services.mail_templates import render
from mountify.services.orders import link_key, list_recent_of_address
from mountify.services.settings import get_shop
from mountify.services.wording import format_money
from mountify.transaction import transaction

LINKS_REACH = timedelta(days=365)
LINKS_ONCE_IN_S = 15 * 60
EXPIRED_ONCE_IN = timedelta(days=1)


def queue_about(kind: str, session: Session, order: Order, *, site: Site, now: datetime) -> None:
    """Write to the buyer of an order, once for each kind, and queue its sending, in the caller's transaction.

    Kinds: confirmed, payment_pending, payment_failed, expired.
    """
    _queue_about(kind, session, order, recipient=order.email, site=site, now=now)


def queue_expired(session: Session, order: Order, *, site: Site, now: datetime) -> None:
    """Tell a buyer that an order was not paid in time, once a day: anybody can type anybody's address at checkout."""
    told = select(Email.id).where(
        Email.kind == "expired", Email.recipient == order.email, Email.created_at > now - EXPIRED_ONCE_IN
    )
    if session.scalar(told.limit(1)) is None:
        queue_about("expired", session, order, site=site, now=now)


def queue_for_merchant(session: Session, order: Order, *, site: Site, now: datetime) -> None:
    """Tell the merchant about a paid order, in the caller's transaction; nothing while no address is set."""
    recipient = get_shop().contact_email
    if recipient:
        _queue_about("merchant", session, order, recipient=recipient, site=site, now=now)


def queue_refunded(
    session: Session, order: Order, payment: Payment, refund: Refund, *, site: Site, now: datetime
) -> None:
    """Tell the buyer that money goes back, and why, once for each refund, in the caller's transaction."""
    _queue_about(
        "refunded",
        session,
        order,
        recipient=order.email,
        site=site,
        now=now,
        key=f"refunded:{refund.stripe_refund_id}",
        amount=format_money(refund.amount, payment.currency),
        reason=refund.reason,
    )


def queue_shipped(session: Session, order: Order, parcel: Parcel, *, site: Site, now: datetime) -> None:
    """Tell the buyer who carries an order and under which number, once, in the caller's transaction."""
    _queue_shipped(session, order, parcel, shipment_key(order), is_correction=False, site=site, now=now)


def queue_corrected(session: Session, order: Order, parcel: Parcel, *, which: int, site: Site, now: datetime) -> None:
    """Tell the buyer the right number, once for each correction, in the caller's transaction."""
    key = f"{shipment_key(order)}:corrected:{which}"
    _queue_shipped(session, order, parcel, key, is_correction=True, site=site, now=now)


def shipment_key(order: Order) -> str:
    """The key of the mail about what is sent; an order is sent as one parcel."""
    return f"shipped:{order.id}"


def _queue_shipped(
    session: Session, order: Order, parcel: Parcel, key: str, *, is_correction: bool, site: Site, now: datetime
) -> None:
    _queue_about(
        "shipped",
        session,
        order,
        recipient=order.email,
        site=site,
        now=now,
        key=key,
        parcel=parcel,
        is_correction=is_correction,
    )


def _queue_about(
    kind: str,
    session: Session,
    order: Order,
    *,
    recipient: str,
    site: Site,
    now: datetime,
    key: str | None = None,
    **values: object,
) -> None:
    mail = render(kind, site, order.currency, order=order, order_url=order_url(order, site), **values)
    key = key or f"{kind}:{order.id}"
    emails.store(session, kind, mail, key=key, recipient=recipient, order_id=order.id, now=now)


def queue_order_links(email: str, *, site: Site, now: datetime) -> None:
    """Write to an address with the links to its recent orders, once in a quarter of an hour; nobody learns whether."""
    with transaction() as session:
        found = list_recent_of_address(session, email, since=now - LINKS_REACH)
        if not found:
            return
        mail = render("order_links", site, site.currency, links=[(order, order_url(order, site)) for order in found])
        newest = found[0]
        window = int(now.timestamp() // LINKS_ONCE_IN_S)
        key = f"order_links:{hash_token(newest.email.lower())}:{window}"
        emails.store(session, "order_links", mail, key=key, recipient=newest.email, order_id=newest.id, now=now)


def order_url(order: Order, site: Site) -> str:
    """The link by which whoever holds it reaches one order."""
    return f"{site.base_url}/orders/{order.id}?key={link_key(site.secret, order.id)}"

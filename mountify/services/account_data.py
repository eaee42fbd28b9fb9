"""What the shop knows of the owner of an account, for its owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from mountify import db
from mountify.models.account import Address, OAuthIdentity, UserSession
from mountify.models.cart import Cart, CartItem
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.services import accounts


def collect(user_id: int) -> dict[str, Any]:
    """Collect it as plain values, times in ISO 8601, amounts as text. Raises NotFound."""
    user = accounts.get(user_id)
    return {
        "profile": {
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "role": user.role.value,
            "createdAt": _time(user.created_at),
            "emailConfirmedAt": _time(user.email_confirmed_at),
            "hasPassword": user.has_password,
        },
        "signInMethods": [_identity(row) for row in _rows(OAuthIdentity, user_id)],
        "sessions": [_session(row) for row in _rows(UserSession, user_id)],
        "addresses": [_address(row) for row in _rows(Address, user_id)],
        "cart": _cart(user_id),
        "orders": [_order(order) for order in _orders(user_id)],
        "emails": [_email(row) for row in _emails(user_id)],
    }


def _rows(kind: Any, user_id: int) -> list[Any]:
    return list(db.session.scalars(select(kind).where(kind.user_id == user_id).order_by(kind.created_at)))


def _orders(user_id: int) -> list[Order]:
    mine = select(Order).where(Order.user_id == user_id).options(selectinload(Order.items))
    return list(db.session.scalars(mine.order_by(Order.id)))


def _emails(user_id: int) -> list[Email]:
    about_orders = Email.order_id.in_(select(Order.id).where(Order.user_id == user_id))
    # Whether somebody else's address could be had is nobody's business.
    own = (Email.user_id == user_id) & (Email.kind != "new_address")
    theirs = (about_orders & (Email.kind != "merchant")) | own
    return list(db.session.scalars(select(Email).where(theirs).order_by(Email.id)))


def _cart(user_id: int) -> list[dict[str, Any]]:
    lines = (
        select(Product.name, CartItem.quantity, CartItem.created_at)
        .join(CartItem.product)
        .join(Cart, Cart.id == CartItem.cart_id)
        .where(Cart.user_id == user_id)
    )
    return [
        {"product": name, "quantity": quantity, "addedAt": _time(at)}
        for name, quantity, at in db.session.execute(lines.order_by(CartItem.id))
    ]


def _identity(row: OAuthIdentity) -> dict[str, Any]:
    return {"issuer": row.issuer, "subject": row.subject, "addedAt": _time(row.created_at)}


def _session(row: UserSession) -> dict[str, Any]:
    return {
        "startedAt": _time(row.created_at),
        "lastSeenAt": _time(row.seen_at),
        "endedAt": _time(row.revoked_at),
        "browser": row.user_agent,
        "address": row.address,
    }


def _address(row: Address) -> dict[str, Any]:
    names = ("name", "phone", "line1", "line2", "city", "state", "postal_code", "country", "is_default")
    return {name: getattr(row, name) for name in names}


def _order(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "status": order.status.value,
        "placedAt": _time(order.created_at),
        "email": order.email,
        "currency": order.currency,
        "total": str(order.total),
        "refunded": str(order.refunded_total),
        "shippingName": order.shipping_name,
        "shippingPhone": order.shipping_phone,
        "shippingAddress": order.shipping_address,
        "carrier": order.carrier,
        "trackingNumber": order.tracking_number,
        "items": [{"name": item.name, "quantity": item.quantity, "price": str(item.price)} for item in order.items],
    }


def _email(row: Email) -> dict[str, Any]:
    return {"kind": row.kind, "to": row.recipient, "subject": row.subject, "sentAt": _time(row.sent_at)}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None

"""The address book of an account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mountify.core.payment_session import Delivery
from mountify.models.account import Address, User

# What the columns take; Stripe names no lengths.
_LENGTHS = {"line1": 200, "line2": 200, "city": 120, "state": 120, "postal_code": 20, "country": 2}


def remember(session: Session, user_id: int, delivery: Delivery, *, now: datetime) -> None:
    """Put a delivery address into the book, in the caller's transaction; the first one becomes the default.

    The same first line and postal code is the same address. One without a first line or a country is left out.
    """
    parts = {name: delivery.address.get(name, "")[:most] for name, most in _LENGTHS.items()}
    if not parts["line1"] or len(parts["country"]) != 2:
        return
    # Two orders settled at once must not both find an empty book.
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    is_first = session.scalar(select(Address.id).where(Address.user_id == user_id).limit(1)) is None
    values = {**parts, "name": delivery.name[:120], "phone": delivery.phone[:40]}
    row = insert(Address).values(user_id=user_id, is_default=is_first, created_at=now, updated_at=now, **values)
    session.execute(
        row.on_conflict_do_update(
            index_elements=[Address.user_id, Address.line1, Address.postal_code], set_={**values, "updated_at": now}
        )
    )

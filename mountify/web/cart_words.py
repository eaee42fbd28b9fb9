"""What has become of a cart, said to its owner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask_babel import gettext as _

from mountify.services.cart_merge import Merged
from mountify.services.reorder import Again
from mountify.services.wording import format_money
from mountify.web.auth import settings


def of_reorder(parts: Sequence[Again]) -> Iterator[str]:
    """What is not as it was when these parts were bought before."""
    if gone := [part.name for part in parts if part.price is None]:
        yield _("No longer made: %(names)s.", names=", ".join(gone))
    if sold_out := [part.name for part in parts if part.is_sold_out]:
        yield _("Sold out: %(names)s.", names=", ".join(sold_out))
    if left_out := [part.name for part in parts if part.is_left_out]:
        yield no_room(left_out)
    for part in parts:
        if part.is_capped:
            yield capped(part.name, part.in_cart)
    currency = settings().currency
    for part in parts:
        if part.has_new_price and part.price is not None:
            old, new = (format_money(price, currency) for price in (part.old_price, part.price))
            yield _("%(name)s costs %(new)s now; you paid %(old)s.", name=part.name, new=new, old=old)


def of_merge(merged: Merged) -> Iterator[str]:
    """What of a guest's cart is not in the account's as it was."""
    for part in merged.capped:
        yield capped(part.name, part.quantity)
    if merged.left_out:
        yield no_room(merged.left_out)


def capped(name: str, quantity: int) -> str:
    return _("Only %(num)s of %(name)s can be had: your cart has %(num)s now.", name=name, num=quantity)


def no_room(names: Sequence[str]) -> str:
    return _("There was no room in your cart for: %(names)s.", names=", ".join(names))

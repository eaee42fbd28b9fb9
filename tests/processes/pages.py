"""What a shopper reads on the pages of the shop and of Stripe, and how they pay there."""

from __future__ import annotations

import re

from tests.sandbox.support import Page, Running


def checkout_key_of(page: str) -> str | None:
    """The key in the form of a checkout, if there is one."""
    key = re.search(r'name="checkout_key" value="([^"]+)"', page)
    return key[1] if key else None


def token_in(page: str) -> str:
    """What each form of somebody who is signed in carries."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    return token[1]


def way_back_of(page: str) -> str | None:
    """Where Stripe's page leads whoever does not pay."""
    link = re.search(r'id="back-to-shop" href="([^"]+)"', page)
    return link[1].replace("&amp;", "&") if link else None


def pay_at_stripe(outside: Running, page: str, **changes: str) -> Page:
    """Send the form of Stripe's page as it is, but for the changes; where nothing can be paid, the page is given."""
    shown = outside.get(page)
    if shown.status != 200 or "pay-form" not in shown.text:
        return shown
    return outside.post(page, {**shown.form(), **changes})

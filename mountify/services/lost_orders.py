"""For whoever has lost the mail with the link to an order."""

from __future__ import annotations

from mountify.queue import defer
from mountify.transaction import transaction


def ask(email: str) -> None:
    """Queue looking for the orders of an address: the same work, and the same time, whether or not there are any."""
    with transaction() as session:
        defer(session, "mail_order_links", email=email)

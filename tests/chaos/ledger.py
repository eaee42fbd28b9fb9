"""What those outside know of the shop."""

from __future__ import annotations

from dataclasses import dataclass, field

from .books import Wish


@dataclass
class Ledger:
    """What shoppers hold in their hands, so that the shop must know it whatever is killed."""

    sessions: list[str] = field(default_factory=list)
    """At Stripe, to which the shop has sent somebody with a 303."""
    confirmed: list[str] = field(default_factory=list)
    """Sessions of which somebody saw a page that says: your order is confirmed."""
    debits: list[str] = field(default_factory=list)
    """Sessions whose bank has not answered yet."""
    to_refund: list[str] = field(default_factory=list)
    """Sessions whose buyer wants the money back, and whom nobody has served yet."""
    granted: dict[str, Wish] = field(default_factory=dict)
    """What an operator has written down for whom."""
    not_granted: list[str] = field(default_factory=list)
    """Whom an operator could not serve to the end."""
    freed: list[str] = field(default_factory=list)
    """Sessions whose parts an operator has given to others."""
    fates: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    """Ordered, and not taken back when nobody ran into them."""
    sold_out: int = 0
    gave_up: int = 0

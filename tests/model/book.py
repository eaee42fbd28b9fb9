"""What a merchant with pencil and paper knows: shelf, carts, orders, money and mails, in plain dictionaries.

Nothing here asks the shop's code. After each step the book looks at what the shop has written down, and every change
must be one that Stripe's own facts allow; then shelf, carts and mails must be as they follow from those changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mountify.core.payment_session import PaymentSession, SessionOutcome
from tests.factories import CONTACT as MERCHANT
from tests.model.seen import Lines, Seen, SeenOrder, SeenPayment
from tests.model.twins import Stripe

PRICES, DELIVERY, FREE_FROM = {1: 1400, 2: 950, 3: 4500}, 450, 4000  # cents, by part
HOLD, TOLD_ONCE_IN = timedelta(minutes=35), timedelta(days=1)
ENDED = ("expired", "cancelled")


def total_of(lines: Lines) -> int:
    goods = sum(PRICES[part] * quantity for part, quantity in lines.items())
    return goods + (0 if goods >= FREE_FROM else DELIVERY)


def without(lines: Lines, taken: Lines) -> Lines:
    left = {part: quantity - taken.get(part, 0) for part, quantity in lines.items()}
    return {part: quantity for part, quantity in left.items() if quantity > 0}


@dataclass
class Entry:
    """An order. `cart`: where its parts still lie, until it is paid."""

    buyer: str
    cart: str | None
    lines: Lines
    placed_at: datetime
    status: str = "pending"
    is_on_its_way: bool = False
    returned: Lines = field(default_factory=dict)


@dataclass
class Book:
    shelf: dict[int, int]  # part → how many
    carts: dict[str, Lines]  # by names of our own
    orders: dict[int, Entry] = field(default_factory=dict)
    pays: dict[str, bool] = field(default_factory=dict)  # session → whether it pays its order, or goes back
    pages: dict[str, str] = field(default_factory=dict)  # session → whoever has been shown its page at Stripe
    mails: Counter[tuple[str, str]] = field(default_factory=Counter)  # kind, recipient
    acknowledged: set[str] = field(default_factory=set)  # events of Stripe that the shop has said it has
    by_hand: set[int] = field(default_factory=set)  # orders whose parts an operator has set free
    told_of_expiry: dict[str, datetime] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # of carts, by what the shop knows them by

    def pending_of(self, cart: str) -> list[int]:
        return [order_id for order_id, each in self.orders.items() if each.status == "pending" and each.cart == cart]

    def held(self, cart: str | None = None) -> Counter[int]:
        """What pending orders hold, or those that a cart can give back."""
        parts: Counter[int] = Counter()
        for order in self.orders.values():
            if order.status == "pending" and cart in (None, order.cart):
                parts.update(order.lines)
        return parts

    def obtainable(self, part: int, cart: str) -> int:
        return max(0, self.shelf[part] - self.held()[part]) + self.held(cart)[part]

    def merge(self, guest: str, account: str) -> None:
        """A guest signs in: what the cart holds moves, and an order that waits comes along in place of another.

        Of what both hold no more than can be had, unless it is gone altogether: then the cart says so.
        """
        mine, free = self.carts[account], self.obtainable
        for part, quantity in self.carts.pop(guest).items():
            wanted = quantity + mine.get(part, 0)
            mine[part] = min(wanted, free(part, account) + self.held(guest)[part] or wanted)
        moved = self.pending_of(guest)
        left = [*self.pending_of(account), *moved] if moved else []
        for order_id, order in self.orders.items():
            if order_id in left or order.cart == guest:
                order.cart = account if order_id in moved else None

    def is_short_of(self, lines: Lines) -> bool:
        held = self.held()
        return any(self.shelf[part] - held[part] < quantity for part, quantity in lines.items())

    def follow(self, seen: Seen, stripe: Stripe, now: datetime) -> None:
        sessions = self._sessions_of_orders(stripe)
        was_short = {order_id: self.is_short_of(order.lines) for order_id, order in self.orders.items()}
        expired = [self._follow(order_id, seen, sessions.get(order_id), now) for order_id in self.orders]
        self._tell_of_expiry([buyer for buyer in expired if buyer is not None], now)
        for payment in seen.payments.values():
            if payment.session_id not in self.pays:
                self._note_payment(payment, seen.orders[payment.order_id], stripe, was_short)
        for order in seen.orders.values():
            if order.id not in self.orders:
                self._place(order, sessions.get(order.id), stripe, now)

    def _sessions_of_orders(self, stripe: Stripe) -> Mapping[int, PaymentSession]:
        sessions = {session.order_id: session for session in stripe.sessions.values() if session.order_id is not None}
        assert len(sessions) == len(stripe.sessions), "an order with two sessions"
        return sessions

    def _place(self, seen: SeenOrder, session: PaymentSession | None, stripe: Stripe, now: datetime) -> None:
        cart = self.names[str(seen.cart)]
        assert seen.lines == self.carts[cart] and seen.total == total_of(seen.lines), seen
        self.orders[seen.id] = order = Entry(seen.buyer, cart, dict(seen.lines), now)
        if seen.status == "cancelled":  # Stripe did not answer: nobody has the address of a page, if there is one
            assert session is None or session.id not in self.pages, seen
            order.status = seen.status
        assert seen.status == order.status, seen

    def _follow(self, order_id: int, all_seen: Seen, session: PaymentSession | None, now: datetime) -> str | None:
        """Follow one order; gives its buyer when it has run out and they were at Stripe with it."""
        order, seen = self.orders[order_id], all_seen.orders[order_id]
        outcome = session.outcome if session is not None else None
        if seen.is_complete and seen.status == "pending" and not order.is_on_its_way:
            assert outcome is SessionOutcome.PROCESSING, f"{seen} waits for a bank, and Stripe says {outcome}"
            order.is_on_its_way = True
            self._take_out_of_cart(order)
            self.mails["payment_pending", order.buyer] += 1
        was, order.status = order.status, seen.status
        match was, seen.status:
            case "pending", "expired":
                is_over = now >= order.placed_at + HOLD
                is_closed = outcome is SessionOutcome.CLOSED or (outcome is None and is_over)
                assert is_closed, f"{seen} has run out, and Stripe says {outcome}"
                return order.buyer if session is not None else None
            case "pending", "cancelled" if order_id not in self.by_hand:
                is_unseen = session is None or session.id not in self.pages
                is_over = outcome in (SessionOutcome.CLOSED, SessionOutcome.FAILED)
                assert is_over or is_unseen, f"{seen} is cancelled, and Stripe says {outcome}"
                if outcome is SessionOutcome.FAILED:
                    self.mails["payment_failed", order.buyer] += 1
            case "pending" | "expired" | "cancelled", "paid" | "refunded":
                assert session and outcome is SessionOutcome.PAID, f"{seen} is paid, and Stripe says {outcome}"
                assert seen.paid_session == session.id and session.amount_total == total_of(order.lines), seen
                for part, quantity in order.lines.items():
                    self.shelf[part] -= quantity
                self._take_out_of_cart(order)
                self.mails.update({("confirmed", order.buyer): 1, ("merchant", MERCHANT): 1})
            case "paid", "shipped":
                self.mails["shipped", order.buyer] += 1
            case before, after:
                allowed = before == after or (before, after) in (("paid", "refunded"), ("pending", "cancelled"))
                assert allowed, f"an order that was {before} is {after}"
        return None

    def _take_out_of_cart(self, order: Entry) -> None:
        if order.cart is not None:
            self.carts[order.cart] = without(self.carts[order.cart], order.lines)
            order.cart = None

    def _tell_of_expiry(self, buyers: list[str], now: datetime) -> None:
        for buyer in buyers:
            if buyer not in self.told_of_expiry or self.told_of_expiry[buyer] <= now - TOLD_ONCE_IN:
                self.told_of_expiry[buyer] = now
                self.mails["expired", buyer] += 1

    def _note_payment(
        self, payment: SeenPayment, order: SeenOrder, stripe: Stripe, was_short: Mapping[int, bool]
    ) -> None:
        session = stripe.sessions[payment.session_id]
        assert session.outcome is SessionOutcome.PAID and session.amount_total == payment.amount, (payment, session)
        assert session.payment_intent == payment.intent and session.order_id == order.id, (payment, session)
        self.pays[session.id] = order.paid_session == session.id
        if not self.pays[session.id]:  # it came after the parts were set free, and somebody else has them
            is_short = was_short[order.id] or self.is_short_of(order.lines)
            assert order.status in ENDED and is_short, (payment, order)

    def compare(self, seen: Seen) -> None:
        """The shelf, the carts and what leaves them, as the shop has them, must be as they are here."""
        held = self.held()
        shelf = {part: (count, held[part]) for part, count in self.shelf.items()}
        assert seen.shelf == shelf, f"on the shelf are {seen.shelf}, and should be {shelf}"
        assert all(0 <= reserved <= on_hand for on_hand, reserved in seen.shelf.values()), seen.shelf
        filled = {cart: lines for cart, lines in self.carts.items() if lines}
        carts = {self.names[key]: lines for key, lines in seen.carts.items()}
        assert carts == filled, f"in the carts are {carts}, and should be {filled}"
        lost = self.acknowledged - seen.events
        assert not lost, f"acknowledged, and not stored: {lost}"
        for order in seen.orders.values():
            assert self.names.get(str(order.cart)) == self.orders[order.id].cart, (order, self.orders[order.id])

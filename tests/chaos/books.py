"""The judge: orders beside Stripe's payments, the mail service's mails and the shelf, as plain values.

Who pays for what, what went back and what was promised is taken from Stripe and from the shoppers, not from the shop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Lines = Mapping[int, int]  # product → how many
MANUAL = "manual-"  # how the key of a refund begins that a person has asked for
MAY_ANSWER = {0, 200, 503}  # to a webhook: nobody, taken, come again


@dataclass(frozen=True)
class Session:
    """At Stripe. Amounts are in cents."""

    id: str
    intent: str
    amount: int
    is_paid: bool


@dataclass(frozen=True)
class Refund:
    """At Stripe, with the key of the shop's that it carries, if it does."""

    intent: str
    cents: int
    key: str | None


@dataclass(frozen=True)
class Mail:
    """At the mail service."""

    key: str
    to: str
    subject: str
    text: str


@dataclass(frozen=True)
class Order:
    """In the shop, with all sessions that were made for it."""

    id: int
    status: str
    total: int
    refunded: int
    paid_session: str | None
    sessions: frozenset[str]
    lines: Lines


@dataclass(frozen=True)
class Wish:
    """What an operator was granted, to be sent back once."""

    cents: int
    comes_back: bool  # with all parts


@dataclass
class Books:
    """Everything that was counted, each where it lies."""

    sessions: Mapping[str, Session]
    refunds: list[Refund]
    refund_ids: list[str]
    mails: list[Mail]
    orders: list[Order]
    refund_keys: frozenset[str]  # that the shop has written down
    events: frozenset[str]  # that the shop has stored
    shelf: Mapping[int, tuple[int, int]]  # on hand, reserved
    opening: Lines
    # What shoppers, the operator and Stripe's messenger hold in their hands.
    sent_to: frozenset[str] = frozenset()
    confirmed: frozenset[str] = frozenset()
    freed: frozenset[str] = frozenset()
    granted: Mapping[str, Wish] = field(default_factory=dict)
    not_granted: list[str] = field(default_factory=list)
    acknowledged: frozenset[str] = frozenset()
    answers: Counter[int] = field(default_factory=Counter)

    @property
    def paid(self) -> dict[str, Session]:
        return {name: session for name, session in self.sessions.items() if session.is_paid}

    @property
    def sold(self) -> dict[str, Order]:
        """The order of each session that was paid and did not go back by itself."""
        of_session = {session_id: order for order in self.orders for session_id in order.sessions}
        kept = {name for name, session in self.paid.items() if not self.went_back_alone(session)}
        return {name: of_session[name] for name in kept if name in of_session}

    def went_back_alone(self, session: Session) -> bool:
        """Say whether all of a payment went back without anybody's wish."""
        alone = [refund for refund in self.refunds if refund.intent == session.intent and not _is_manual(refund)]
        return sum(refund.cents for refund in alone) == session.amount > 0

    def went_back(self, session: Session) -> int:
        return sum(refund.cents for refund in self.refunds if refund.intent == session.intent)

    def compare(self) -> list[str]:
        """Say in sentences what is off."""
        return [*self._payments(), *self._refunds(), *self._wishes(), *self._mails(), *self._stock(), *self._promises()]

    def _payments(self) -> Iterator[str]:
        """Each has an order, or has gone back because somebody else has the parts: never both, never neither."""
        paid_by = {order.paid_session: order for order in self.orders if order.paid_session}
        for name, session in self.paid.items():
            order, back = paid_by.get(name), self.went_back(session)
            if order is None:
                if back != session.amount:
                    yield f"{name}: paid {session.amount}, no order has it, and {back} went back"
                if name not in self.freed:
                    yield f"{name}: no order has it, and nobody had taken its parts away"
                continue
            if order.total != session.amount:
                yield f"{name}: order {order.id} of {order.total} was paid with {session.amount}"
            if order.refunded != back:
                yield f"{name}: {back} went back, order {order.id} says {order.refunded}"
            if order.status != ("refunded" if back == session.amount else "paid"):
                yield f"{name}: order {order.id} is {order.status}, {back} of {session.amount} went back"
        for name in sorted(set(paid_by) - set(self.paid)):
            yield f"order {paid_by[name].id} is paid by {name}, of which Stripe says that it is not paid"
        yield from (f"order {order.id} still waits" for order in self.orders if order.status == "pending")

    def _refunds(self) -> Iterator[str]:
        """Each is one that the shop has written down, and made once."""
        for key, count in Counter(refund.key for refund in self.refunds).items():
            if key is None or key not in self.refund_keys:
                yield f"{count} refunds at Stripe with the key {key}, and nobody wrote that down"
            elif count > 1:
                yield f"refund {key} was made {count} times"
        for session in self.paid.values():
            if self.went_back(session) > session.amount:
                yield f"{session.id}: {self.went_back(session)} of {session.amount} went back"

    def _wishes(self) -> Iterator[str]:
        """What an operator was granted went back, once, and nothing else that carries a person's key."""
        by_hand: Counter[str] = Counter()
        for refund in self.refunds:
            by_hand[refund.intent] += refund.cents * _is_manual(refund)
        wanted = {self.sessions[name].intent: wish.cents for name, wish in self.granted.items()}
        for intent in sorted(set(wanted) | set(by_hand)):
            if by_hand[intent] != wanted.get(intent, 0):
                yield f"{intent}: {wanted.get(intent, 0)} were to be sent back, and {by_hand[intent]} were"
        for name in self.not_granted:
            if name in self.paid and not self.went_back_alone(self.paid[name]):
                yield f"{name}: its buyer wants the money back, and nobody could give it"

    def _mails(self) -> Iterator[str]:
        """Buyer and merchant hear once of each paid order, the buyer of each refund; none comes twice under any key."""
        keys = Counter(mail.key for mail in self.mails)
        yield from (f"mail {key} came {count} times" for key, count in keys.items() if count > 1)
        letters = Counter((mail.to, mail.subject, mail.text) for mail in self.mails)
        yield from (f"{subject!r} came {n} times to {to}" for (to, subject, _), n in letters.items() if n > 1)
        paid = [order.id for order in self.sold.values()]
        wanted = {f"{kind}:{order_id}" for kind in ("confirmed", "merchant") for order_id in paid}
        wanted |= {f"refunded:{refund_id}" for refund_id in self.refund_ids}
        came = {key.rpartition(":")[0] for key in keys if key.startswith(("confirmed:", "merchant:", "refunded:"))}
        yield from (f"mail {key} never came" for key in sorted(wanted - came))
        yield from (f"mail {key} is about what never was" for key in sorted(came - wanted))

    def _stock(self) -> Iterator[str]:
        sold, returned = self.quantities()
        for product, opening in self.opening.items():
            on_hand, reserved = self.shelf[product]
            if on_hand + sold[product] - returned[product] != opening:
                went = f"{sold[product]} sold, {returned[product]} came back"
                yield f"product {product}: {opening} at first, {on_hand} left, {went}"
            if not 0 <= reserved <= on_hand:
                yield f"product {product}: {reserved} reserved of {on_hand}"
            if reserved:
                yield f"product {product}: {reserved} reserved for nobody"

    def quantities(self) -> tuple[Counter[int], Counter[int]]:
        """What was sold, by Stripe's word, and what came back, by the operator's."""
        sold: Counter[int] = Counter()
        returned: Counter[int] = Counter()
        for name, order in self.sold.items():
            sold.update(order.lines)
            if name in self.granted and self.granted[name].comes_back:
                returned.update(order.lines)
        return sold, returned

    def _promises(self) -> Iterator[str]:
        """Whatever was acknowledged is there."""
        known = {session_id for order in self.orders for session_id in order.sessions}
        yield from (f"{name}: a shopper was sent there, and no order knows it" for name in sorted(self.sent_to - known))
        paid = {order.paid_session for order in self.orders}
        lost = sorted(self.confirmed - paid)
        yield from (f"{name}: a shopper saw the order confirmed, and it is not paid" for name in lost)
        lost = sorted(self.acknowledged - self.events)
        yield from (f"webhook {event} was acknowledged and is not stored" for event in lost)
        yield from (f"{name}: known here, and not to Stripe" for name in sorted(known - set(self.sessions)))
        for status in sorted(set(self.answers) - MAY_ANSWER):
            yield f"a webhook was answered with {status}, {self.answers[status]} times"


def _is_manual(refund: Refund) -> bool:
    return (refund.key or "").startswith(MANUAL)

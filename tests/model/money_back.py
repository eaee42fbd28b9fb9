"""The other half of the book: money that goes back, who asked for it, and the parts that come back with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mountify.core.payment_refund import RefundOutcome
from tests.model.book import Book, without
from tests.model.seen import Lines, Seen, SeenRefund
from tests.model.twins import Stripe

_RANK = ("created", "pending", "succeeded", "failed")
_LIVE = ("created", "pending", "succeeded")


@dataclass(frozen=True)
class Wish:
    """What an operator asks for at this moment."""

    order_id: int
    amount: int
    parts: Lines


@dataclass
class MoneyBack:
    book: Book
    known: dict[int, SeenRefund] = field(default_factory=dict)
    wish: Wish | None = None  # of this step; when its process was killed, it may have been written down or not
    _refunded: set[int] = field(default_factory=set)

    def left_of(self, intent: str, paid: int) -> int:
        """What an operator can still ask for, as far as anybody in the shop knows."""
        return paid - sum(each.amount for each in self.known.values() if each.intent == intent and each.state in _LIVE)

    def out_of(self, order_id: int) -> Lines:
        """Parts of an order that are with its buyer and are not about to come back."""
        order = self.book.orders[order_id]
        left = without(order.lines, order.returned)
        for refund in self.known.values():
            if refund.order_id == order_id and refund.state == "created":
                left = without(left, refund.restock)
        return left

    def follow(self, seen: Seen, stripe: Stripe) -> None:
        for refund in seen.refunds.values():
            known = self.known.get(refund.id)
            if known is None:
                self._note(refund, seen, stripe)
            if known != refund:
                self._go_on(refund, known, stripe)
            self.known[refund.id] = refund
        self.wish = None
        self._compare(seen, stripe)

    def _note(self, refund: SeenRefund, seen: Seen, stripe: Stripe) -> None:
        """Everything that goes back was wished for: by an operator, at Stripe, or because a payment cannot be kept."""
        kind, session = refund.key.split("-")[0], _session_of(refund.intent, stripe)
        if kind == "manual":
            assert self.wish == Wish(refund.order_id, refund.amount, refund.restock), (refund, self.wish)
        elif kind == "refund":
            paid = stripe.paid[refund.intent]
            assert not self.book.pays[session], f"{refund} although its payment pays an order"
            assert refund.amount < paid if refund.key.endswith("-rest") else refund.amount == paid, refund
        else:
            made = stripe.refunds[refund.intent][str(refund.at_stripe)]
            assert made.key is None, f"{refund} was asked for under another key: {made}"
        assert seen.payments[session].intent == refund.intent, refund

    def _go_on(self, refund: SeenRefund, known: SeenRefund | None, stripe: Stripe) -> None:
        was = known.state if known is not None else "created"
        if refund.at_stripe is not None:
            made = stripe.refunds[refund.intent][refund.at_stripe]
            assert made.amount == refund.amount, (refund, made)
            assert made.key in (None, refund.key), f"{refund} was asked for under another key: {made}"
            assert _RANK.index(refund.state) <= _RANK.index(made.outcome.value), (refund, made)
            if known is None or known.at_stripe is None:
                if refund.is_made:
                    self.book.mails["refunded", self.book.orders[refund.order_id].buyer] += 1
                    if was != "void":
                        self._put_back(refund)
            else:
                assert _RANK.index(refund.state) > _RANK.index(was), (refund, known)
        elif refund.state == "failed":
            assert refund.key in stripe.refused, refund
        elif refund.state == "void":
            assert refund.key in stripe.refused and (stripe.left_of(refund.intent) == 0 or not refund.restock), refund
            self._put_back(refund)
        else:
            assert refund.state == "created", refund

    def _put_back(self, refund: SeenRefund) -> None:
        order = self.book.orders[refund.order_id]
        for part, quantity in refund.restock.items():
            self.book.shelf[part] += quantity
            order.returned[part] = order.returned.get(part, 0) + quantity
        assert not without(order.returned, order.lines), f"more came back than was sold: {order}"

    def _compare(self, seen: Seen, stripe: Stripe) -> None:
        keys = {refund.key for refund in seen.refunds.values()}
        made = [each for mine in stripe.refunds.values() for each in mine.values()]
        asked = Counter(each.key for each in made if each.key is not None)
        assert set(asked) <= keys and max(asked.values(), default=1) == 1, f"nobody wrote that down: {asked}"
        for intent in stripe.refunds:
            assert stripe.left_of(intent) >= 0, intent
        for order_id in {order_id for order_id, order in self.book.orders.items() if order.status == "refunded"}:
            if order_id not in self._refunded:  # all of it has arrived now, whatever a bank says of it later
                intent = seen.payments[str(seen.orders[order_id].paid_session)].intent
                arrived = [each for each in stripe.refunds[intent].values() if each.outcome is RefundOutcome.SUCCEEDED]
                assert sum(each.amount for each in arrived) == stripe.paid[intent], f"order {order_id} is not refunded"
                self._refunded.add(order_id)


def _session_of(intent: str, stripe: Stripe) -> str:
    return next(session.id for session in stripe.sessions.values() if session.payment_intent == intent)

"""What the merchant does, in the shop, in Stripe's dashboard, and with the database's own tools."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mountify.services import inventory, order_sync
from mountify.services.orders import lines_of, lock_order
from mountify.transaction import transaction
from tests.model import closing
from tests.model.crashes import Dies
from tests.model.shoppers import Shoppers
from tests.model.stage import DIES, FEW, OPEN, PART, WHICH, pick
from tests.model.world import BUYERS


class Office(Shoppers):
    @rule(part=PART, quantity=FEW)
    def stock_comes_in(self, part: int, quantity: int) -> None:
        with transaction() as session:
            inventory.receive(session, part, quantity, reason="received", now=self.world.now)
        self.book.shelf[part] += quantity

    @precondition(lambda self: self.orders("pending"))
    @rule(which=WHICH)
    def set_free_by_hand(self, which: int) -> None:
        """With the database's own tools, and Stripe is never told."""
        order_id = pick(self.orders("pending"), which)
        self.book.by_hand.add(order_id)
        with transaction() as session:
            order = lock_order(session, order_id)
            inventory.release(session, lines_of(order))
            order.mark_cancelled("operator", now=self.world.now)
        self.world.compare()

    @precondition(lambda self: self.sessions(OPEN))
    @rule(which=WHICH, pays=st.booleans())
    def give_to_another(self, which: int, pays: bool) -> None:
        """And who stands at Stripe with it may pay all the same."""
        session_id = pick(self.sessions(OPEN), which)
        order_id = int(self.stripe.sessions[session_id].order_id or 0)
        order = self.book.orders[order_id]
        if order_id in self.orders("pending"):
            self.set_free_by_hand(self.orders("pending").index(order_id))
        other = pick([buyer for buyer in BUYERS if buyer != order.buyer], which)
        for part, quantity in order.lines.items():
            self.add(other, part, quantity)
        self.go_to_stripe(other)
        if pays:
            self.stripe.pay(session_id)

    @precondition(lambda self: self.orders("paid", "refunded"))
    @rule(which=WHICH, cents=st.none() | st.integers(1, 3000), comes_back=st.booleans(), dies=DIES)
    def refund(self, which: int, cents: int | None, comes_back: bool, dies: Dies) -> None:
        closing.refund(self.world, pick(self.orders("paid", "refunded"), which), cents, comes_back, dies)

    @precondition(lambda self: self.undisputed())
    @rule(which=WHICH, is_whole=st.booleans())
    def refund_at_stripe(self, which: int, is_whole: bool) -> None:
        intent = pick(self.undisputed(), which)
        left = self.stripe.left_of(intent)
        self.stripe.refund(intent, left if is_whole else max(1, left // 2))

    @precondition(lambda self: self.book.orders)
    @rule(which=WHICH, dies=DIES)
    def look_again(self, which: int, dies: Dies) -> None:
        """`mountify orders sync`"""
        number = closing.number_of(pick(list(self.book.orders), which))
        self.world.act(lambda: order_sync.sync_order(number, **self.world.stripe_now), dies)

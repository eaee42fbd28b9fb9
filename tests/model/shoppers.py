"""What shoppers do: fill a cart, go to Stripe once or again, pay, come back, think better of it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from mountify.core.errors import NotEnoughStock, NotFound, ShopError
from mountify.core.payment_session import SessionOutcome
from mountify.services import carts, checkout, settlement
from tests.buyers import SITE
from tests.factories import new_key
from tests.model.book import total_of
from tests.model.stage import BUYER, DIES, FEW, OPEN, PAID, PART, PROCESSING, WHICH, Stage, pick
from tests.model.twins import Mood
from tests.model.world import DIED, Dies

PARTS = st.dictionaries(PART, FEW, min_size=1, max_size=2)
FIRST_ORDERS = st.dictionaries(BUYER, st.tuples(PARTS, st.sampled_from([OPEN, PROCESSING, PAID, PAID])), min_size=1)


class Shoppers(Stage):
    @initialize(orders=FIRST_ORDERS)
    def open_the_doors(self, orders: dict[str, tuple[dict[int, int], SessionOutcome]]) -> None:
        """Some stand at Stripe already, or have paid there."""
        for buyer, (parts, outcome) in orders.items():
            for part, quantity in parts.items():
                self.add(buyer, part, quantity)
            page = self.go_to_stripe(buyer)
            if page is not None and outcome is not OPEN:
                self.stripe.pay(page, outcome=outcome)

    @rule(buyer=BUYER, part=PART, quantity=FEW, dies=DIES)
    def buy(self, buyer: str, part: int, quantity: int, dies: Dies) -> None:
        """One more part, and a page of the checkout that was never sent before."""
        self.add(buyer, part, quantity)
        self.go_to_stripe(buyer, dies=dies)

    @rule(buyer=BUYER, part=PART, quantity=FEW)
    def add(self, buyer: str, part: int, quantity: int) -> None:
        cart = self.book.carts[buyer]
        wanted = cart.get(part, 0) + quantity
        fits = wanted <= self.book.obtainable(part, buyer)
        owner, now = self.world.owners[buyer], self.world.now
        done = self.world.act(lambda: carts.add_item(owner, part, quantity, now=now))
        if fits:
            cart[part] = wanted
        assert not isinstance(done, ShopError) if fits else isinstance(done, NotEnoughStock), done

    @precondition(lambda self: any(self.book.carts.values()))
    @rule(buyer=BUYER, part=PART, quantity=st.integers(0, 2))
    def change(self, buyer: str, part: int, quantity: int) -> None:
        cart, owner, now = self.book.carts[buyer], self.world.owners[buyer], self.world.now
        has, fits = part in cart, quantity <= max(cart.get(part, 0), self.book.obtainable(part, buyer))
        done = self.world.act(lambda: carts.set_quantity(owner, part, quantity, now=now))
        if has and fits:
            cart[part] = quantity
            if not quantity:
                del cart[part]
        refusal = None if has and fits else NotEnoughStock if has else NotFound
        assert done is None if refusal is None else isinstance(done, refusal), done

    @rule(buyer=BUYER, is_new_page=st.booleans(), dies=DIES)
    def check_out(self, buyer: str, is_new_page: bool, dies: Dies) -> None:
        self.go_to_stripe(buyer, is_new_page, dies)

    def go_to_stripe(self, buyer: str, is_new_page: bool = True, dies: Dies = None) -> str | None:
        """Gives the session whose page the buyer is sent to."""
        if is_new_page:
            self.world.keys[buyer] = new_key()
        is_due = self._must_be_sold(buyer)
        key, owner = self.world.keys[buyer], self.world.owners[buyer]
        done = self.world.act(
            lambda: checkout.start(owner, buyer, key, payments=self.stripe, site=SITE, now=self.world.now), dies
        )
        self.world.compare()
        if isinstance(done, checkout.Started):
            order, session_id = self.book.orders[done.order_id], done.url.rsplit("/", 1)[1]
            assert order.status == "pending" and order.lines == self.book.carts[buyer]
            assert self.stripe.sessions[session_id].amount_total == total_of(order.lines)
            self.book.pages[session_id] = buyer
            return session_id
        assert done is DIED or not is_due, done
        return None

    def _must_be_sold(self, buyer: str) -> bool:
        """Nothing stands in the way of an order: neither the shelf, nor Stripe, nor one that was made before."""
        if self.stripe.mood is not Mood.WELL or not self.book.carts[buyer]:
            return False
        outcomes = {each.order_id: each.outcome for each in self.stripe.sessions.values()}
        before = (outcomes.get(each) for each in self.orders("pending") if self.book.orders[each].is_of_cart(buyer))
        # Paid already; or written down before a crash, and it may be too late to ask Stripe for that.
        if any(outcome not in (OPEN, SessionOutcome.CLOSED) for outcome in before):
            return False
        return all(count <= self.book.obtainable(part, buyer) for part, count in self.book.carts[buyer].items())

    @precondition(lambda self: self.sessions(OPEN))
    @rule(which=WHICH, is_debit=st.booleans())
    def pay(self, which: int, is_debit: bool) -> None:
        self.stripe.pay(pick(self.sessions(OPEN), which), **({"outcome": PROCESSING} if is_debit else {}))

    @precondition(lambda self: self.sessions(OPEN))
    @rule(which=WHICH, dies=DIES)
    def pay_and_come_back(self, which: int, dies: Dies) -> None:
        session_id = pick(self.sessions(OPEN), which)
        self.stripe.pay(session_id)
        self.world.act(lambda: settlement.sync_session(session_id, **self.world.stripe_now), dies)

    @precondition(lambda self: self.book.pages)
    @rule(which=WHICH, dies=DIES)
    def come_back(self, which: int, dies: Dies) -> None:
        session_id = pick(list(self.book.pages), which)
        self.world.act(lambda: settlement.sync_session(session_id, **self.world.stripe_now), dies)

    @precondition(lambda self: self.orders("pending"))
    @rule(which=WHICH, dies=DIES)
    def cancel(self, which: int, dies: Dies) -> None:
        order_id = pick(self.orders("pending"), which)
        self.world.act(lambda: checkout.cancel(order_id, **self.world.stripe_now), dies)

"""What shoppers do: fill a cart, go to Stripe once or again, pay, come back, think better of it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from mountify.core.errors import NotFound, ShopError
from mountify.core.errors.carts import NotEnoughStock
from mountify.core.errors.payments import PaymentsUnavailable
from mountify.core.payment_session import SessionOutcome
from mountify.services import cart_merge, carts, checkout, settlement
from tests.buyers import SITE
from tests.factories import new_key
from tests.model.book import total_of
from tests.model.crashes import Dies
from tests.model.stage import BUYER, DIES, FEW, OPEN, PAID, PART, PROCESSING, WHICH, Stage, pick
from tests.model.twins import Mood
from tests.model.world import DIED

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
        name, now = self.world.carts[buyer], self.world.now
        cart, owner = self.book.carts[name], self.world.owners[name]
        wanted = cart.get(part, 0) + quantity
        fits = wanted <= self.book.obtainable(part, name)
        done = self.world.act(lambda: carts.add_item(owner, part, quantity, now=now))
        if fits:
            cart[part] = wanted
        assert not isinstance(done, ShopError) if fits else isinstance(done, NotEnoughStock), done

    @precondition(lambda self: any(self.book.carts.values()))
    @rule(buyer=BUYER, part=PART, quantity=st.integers(0, 2))
    def change(self, buyer: str, part: int, quantity: int) -> None:
        name, now = self.world.carts[buyer], self.world.now
        cart, owner = self.book.carts[name], self.world.owners[name]
        has, fits = part in cart, quantity <= max(cart.get(part, 0), self.book.obtainable(part, name))
        done = self.world.act(lambda: carts.set_quantity(owner, part, quantity, now=now))
        if has and fits:
            cart[part] = quantity
            if not quantity:
                del cart[part]
        refusal = None if has and fits else NotEnoughStock if has else NotFound
        assert done is None if refusal is None else isinstance(done, refusal), done

    def with_parts(self) -> list[str]:
        return [buyer for buyer, cart in self.world.carts.items() if self.book.carts[cart]]

    @precondition(lambda self: self.with_parts())
    @rule(which=WHICH, is_new_page=st.booleans(), dies=DIES)
    def check_out(self, which: int, is_new_page: bool, dies: Dies) -> None:
        self.go_to_stripe(pick(self.with_parts(), which), is_new_page, dies)

    def go_to_stripe(self, buyer: str, is_new_page: bool = True, dies: Dies = None) -> str | None:
        """Gives the session whose page the buyer is sent to."""
        if is_new_page:
            self.world.keys[buyer] = new_key()
        is_due = self._must_be_sold(buyer)
        cart, key = self.world.carts[buyer], self.world.keys[buyer]
        owner = self.world.owners[cart]
        done = self.world.act(
            lambda: checkout.start(owner, buyer, key, payments=self.stripe, site=SITE, now=self.world.now), dies
        )
        self.world.compare()
        if isinstance(done, checkout.Started):
            order, session_id = self.book.orders[done.order_id], done.url.rsplit("/", 1)[1]
            assert order.status == "pending" and order.lines == self.book.carts[cart]
            assert self.stripe.sessions[session_id].amount_total == total_of(order.lines)
            self.book.pages[session_id] = buyer
            return session_id
        assert done is DIED or not is_due, done
        return None

    def _must_be_sold(self, buyer: str) -> bool:
        """Nothing stands in the way of an order: neither the shelf, nor Stripe, nor one that was made before."""
        cart = self.world.carts[buyer]
        lines = self.book.carts[cart]
        outcomes = {each.order_id: each.outcome for each in self.stripe.sessions.values()}
        # Paid already; or written down before a crash, and it may be too late to ask Stripe for that.
        if any(outcomes.get(each) not in (OPEN, SessionOutcome.CLOSED) for each in self.book.pending_of(cart)):
            return False
        is_there = all(count <= self.book.obtainable(part, cart) for part, count in lines.items())
        return bool(lines) and is_there and self.stripe.mood is Mood.WELL

    @rule(buyer=BUYER, dies=DIES)
    def sign_in_or_out(self, buyer: str, dies: Dies) -> None:
        guest, account = self.world.carts[buyer], self.world.accounts[buyer]
        if guest == account:
            self.world.sign_out(buyer)
            return
        token, user_id = str(self.world.owners[guest].token), int(self.world.owners[account].user_id or 0)
        done = self.world.act(lambda: cart_merge.merge(token, user_id, now=self.world.now), dies)
        if done is not DIED:
            self.book.merge(guest, account)
            self.world.carts[buyer] = account

    @precondition(lambda self: self.sessions(OPEN))
    @rule(which=WHICH, is_debit=st.booleans())
    def pay(self, which: int, is_debit: bool) -> None:
        self.stripe.pay(pick(self.sessions(OPEN), which), **({"outcome": PROCESSING} if is_debit else {}))

    @precondition(lambda self: self.sessions(OPEN))
    @rule(which=WHICH, dies=DIES)
    def pay_and_come_back(self, which: int, dies: Dies) -> None:
        session_id = pick(self.sessions(OPEN), which)
        self.stripe.pay(session_id)
        self.return_from_stripe(session_id, dies)

    @precondition(lambda self: self.book.pages)
    @rule(which=WHICH, dies=DIES)
    def come_back(self, which: int, dies: Dies) -> None:
        self.return_from_stripe(pick(list(self.book.pages), which), dies)

    def return_from_stripe(self, session_id: str, dies: Dies) -> None:
        done = self.world.act(lambda: settlement.sync_session(session_id, **self.world.stripe_now), dies)
        self.world.compare()
        assert done is DIED or isinstance(done, int | PaymentsUnavailable), done
        if isinstance(done, int) and self.stripe.sessions[session_id].outcome is PAID:
            assert session_id in self.book.pays

    @precondition(lambda self: self.orders("pending"))
    @rule(which=WHICH, dies=DIES)
    def cancel(self, which: int, dies: Dies) -> None:
        order_id = pick(self.orders("pending"), which)
        done = self.world.act(lambda: checkout.cancel(order_id, **self.world.stripe_now), dies)
        self.world.compare()
        if done is not DIED and self.stripe.mood is Mood.WELL:
            assert order_id not in self.orders("pending") or self.book.orders[order_id].is_on_its_way

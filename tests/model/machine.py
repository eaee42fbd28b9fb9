"""What may happen to the shop, in any order, with or without a crash on the way."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mountify import db
from mountify.core.errors import NotEnoughStock, NotFound, PaymentsUnavailable, ShopError
from mountify.core.payment_refund import RefundOutcome
from mountify.core.payment_session import SessionOutcome
from mountify.services import carts, checkout, inventory, payment_sessions, settlement
from mountify.services.orders import lines_of, lock_order
from mountify.transaction import transaction
from tests.buyers import SITE
from tests.conftest import empty
from tests.factories import new_key
from tests.model import closing
from tests.model.book import PRICES, total_of
from tests.model.twins import Mood
from tests.model.world import BUYERS, DIED, Dies, World

T = TypeVar("T")
WHICH = st.integers(0, 11)
DIES = st.none() | st.integers(1, 6)
BUYER, PART, FEW = st.sampled_from(BUYERS), st.sampled_from(sorted(PRICES)), st.integers(1, 3)
OPEN, PROCESSING, PAID = SessionOutcome.OPEN, SessionOutcome.PROCESSING, SessionOutcome.PAID


def pick(things: Sequence[T], which: int) -> T:
    return things[which % len(things)]


class ShopMachine(RuleBasedStateMachine):
    engine: sa.Engine  # set by the test

    def __init__(self) -> None:
        super().__init__()
        db.bind(self.engine, join_transaction_mode="conditional_savepoint")
        empty(self.engine)
        self.world = World()
        self.book, self.stripe = self.world.book, self.world.stripe
        self.watch = self.world.crashes.watching()
        self.watch.__enter__()

    # -- what can be picked --------------------------------------------------------------------------------------

    def sessions(self, *outcomes: SessionOutcome) -> list[str]:
        """Sessions that a buyer has the address of."""
        return [session_id for session_id in self.book.pages if self.stripe.sessions[session_id].outcome in outcomes]

    def orders(self, *statuses: str) -> list[int]:
        return [order_id for order_id, order in self.book.orders.items() if order.status in statuses]

    def payments(self) -> list[str]:
        return [str(self.stripe.sessions[session_id].payment_intent) for session_id in self.sessions(PAID)]

    # -- the buyer -----------------------------------------------------------------------------------------------

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
    @rule(buyer=BUYER, part=PART, quantity=st.integers(0, 3))
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
        else:
            assert done is DIED or not is_due, done

    def _must_be_sold(self, buyer: str) -> bool:
        cart, outcomes = self.book.carts[buyer], {each.order_id: each.outcome for each in self.stripe.sessions.values()}
        for order_id, order in self.book.orders.items():
            if order.buyer == buyer and order.status == "pending" and order.in_cart:
                if outcomes.get(order_id) not in (OPEN, SessionOutcome.CLOSED):
                    return False  # paid already; or written down before a crash, and it is too late to ask Stripe
        fits = all(quantity <= self.book.obtainable(part, buyer) for part, quantity in cart.items())
        return bool(cart) and fits and self.stripe.mood is Mood.WELL

    @precondition(lambda self: self.sessions(OPEN))
    @rule(which=WHICH, is_debit=st.booleans())
    def pay(self, which: int, is_debit: bool) -> None:
        self.stripe.pay(pick(self.sessions(OPEN), which), **({"outcome": PROCESSING} if is_debit else {}))

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

    # -- banks ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.sessions(PROCESSING))
    @rule(which=WHICH, has_money=st.booleans())
    def bank_answers(self, which: int, has_money: bool) -> None:
        outcome = PAID if has_money else SessionOutcome.FAILED
        self.stripe.change(pick(self.sessions(PROCESSING), which), outcome=outcome)

    def refunds(self, *outcomes: RefundOutcome) -> list[tuple[str, str]]:
        made = ((intent, each) for intent, mine in self.stripe.refunds.items() for each in mine.values())
        return [(intent, each.id) for intent, each in made if each.outcome in outcomes]

    @precondition(lambda self: self.refunds(RefundOutcome.PENDING, RefundOutcome.SUCCEEDED))
    @rule(which=WHICH, arrives=st.booleans())
    def refund_goes_on(self, which: int, arrives: bool) -> None:
        """A refund arrives, or a bank does not take it, perhaps long after it was called succeeded."""
        intent, refund_id = pick(self.refunds(RefundOutcome.PENDING, RefundOutcome.SUCCEEDED), which)
        outcome = RefundOutcome.SUCCEEDED if arrives else RefundOutcome.FAILED
        if self.stripe.refunds[intent][refund_id].outcome is not outcome:
            self.stripe.change_refund(intent, refund_id, outcome)

    def undisputed(self) -> list[str]:
        return [each for each in self.payments() if self.stripe.left_of(each) > 0 and not self.stripe.is_disputed(each)]

    @precondition(lambda self: self.undisputed())
    @rule(which=WHICH)
    def dispute(self, which: int) -> None:
        intent = pick(self.undisputed(), which)
        self.stripe.dispute(intent, self.stripe.left_of(intent), now=self.world.now)

    def disputes(self) -> list[str]:
        return [dispute.id for dispute in self.stripe.disputes.values() if not dispute.is_closed]

    @precondition(lambda self: self.disputes())
    @rule(which=WHICH, status=st.sampled_from(["under_review", "won", "lost"]))
    def dispute_goes_on(self, which: int, status: str) -> None:
        self.stripe.change_dispute(pick(self.disputes(), which), status=status)

    # -- the merchant --------------------------------------------------------------------------------------------

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
        self.world.act(lambda: payment_sessions.sync_order(number, **self.world.stripe_now), dies)

    # -- the wire ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.stripe.told)
    @rule(which=WHICH, is_twice=st.booleans(), dies=DIES)
    def tell(self, which: int, is_twice: bool, dies: Dies) -> None:
        index = which % len(self.stripe.told)
        event = self.stripe.told[index]
        self.world.deliver(index, dies)
        if is_twice:
            self.world.act(lambda: self.world.receive(event))

    @precondition(lambda self: self.stripe.told)
    @rule(which=WHICH)
    def lose_event(self, which: int) -> None:
        self.stripe.told.remove(pick(self.stripe.told, which))

    @precondition(lambda self: self.world.worker.waiting())
    @rule(which=WHICH)
    def lose_job(self, which: int) -> None:
        self.world.worker.lose(pick(self.world.worker.waiting(), which))

    @rule(mood=st.sampled_from(Mood), is_slow_to_refund=st.booleans())
    def stripe_changes(self, mood: Mood, is_slow_to_refund: bool) -> None:
        self.stripe.mood, self.stripe.is_slow_to_refund = mood, is_slow_to_refund

    @rule(mood=st.sampled_from([Mood.WELL, Mood.DOWN, Mood.SILENT]))
    def post_changes(self, mood: Mood) -> None:
        self.world.post.mood = mood

    # -- worker and clock ----------------------------------------------------------------------------------------

    @rule(task=st.sampled_from(["run_due", "sweep", "reap", "ask_about_delayed", "reconcile"]), dies=DIES)
    def work(self, task: str, dies: Dies) -> None:
        done = self.world.act(getattr(self.world, task), dies)
        assert done is None or done is DIED or isinstance(done, PaymentsUnavailable) or task == "reconcile", done

    @rule(dies=DIES)
    def run_due(self, dies: Dies) -> None:
        self.world.act(self.world.run_due, dies)

    @rule(minutes=st.sampled_from([1, 6, 20, 36, 70, 6 * 60, 26 * 60, 4 * 24 * 60]))
    def wait(self, minutes: int) -> None:
        self.world.pass_time(timedelta(minutes=minutes))

    @rule()
    def settle(self) -> None:
        self.world.settle()

    # -- what must be true ---------------------------------------------------------------------------------------

    @invariant()
    def book_and_shop_agree(self) -> None:
        self.world.compare()
        closing.assert_kept(self.world)

    def teardown(self) -> None:
        is_over = sys.exc_info()[0] is None  # else something else is to be told
        try:
            if is_over:
                closing.close(self.world)
        finally:
            self.watch.__exit__(None, None, None)
            db.release()
            empty(self.engine)

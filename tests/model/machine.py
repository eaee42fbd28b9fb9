"""Everything that may happen to the shop, in any order, with or without a crash on the way."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mountify.core.errors.payments import PaymentsUnavailable
from tests.model.banks import Banks
from tests.model.book import HOLD
from tests.model.crashes import Dies
from tests.model.office import Office
from tests.model.stage import DIES, WHICH, Stage, pick
from tests.model.twins import Mood
from tests.model.world import DIED

LASTS = st.integers(1, 6)  # steps
TASKS = ("sweep", "reap", "ask_about_delayed", "reconcile")
MINUTES = (1, 5, 10, 20, 36, 3 * 60, 26 * 60, 4 * 24 * 60)


class Machinery(Stage):
    """The wire between Stripe and the shop, the weather out there, the worker and the clock."""

    @precondition(lambda self: self.stripe.told)
    @rule(which=WHICH, is_twice=st.booleans(), dies=DIES)
    def tell(self, which: int, is_twice: bool, dies: Dies) -> None:
        index = which % len(self.stripe.told)
        event = self.stripe.told[index]
        self.world.deliver(index, dies)
        if is_twice:
            self.world.hear(event)

    @precondition(lambda self: self.stripe.told)
    @rule(which=WHICH)
    def lose_event(self, which: int) -> None:
        self.stripe.told.remove(pick(self.stripe.told, which))

    @precondition(lambda self: self.world.worker.waiting())
    @rule(which=WHICH)
    def lose_job(self, which: int) -> None:
        self.world.worker.lose(pick(self.world.worker.waiting(), which))

    @precondition(lambda self: self.stripe.mood is Mood.WELL)
    @rule(mood=st.sampled_from([Mood.DOWN, Mood.SILENT, Mood.REFUSING]), lasts=LASTS)
    def stripe_has_a_bad_time(self, mood: Mood, lasts: int) -> None:
        self.stripe.mood, self.world.bad_for["stripe"] = mood, lasts

    @precondition(lambda self: self.world.post.mood is Mood.WELL)
    @rule(mood=st.sampled_from([Mood.DOWN, Mood.SILENT]), lasts=LASTS)
    def post_has_a_bad_time(self, mood: Mood, lasts: int) -> None:
        self.world.post.mood, self.world.bad_for["post"] = mood, lasts

    @rule(task=st.sampled_from(TASKS), dies=DIES)
    def work(self, task: str, dies: Dies) -> None:
        done = self.world.act(getattr(self.world, task), dies)
        self.world.compare()
        assert done is None or done is DIED or isinstance(done, PaymentsUnavailable), done
        if task == "reap" and done is None and self.stripe.mood is Mood.WELL:
            pending = [self.book.orders[order_id] for order_id in self.orders("pending")]
            assert not [each for each in pending if each.placed_at + HOLD < self.world.now and not each.is_on_its_way]

    @precondition(lambda self: self.world.worker.waiting())
    @rule(dies=DIES)
    def run_due(self, dies: Dies) -> None:
        assert self.world.act(self.world.run_due, dies) in (None, DIED)

    @rule(minutes=st.sampled_from(MINUTES))
    def wait(self, minutes: int) -> None:
        self.world.pass_time(timedelta(minutes=minutes))

    @precondition(lambda self: self.stripe.told or self.world.worker.waiting())
    @rule()
    def settle(self) -> None:
        self.world.settle()


class ShopMachine(Office, Banks, Machinery):
    pass

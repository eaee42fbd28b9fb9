"""Everything that a shop does on a day; before it is done, its process dies once at each checkpoint on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from mountify import db
from mountify.core.money import from_minor
from mountify.services import cart_merge, carts, checkout, refund_requests, shipping
from mountify.services.audit_log import TERMINAL
from mountify.services.refund_requests import Wish
from tests.buyers import SITE
from tests.checkpoints import every_point
from tests.databases import empty
from tests.model import closing
from tests.model.money_back import Wish as Wished
from tests.model.planted import SHOWN_BY_DEATH, Plant
from tests.model.world import BUYERS, DIED, World

pytestmark = pytest.mark.commits
SAM, KIM, *_ = BUYERS


class Day:
    """A world in which nothing is done before it has died at every point on its way but those that are `spared`."""

    def __init__(self) -> None:
        self.world, self.victims, self.spared = World(), set[str](), set[str]()

    def do(self, work: Callable[[], object], then: Callable[[], None] = lambda: None) -> object:
        spared = set(self.spared)
        while True:
            done = self.world.act(work, frozenset(spared))
            if done is not DIED:
                then()
            self.world.compare()
            closing.assert_kept(self.world)
            if done is not DIED:
                return done
            spared.add(str(self.world.crashes.last_victim))
            self.victims |= spared

    def go_to_stripe(self, buyer: str) -> checkout.Started:
        world, name = self.world, self.world.carts[buyer]
        owner, key = world.owners[name], world.keys[buyer]
        carts.add_item(owner, 1, 1, now=world.now)
        world.book.carts[name][1] = 1
        started = self.do(lambda: checkout.start(owner, buyer, key, payments=world.stripe, site=SITE, now=world.now))
        assert isinstance(started, checkout.Started)
        world.book.pages[session_of(started)] = buyer
        return started

    def sign_in(self, buyer: str) -> None:
        world, guest, account = self.world, self.world.carts[buyer], self.world.accounts[buyer]
        token, user_id = str(world.owners[guest].token), int(world.owners[account].user_id or 0)
        self.do(lambda: cart_merge.merge(token, user_id, now=world.now), lambda: world.book.merge(guest, account))
        world.carts[buyer] = account

    def hear_and_work(self) -> None:
        while self.world.stripe.told:
            assert self.do(lambda: self.world.receive(self.world.stripe.told[0])) is None
            self.world.book.acknowledged.add(str(self.world.stripe.told.pop(0)["id"]))
        self.do(self.world.run_due)

    def refund(self, order_id: int, cents: int) -> None:
        def ask() -> object:
            self.world.money_back.wish = Wished(order_id, cents, {})
            return refund_requests.request(order_id, Wish(from_minor(cents, "USD")), now=self.world.now)

        assert isinstance(self.do(ask), int)
        self.do(self.world.run_due)

    def ship(self, order_id: int) -> None:
        parcel, now = ("fedex", "986578788855"), self.world.now
        self.do(lambda: shipping.ship(TERMINAL, order_id, *parcel, site=SITE, now=now))
        self.do(self.world.run_due)


def session_of(started: checkout.Started) -> str:
    return started.url.rsplit("/", 1)[1]


@pytest.fixture
def day(engine: sa.Engine, database: None) -> Iterator[Day]:
    empty(engine)  # its parts have the first numbers, which a test before it may have drawn
    day = Day()
    with day.world.crashes.watching():
        yield day
    db.release()
    empty(engine)


def live_through(day: Day) -> tuple[int, int]:
    """Gives the order that is sold, and one that is given up."""
    day.sign_in(SAM)
    sold, given_up = day.go_to_stripe(SAM), day.go_to_stripe(KIM)
    day.sign_in(KIM)
    day.do(lambda: checkout.cancel(given_up.order_id, **day.world.stripe_now))
    day.world.stripe.pay(session_of(sold))
    day.hear_and_work()
    day.refund(sold.order_id, 500)
    intent = day.world.stripe.sessions[session_of(sold)].payment_intent
    day.world.stripe.dispute(intent, day.world.stripe.left_of(str(intent)), now=day.world.now)
    day.hear_and_work()
    day.refund(sold.order_id, 200)  # the bank has it: Stripe refuses
    day.ship(sold.order_id)
    closing.close(day.world)
    return sold.order_id, given_up.order_id


def test_a_day_of_deaths_ends_as_any_other(day: Day) -> None:
    sold, given_up = live_through(day)
    statuses = {order_id: order.status for order_id, order in day.world.book.orders.items()}
    assert statuses == {sold: "shipped", given_up: "cancelled"}
    assert day.victims == set(every_point())


@pytest.mark.parametrize("plant", SHOWN_BY_DEATH, ids=lambda plant: plant.__name__)
def test_a_bug_that_only_a_death_shows_would_be_found(day: Day, monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=SHOWN_BY_DEATH[plant]):
        live_through(day)


@pytest.mark.parametrize("plant", SHOWN_BY_DEATH, ids=lambda plant: plant.__name__)
def test_without_a_death_it_would_not(day: Day, monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    plant(monkeypatch)
    day.spared |= set(every_point())
    live_through(day)

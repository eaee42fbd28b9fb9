"""A crowd buys the last parts: all of them are sold, and not one more."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors.carts import CartChanged, NotEnoughStock
from mountify.embedded.processes import wait_until
from mountify.models.catalogue import Inventory, Product
from mountify.models.order import Order, OrderItem
from mountify.services import inventory
from mountify.services.checkout import Started
from mountify.transaction import transaction
from tests.buyers import Buyer, fill_carts, stock_of
from tests.databases import empty
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.races.crowd import PATIENCE_S, Observer, at_once
from tests.races.pausing import run_while_held

pytestmark = pytest.mark.commits
THREADS = 16


@dataclass(frozen=True)
class Rush:
    """Buyers of one of each of two parts, put into their carts in either order, who all go to the checkout."""

    payments: FakePayments
    parts: Sequence[Product]
    stock: int

    @classmethod
    def to(cls, payments: FakePayments, stock: int) -> Rush:
        make_shop()
        return cls(payments, [make_product(stock=stock), make_product(stock=stock)], stock)

    def run(self, orders_each: int, threads: int = THREADS) -> Counter[str]:
        """Say how often each outcome was seen."""
        carts_are_full = threading.Barrier(threads)
        results = at_once([lambda seed=seed: self._buy(seed, orders_each, carts_are_full) for seed in range(threads)])
        assert not [result for result in results if isinstance(result, Exception)], results
        return Counter(name for names in results if isinstance(names, list) for name in names)

    def _buy(self, seed: int, orders: int, carts_are_full: threading.Barrier) -> list[str]:
        buyers = [Buyer(self.payments) for _ in range(orders)]
        self._fill_carts(buyers, random.Random(seed))
        carts_are_full.wait(timeout=PATIENCE_S)
        return [self._check_out(buyer) for buyer in buyers]

    def _fill_carts(self, buyers: Sequence[Buyer], chance: random.Random) -> None:
        """All of them in one transaction: what is tested begins at the checkout."""
        wanted = {buyer.owner: [(part, 1) for part in chance.sample(self.parts, 2)] for buyer in buyers}
        with transaction() as session:
            fill_carts(session, wanted)

    def _check_out(self, buyer: Buyer) -> str:
        try:
            return type(buyer.start()).__name__
        except (NotEnoughStock, CartChanged, IntegrityError) as refusal:
            return type(refusal).__name__
        finally:
            db.release()

    def assert_exactly_the_stock_is_sold(self) -> None:
        db.release()
        held = select(OrderItem.product_id, func.sum(OrderItem.quantity)).join(Order).where(Order.inventory_reserved)
        sold = {row.product_id: row.sum for row in db.session.execute(held.group_by(OrderItem.product_id))}
        assert sold == {part.id: self.stock for part in self.parts}
        on_shelf = db.session.execute(select(Inventory.on_hand, Inventory.reserved)).all()
        assert [tuple(row) for row in on_shelf] == [(self.stock, self.stock)] * 2


def test_sixteen_threads_sell_three_hundred_parts_exactly(
    database: None, observer: Observer, payments: FakePayments
) -> None:
    rush, before = Rush.to(payments, stock=300), observer.deadlocks()
    seen = rush.run(orders_each=60)
    assert seen["Started"] == 300 and seen.total() == 960
    assert set(seen) <= {"Started", "NotEnoughStock", "CartChanged"}
    rush.assert_exactly_the_stock_is_sold()
    assert len(payments.sessions) == 300
    assert observer.deadlocks() == before


def test_two_hundred_buyers_get_fifty_parts(database: None, observer: Observer, payments: FakePayments) -> None:
    """Twenty at a time, as many as there are connections."""
    rush, before = Rush.to(payments, stock=50), observer.deadlocks()
    seen = rush.run(orders_each=10, threads=20)
    assert seen["Started"] == 50 and seen.total() == 200
    assert set(seen) <= {"Started", "NotEnoughStock", "CartChanged"}
    rush.assert_exactly_the_stock_is_sold()
    assert observer.deadlocks() == before


def test_of_two_who_want_the_last_one_at_the_same_moment_the_second_is_told_that_none_is_left(
    database: None, observer: Observer, payments: FakePayments
) -> None:
    make_shop()
    part = make_product(stock=1)
    buyers = [Buyer(payments), Buyer(payments)]
    with transaction() as session:
        fill_carts(session, {buyer.owner: [(part, 1)] for buyer in buyers})
    first, second = run_while_held("checkout.before_commit", buyers[0].start, [buyers[1].start], observer)
    assert isinstance(first, Started) and isinstance(second, NotEnoughStock), (first, second)
    assert stock_of(part) == (1, 1) and len(payments.sessions) == 1


# The controls: without the guard the same crowd must buy too much, else the test above sees nothing. Only here is a
# function of the shop replaced, because only a broken shop can show that its breaking would be seen.


@pytest.fixture
def no_wall(database: None, engine: sa.Engine) -> Iterator[None]:
    """The second wall taken down: the database, too, lets more be reserved than there is."""
    wall = "ck_inventory_reserved_within_on_hand"
    with engine.begin() as connection:
        definition = connection.scalar(
            sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :wall"), {"wall": wall}
        )
        connection.execute(sa.text(f"ALTER TABLE inventory DROP CONSTRAINT {wall}"))
    yield
    db.release()
    empty(engine)
    with engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE inventory ADD CONSTRAINT {wall} {definition}"))


class Unguarded:
    """Reads what there is, then takes it. The first to read stands still until others have taken everything."""

    def __init__(self) -> None:
        self._is_first = threading.Lock()

    def reserve(self, session: Session, lines: Mapping[int, int]) -> None:
        parts = sorted(lines)
        if self._least_available(session, parts) < 1:
            raise NotEnoughStock(product_id=parts[0], name="part", available=0)
        if self._is_first.acquire(blocking=False):
            assert wait_until(lambda: self._least_available(session, parts) < 1, PATIENCE_S)
        for product_id in parts:
            session.execute(
                sa.update(Inventory)
                .where(Inventory.sku_id == product_id)
                .values(reserved=Inventory.reserved + lines[product_id])
                .execution_options(synchronize_session=False)
            )

    def _least_available(self, session: Session, parts: Sequence[int]) -> int:
        available = select(func.min(Inventory.on_hand - Inventory.reserved)).where(Inventory.sku_id.in_(parts))
        return int(session.scalar(available) or 0)


def test_without_the_guard_the_same_crowd_buys_too_much(
    no_wall: None, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "reserve", Unguarded().reserve)
    rush = Rush.to(payments, stock=30)
    assert rush.run(orders_each=4)["Started"] > 30
    with pytest.raises(AssertionError):
        rush.assert_exactly_the_stock_is_sold()


def test_without_the_guard_the_database_is_the_second_wall(
    database: None, observer: Observer, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "reserve", Unguarded().reserve)
    rush = Rush.to(payments, stock=30)
    seen = rush.run(orders_each=4)
    assert seen["Started"] == 30 and seen["IntegrityError"] >= 1
    rush.assert_exactly_the_stock_is_sold()


def test_locks_taken_in_the_order_of_the_cart_are_seen_as_a_deadlock_and_survived(
    database: None, observer: Observer, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, reserve = observer.deadlocks(), inventory.reserve
    make_shop()
    parts = [make_product(stock=5), make_product(stock=5)]
    buyers = [Buyer(payments), Buyer(payments)]
    for buyer, order in zip(buyers, (parts, parts[::-1]), strict=True):
        for part in order:
            buyer.add(part)
    holds_one = {part.id: threading.Event() for part in parts}

    def in_the_order_of_the_cart(session: Session, lines: Mapping[int, int]) -> None:
        first, second = lines
        reserve(session, {first: lines[first]})
        holds_one[first].set()
        assert holds_one[second].wait(PATIENCE_S)
        reserve(session, {second: lines[second]})

    monkeypatch.setattr(inventory, "reserve", in_the_order_of_the_cart)
    results = at_once([buyer.start for buyer in buyers])
    assert {type(result).__name__ for result in results} == {"Started"}, results
    assert observer.deadlocks() == before + 1

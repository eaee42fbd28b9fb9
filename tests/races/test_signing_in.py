"""A guest signs in, and cart and pending order move, while a payment is settled: nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import count

import pytest
from flask import Flask

from mountify import db
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import Product
from mountify.services import cart_view
from mountify.services.cart_view import CartOwner
from mountify.services.checkout import Started
from mountify.transaction import transaction
from mountify.web.auth import CART_COOKIE
from tests.buyers import Buyer, fill_carts, order_of
from tests.cast import PASSWORD, email_of, make_account
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments
from tests.races.crowd import Observer
from tests.races.judge import assert_one_story
from tests.races.pausing import run_while_held
from tests.web import Browser

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]

STOCK, OF_THE_GUEST, OF_ALICE = 99, 2, 3
SETTLING = ("settle.read", "settle.locked", "settle.before_commit")
MERGING = ("merge.before_lock", "merge.locked", "merge.before_commit")
# Whose order is paid at that moment, of the guest's and the one that Alice has left in her own cart.
PAID = (("guest",), ("alice",), ("guest", "alice"))
_numbers = count(1)


@dataclass
class Scene:
    """Alice orders as a guest, and signs in; another order may wait in her account."""

    app: Flask
    name: str
    guest: Buyer
    alice: Buyer
    orders: dict[str, Started]

    def sign_in(self) -> str:
        browser = Browser(self.app)
        browser.client.set_cookie(CART_COOKIE, self.guest.owner.token or "", domain="127.0.0.1")
        answer = browser.post("/auth/signin", {"email": email_of(self.name), "password": PASSWORD, "next": "/"})
        return f"HTTP {answer.status_code}"

    def session_of(self, whose: str) -> str:
        return self.guest.session_of(self.orders[whose])

    def settlements(self, paid: Collection[str]) -> list[Callable[[], object]]:
        return [lambda whose=whose: self.guest.sync(self.session_of(whose)) for whose in paid]  # type: ignore[misc]

    @property
    def left_in_the_cart(self) -> list[int]:
        return _quantities(self.alice.owner)

    @property
    def left_with_the_guest(self) -> list[int]:
        return _quantities(self.guest.owner)


def _quantities(owner: CartOwner) -> list[int]:
    try:
        return [line.quantity for line in cart_view.get_view(owner).lines]
    finally:
        db.release()


@dataclass
class Stage:
    """One shop, in which one scene after the other is played and judged."""

    app: Flask
    payments: FakePayments
    mailer: FakeMailer
    observer: Observer
    run_jobs: Callable[[], int]
    part: Product
    judged: set[str] = field(default_factory=set)

    def scene(self, *, has_own_order: bool = True, has_ordered: bool = True) -> Scene:
        name = f"alice-{next(_numbers)}"
        guest, alice = Buyer(self.payments), Buyer(self.payments, user_id=make_account(name))
        carts: dict[CartOwner, list[tuple[Product, int]]] = {
            guest.owner: [(self.part, OF_THE_GUEST)],
            alice.owner: [(self.part, OF_ALICE)],
        }
        with transaction() as session:
            fill_carts(session, carts)
        orders = {"guest": guest.start()} if has_ordered else {}
        if has_own_order:
            orders["alice"] = alice.start()
        db.release()
        return Scene(self.app, name, guest, alice, orders)

    def play(self, point: str, first: Callable[[], object], *rivals: Callable[[], object]) -> list[object]:
        """Let `first` stand at a point while its rivals act, and judge; gives what came of each."""
        results = run_while_held(point, first, list(rivals), self.observer)
        self.judge()
        return results

    def judge(self) -> None:
        while self.run_jobs():
            pass
        assert_one_story(self.payments, self.mailer, stock=STOCK, known=self.judged)
        self.judged |= set(self.payments.sessions)


@pytest.fixture
def stage(
    app: Flask, payments: FakePayments, mailer: FakeMailer, observer: Observer, run_jobs: Callable[[], int]
) -> Stage:
    make_shop()
    return Stage(app, payments, mailer, observer, run_jobs, make_product(stock=STOCK))


@pytest.mark.parametrize("is_settling_first", [True, False], ids=["settling-first", "signing-in-first"])
def test_a_guests_payment_is_kept_whoever_comes_first(stage: Stage, is_settling_first: bool) -> None:
    for point in SETTLING if is_settling_first else MERGING:
        scene = stage.scene(has_own_order=False)
        stage.payments.pay(scene.session_of("guest"))
        (settle,) = scene.settlements(["guest"])
        actions = (settle, scene.sign_in) if is_settling_first else (scene.sign_in, settle)
        results = stage.play(point, *actions)
        assert set(results) == {scene.orders["guest"].order_id, "HTTP 303"}, (point, results)
        assert scene.left_in_the_cart == [OF_ALICE], point


@pytest.mark.parametrize("is_settling_first", [True, False], ids=["settling-first", "signing-in-first"])
@pytest.mark.parametrize("paid", PAID, ids=" and ".join)
def test_each_of_two_orders_ends_as_stripe_says(stage: Stage, paid: tuple[str, ...], is_settling_first: bool) -> None:
    for point in SETTLING if is_settling_first else MERGING:
        scene = stage.scene()
        for whose in paid:
            stage.payments.pay(scene.session_of(whose))
        settle, *others = scene.settlements(paid)
        if is_settling_first:
            results = stage.play(point, settle, scene.sign_in, *others)
        else:
            results = stage.play(point, scene.sign_in, settle, *others)
        assert set(results) == {"HTTP 303", *(scene.orders[whose].order_id for whose in paid)}, (point, results)
        for whose, started in scene.orders.items():
            assert (order_of(started).status is OrderStatus.PAID) == (whose in paid), point


@pytest.mark.parametrize("paid", PAID, ids=" and ".join)
def test_the_order_that_made_room_is_ended_by_a_job_as_stripe_says(stage: Stage, paid: tuple[str, ...]) -> None:
    for point in ("end.chosen", "end.told_stripe"):
        scene = stage.scene()
        assert scene.sign_in() == "HTTP 303"
        for whose in paid:
            stage.payments.pay(scene.session_of(whose))
        stage.play(point, stage.run_jobs, *scene.settlements(paid))
        for whose, started in scene.orders.items():
            assert (order_of(started).status is OrderStatus.PAID) == (whose in paid), point
        assert order_of(scene.orders["alice"]).is_pending is False, point


@pytest.mark.parametrize("point", ["checkout.reserved", "checkout.session_created"])
def test_who_signs_in_on_the_way_to_stripe_pays_that_order(stage: Stage, point: str) -> None:
    scene = stage.scene(has_own_order=False, has_ordered=False)
    started, signed_in = stage.play(point, scene.guest.start, scene.sign_in)
    assert isinstance(started, Started) and signed_in == "HTTP 303"
    assert order_of(started).user_id == scene.alice.owner.user_id
    scene.orders["guest"] = started
    stage.payments.pay(scene.session_of("guest"))
    (settle,) = scene.settlements(["guest"])
    assert settle() == started.order_id
    stage.judged.clear()
    stage.judge()
    assert scene.left_in_the_cart == [OF_ALICE]


@pytest.mark.parametrize("point", MERGING)
def test_what_is_added_meanwhile_is_lost_in_neither_cart(stage: Stage, point: str) -> None:
    """In another window, which is a guest's or signed in already: one of the two came first, whoever it was."""
    scene = stage.scene(has_own_order=False, has_ordered=False)
    adding = (lambda: scene.guest.add(stage.part, 1), lambda: scene.alice.add(stage.part, 1))
    results = run_while_held(point, scene.sign_in, list(adding), stage.observer)
    assert results == ["HTTP 303", None, None], point
    assert sum(scene.left_in_the_cart) + sum(scene.left_with_the_guest) == OF_THE_GUEST + OF_ALICE + 2
    assert scene.sign_in() == "HTTP 303"
    assert scene.left_in_the_cart == [OF_THE_GUEST + OF_ALICE + 2] and scene.left_with_the_guest == []


def test_signing_in_twice_at_once_adds_up_once(stage: Stage) -> None:
    for point in MERGING:
        scene = stage.scene(has_own_order=False, has_ordered=False)
        assert run_while_held(point, scene.sign_in, [scene.sign_in], stage.observer) == ["HTTP 303"] * 2, point
        assert scene.left_in_the_cart == [OF_THE_GUEST + OF_ALICE], point


@pytest.mark.parametrize("point", MERGING)
def test_a_part_sold_out_meanwhile_is_told_by_the_merge_or_by_the_cart(stage: Stage, point: str) -> None:
    """The merge holds no stock, so the last part may go while it looks; then the cart itself says so."""
    scene, rival = stage.scene(has_own_order=False, has_ordered=False), Buyer(stage.payments)
    left = STOCK - OF_ALICE
    with transaction() as session:
        fill_carts(session, {rival.owner: [(stage.part, left)]})
    run_while_held(point, scene.sign_in, [rival.start], stage.observer)
    view = cart_view.get_view(scene.alice.owner)
    (line,) = view.lines
    assert (line.quantity == OF_ALICE) != line.is_short, point
    assert line.obtainable == OF_ALICE
    db.release()

"""Whoever acts on an order while another one stands anywhere in the same work: both end in what Stripe says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from mountify import db
from mountify.core.errors.carts import CartChanged
from mountify.core.errors.payments import AlreadyRefunded, NothingPaid
from mountify.core.payment_session import SessionOutcome
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import OrderEvent
from mountify.models.payment import Refund, RefundState
from tests.buyers import Buyer
from tests.checkpoints import every_point
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments
from tests.races.crowd import Observer
from tests.races.judge import assert_one_story
from tests.races.pausing import run_while_held
from tests.races.scene import ACTIONS, SETTLERS, Scene

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]

STOCK = 99
# Before anything is locked, when what is locked has been read, before the commit. Ending an order takes two
# transactions with Stripe between them: one says who ends it, and the cancellation stands there; the other does what
# Stripe says.
SETTLING = ("settle.read", "settle.locked", "settle.before_commit")
POINTS = {
    "webhook job": SETTLING,
    "success page": SETTLING,
    "reaper": ("end.told_stripe", *SETTLING),
    "cancellation": ("end.before_lock", "end.locked", "end.before_commit", "end.chosen"),
    "second session": (
        "checkout.before_lock",
        "checkout.locked",
        "checkout.before_commit",
        "checkout.reserved",
        "checkout.session_created",
    ),
    "refund": (
        "refund.requested",
        "refund.read",
        "refund.locked",
        "refund.before_commit",
        "refund.before_send",
        "refund.sent",
    ),
}
# Where Stripe has been asked already, or is not asked yet, when the shopper pays.
PAID_IN_BETWEEN = (
    *(("webhook job", point) for point in SETTLING),
    *(("cancellation", point) for point in ("end.locked", "end.chosen", "end.told_stripe")),
    ("second session", "checkout.locked"),
)
ENDS_IT = {"reaper", "cancellation", "second session"}
REFUSALS = (CartChanged, NothingPaid, AlreadyRefunded)
SHOWN = {"HTTP 200", "HTTP 303"}
# Of these families somebody is held at every point, but for those to which none of them comes.
FAMILIES = ("settle.", "end.", "checkout.", "refund.")
ELSEWHERE = {"refund.refused"}  # Stripe refuses what has gone back already: see test_refund_requests.py


@dataclass
class Stage:
    """One shop, in which one scene after the other is played and judged."""

    app: Flask
    payments: FakePayments
    mailer: FakeMailer
    observer: Observer
    run_jobs: Callable[[], int]
    part: Product

    def play(
        self,
        first: str,
        point: str,
        rival: str,
        before: Callable[[Scene], None] = lambda scene: None,
        meanwhile: Callable[[Scene], None] = lambda scene: None,
    ) -> SessionOutcome:
        """Let `first` stand at a point while its rival acts; gives how the session ends they have fought about."""
        judged = set(self.payments.sessions)
        scene = Scene.of(self.app, self.payments, self.part)
        before(scene)
        results = run_while_held(
            point,
            lambda: scene.act(first, "sam@example.com"),
            [lambda: scene.act(rival, "sam@work.example")],
            self.observer,
            meanwhile=lambda: meanwhile(scene),
        )
        while self.run_jobs():
            pass
        refused = [result for result in results if isinstance(result, Exception)]
        pages = {result for result in results if isinstance(result, str) and result.startswith("HTTP")}
        assert all(isinstance(result, REFUSALS) for result in refused) and pages <= SHOWN, results
        assert_one_story(self.payments, self.mailer, stock=STOCK, known=judged)
        return self.payments.sessions[scene.session_id].outcome


@pytest.fixture
def stage(
    app: Flask, payments: FakePayments, mailer: FakeMailer, observer: Observer, run_jobs: Callable[[], int]
) -> Stage:
    make_shop()
    return Stage(app, payments, mailer, observer, run_jobs, make_product(stock=STOCK))


def test_at_each_point_of_the_source_somebody_is_held() -> None:
    points = {point for point in every_point() if point.startswith(FAMILIES)}
    assert {point for held_at in POINTS.values() for point in held_at} == points - ELSEWHERE


@pytest.mark.parametrize("rival", ACTIONS)
@pytest.mark.parametrize("first", SETTLERS)
def test_two_at_once_end_in_what_stripe_says(stage: Stage, first: str, rival: str) -> None:
    for point in POINTS[first]:
        assert stage.play(first, point, rival, before=Scene.pay) is SessionOutcome.PAID
        unpaid = stage.play(first, point, rival)
        assert unpaid is (SessionOutcome.CLOSED if ENDS_IT & {first, rival} else SessionOutcome.OPEN)


@pytest.mark.parametrize("rival", ACTIONS)
def test_money_goes_back_once_whoever_comes_meanwhile(stage: Stage, rival: str) -> None:
    for point in POINTS["refund"]:
        assert stage.play("refund", point, rival, before=Scene.settle) is SessionOutcome.PAID
        assert len(stage.payments.refunds_asked) == len(stage.payments.refunds), "it was asked for more than once"
        assert set(db.session.scalars(select(Refund.state))) == {RefundState.SUCCEEDED}
        db.release()


@pytest.mark.parametrize(("first", "point"), PAID_IN_BETWEEN)
def test_who_pays_in_between_gets_the_parts_or_was_refused_by_stripe(stage: Stage, first: str, point: str) -> None:
    for rival in SETTLERS:  # a refund of what nobody knows to be paid is refused, and asks Stripe nothing
        outcome = stage.play(first, point, rival, meanwhile=Scene.pay)
        assert outcome is (SessionOutcome.CLOSED if point == "end.told_stripe" else SessionOutcome.PAID)


@pytest.mark.parametrize("said_next", [SessionOutcome.PAID, SessionOutcome.FAILED])
@pytest.mark.parametrize("point", ["settle.locked", "settle.before_commit"])
def test_money_that_comes_or_fails_days_later_does_so_once(stage: Stage, point: str, said_next: SessionOutcome) -> None:
    """No cart stands behind such an order any more: its own lock is the first."""

    def wait_for_the_bank(scene: Scene) -> None:
        scene.say(SessionOutcome.PROCESSING)
        scene.buyer.sync(scene.session_id)
        scene.say(said_next)

    for rival in ACTIONS:
        assert stage.play("webhook job", point, rival, before=wait_for_the_bank) is said_next


@pytest.mark.parametrize("said_next", [SessionOutcome.PAID, SessionOutcome.FAILED])
def test_money_on_its_way_is_old_news_once_it_has_come_or_failed(stage: Stage, said_next: SessionOutcome) -> None:
    scene = Scene.of(stage.app, stage.payments, stage.part)
    scene.say(SessionOutcome.PROCESSING)
    results = run_while_held(
        "settle.read",
        lambda: scene.act("webhook job", ""),
        [lambda: scene.act("success page", "")],
        stage.observer,
        meanwhile=lambda: scene.say(said_next),
    )
    assert results == [None, "HTTP 200" if said_next is SessionOutcome.PAID else "HTTP 303"]
    assert_nobody_waits_for_the_bank(stage, said_next)


@pytest.mark.parametrize("said_next", [SessionOutcome.PAID, SessionOutcome.FAILED])
def test_money_on_its_way_is_old_news_to_whoever_waited_for_the_lock_meanwhile(
    stage: Stage, said_next: SessionOutcome
) -> None:
    scene = Scene.of(stage.app, stage.payments, stage.part)
    scene.say(SessionOutcome.PROCESSING)
    earlier = Buyer(FakePayments(sessions=dict(stage.payments.sessions)))
    scene.say(said_next)
    results = run_while_held(
        "settle.before_commit",
        lambda: scene.buyer.sync(scene.session_id),
        [lambda: earlier.sync(scene.session_id)],
        stage.observer,
    )
    assert results == [scene.started.order_id] * 2
    assert_nobody_waits_for_the_bank(stage, said_next)


def assert_nobody_waits_for_the_bank(stage: Stage, said_next: SessionOutcome) -> None:
    while stage.run_jobs():
        pass
    assert_one_story(stage.payments, stage.mailer, stock=STOCK)
    told = {"paid"} if said_next is SessionOutcome.PAID else {"cancelled"}
    assert set(db.session.scalars(select(OrderEvent.kind))) == {"placed", *told}
    assert not db.session.scalars(select(Email.id).where(Email.kind == "payment_pending")).all()

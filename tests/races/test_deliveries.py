"""Stripe tells everything, one to three times, late, out of order and all at once: each thing is done once."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.payment_session import SessionOutcome
from mountify.gateways import Gateways
from mountify.jobs import worker
from mountify.models.email import Email
from mountify.models.payment import Payment, WebhookEvent
from mountify.services import emails, webhooks
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, fill_carts
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments
from tests.races.crowd import Observer, at_once
from tests.races.judge import assert_one_story
from tests.races.pausing import run_while_held

pytestmark = pytest.mark.commits

STOCK, ORDERS, WEB_THREADS, WORKER_THREADS = 99, 8, 8, 4
# What becomes of a session, and what Stripe tells about it: https://docs.stripe.com/payments/checkout/fulfill-orders
FATES = (
    (("completed", SessionOutcome.PAID),),
    (("completed", SessionOutcome.PROCESSING), ("async_payment_succeeded", SessionOutcome.PAID)),
    (("completed", SessionOutcome.PROCESSING), ("async_payment_failed", SessionOutcome.FAILED)),
    (("expired", SessionOutcome.CLOSED),),
)


class Tale:
    """One session's fate. Stripe never tells what has not happened yet, but it may have gone on since."""

    def __init__(self, payments: FakePayments, session_id: str, fate: Sequence[tuple[str, SessionOutcome]]) -> None:
        self._payments, self._session_id, self._fate = payments, session_id, fate
        self._happened, self._one_at_a_time = 0, threading.Lock()

    def tell(self, step: int) -> None:
        """Deliver the event of one step, after it has happened."""
        with self._one_at_a_time:
            for _, outcome in self._fate[self._happened : step + 1]:
                self._payments.pay(self._session_id, outcome=outcome)
            self._happened = max(self._happened, step + 1)
        deliver(self._payments, self._session_id, self._fate[step][0])

    def copies(self, chance: random.Random) -> list[Callable[[], None]]:
        return [
            lambda step=step: self.tell(step) for step in range(len(self._fate)) for _ in range(chance.randint(1, 3))
        ]  # type: ignore[misc]


def deliver(payments: FakePayments, session_id: str, kind: str) -> None:
    """One event has one id, however often it is delivered."""
    event = {
        "id": f"evt_{kind}_{session_id}",
        "type": f"checkout.session.{kind}",
        "data": {"object": {"id": session_id}},
    }
    webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=payments, now=utcnow())
    db.release()


@dataclass
class Worker:
    """Takes jobs in an order of its own, each at least once and every third twice, as the queue may deliver them."""

    run: Callable[[str, dict[str, int]], object]
    all_is_told: threading.Event
    seed: int

    def work(self) -> None:
        while True:
            job = self._take()
            if job is not None:
                self.run(*job)
                db.release()
            elif self.all_is_told.wait(0.01) and self._is_idle():
                return

    def _take(self) -> tuple[str, dict[str, int]] | None:
        with transaction() as session:
            job = session.execute(
                sa.text(
                    "SELECT id, task_name, args, attempts FROM procrastinate_jobs"
                    " ORDER BY md5(concat(CAST(:seed AS int), id)) LIMIT 1 FOR UPDATE SKIP LOCKED"
                ),
                {"seed": self.seed},
            ).one_or_none()
            if job is None:
                return None
            is_taken_again = job.id % 3 == 0 and job.attempts == 0
            change = (
                "UPDATE procrastinate_jobs SET attempts = 1" if is_taken_again else "DELETE FROM procrastinate_jobs"
            )
            session.execute(sa.text(f"{change} WHERE id = :id"), {"id": job.id})
            return job.task_name, job.args

    def _is_idle(self) -> bool:
        waiting = db.session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs"))
        db.release()
        return waiting == 0


@pytest.fixture
def run(config: Config, gateways: Gateways, database: None) -> Callable[[str, dict[str, int]], object]:
    tasks = worker.build(config, gateways).tasks
    return lambda name, arguments: tasks[name].func(**arguments)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_order_of_deliveries_each_thing_is_done_once(
    payments: FakePayments, mailer: FakeMailer, run: Callable[[str, dict[str, int]], object], seed: int
) -> None:
    chance = random.Random(seed)
    tales = make_orders(payments, chance)
    copies = [copy for tale in tales for copy in tale.copies(chance)]
    chance.shuffle(copies)
    all_is_told, still_telling = threading.Event(), threading.Semaphore(WEB_THREADS - 1)

    def tell(mine: list[Callable[[], None]]) -> None:
        try:
            for copy in mine:
                copy()
        finally:
            if not still_telling.acquire(blocking=False):
                all_is_told.set()

    tellers = [lambda mine=copies[place::WEB_THREADS]: tell(mine) for place in range(WEB_THREADS)]  # type: ignore[misc]
    workers = [Worker(run, all_is_told, seed + place).work for place in range(WORKER_THREADS)]
    assert at_once([*tellers, *workers]) == [None] * (WEB_THREADS + WORKER_THREADS)
    assert_one_story(payments, mailer, stock=STOCK)
    events = db.session.scalars(select(WebhookEvent)).all()
    assert len(events) == ORDERS // len(FATES) * sum(map(len, FATES)) and all(event.processed_at for event in events)


def make_orders(payments: FakePayments, chance: random.Random) -> list[Tale]:
    make_shop()
    parts = [make_product(stock=STOCK) for _ in range(3)]
    buyers = [Buyer(payments) for _ in range(ORDERS)]
    with transaction() as session:
        fill_carts(
            session,
            {buyer.owner: [(part, chance.randint(1, 3)) for part in chance.sample(parts, 2)] for buyer in buyers},
        )
    tales = [
        Tale(payments, buyer.session_of(buyer.start()), FATES[place % len(FATES)]) for place, buyer in enumerate(buyers)
    ]
    db.release()
    return tales


@pytest.fixture
def paid_session(database: None, payments: FakePayments) -> str:
    make_shop()
    buyer = Buyer(payments)
    buyer.add(make_product(stock=STOCK), 2)
    session_id = buyer.session_of(buyer.start())
    payments.pay(session_id)
    db.release()
    return session_id


def test_eight_copies_at_once_are_one_event_one_payment_and_one_mail(
    paid_session: str, payments: FakePayments, mailer: FakeMailer
) -> None:
    assert at_once([lambda: deliver(payments, paid_session, "completed")] * 8) == [None] * 8
    event_id = db.session.scalars(select(WebhookEvent.id)).one()
    assert db.session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs")) == 1
    now = utcnow()
    assert at_once([lambda: webhooks.process(event_id, payments=payments, site=SITE, now=now)] * 8) == [None] * 8
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1
    mails = db.session.scalars(select(Email.id)).all()
    db.release()
    senders = [lambda mail=mail: emails.deliver(mail, mailer=mailer, now=now) for mail in mails for _ in range(4)]  # type: ignore[misc]
    assert at_once(senders) == [None] * 8
    assert_one_story(payments, mailer, stock=STOCK)


def test_a_copy_is_acknowledged_only_when_the_first_is_safe(
    paid_session: str, payments: FakePayments, observer: Observer
) -> None:
    copy = lambda: deliver(payments, paid_session, "completed")  # noqa: E731
    assert run_while_held("webhook.before_commit", copy, [copy, copy], observer) == [None] * 3
    assert db.session.scalar(select(func.count()).select_from(WebhookEvent)) == 1
    assert db.session.scalar(sa.text("SELECT count(*) FROM procrastinate_jobs")) == 1

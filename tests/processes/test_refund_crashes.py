"""A worker is killed while money goes back, or while a bank takes it: it goes back once, and is told once."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.embedded.processes import wait_until
from mountify.models.attention import AttentionNote
from mountify.models.catalogue import Product
from mountify.models.order import OrderEvent
from mountify.models.payment import Refund, RefundState
from mountify.services import refund_requests, webhooks
from mountify.services.audit import audit
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from tests.buyers import Buyer, order_of, stock_of
from tests.factories import make_product, make_shop
from tests.outages.support import Stripe, release
from tests.sandbox.support import Running

from .killing import killed_at
from .parts import Parts
from .visit import PATIENCE_S, STOCK, jobs

pytestmark = [pytest.mark.commits, pytest.mark.xdist_group("processes")]

BOUGHT = 2
SENDING = [
    "refund.read",
    "refund.locked",
    "refund.before_send",
    "refund.sent",
    "refund.before_commit",
]


@pytest.fixture
def stripe(sandbox: Running) -> Stripe:
    return Stripe(sandbox)


@pytest.fixture
def part(workers: Parts) -> Product:
    make_shop()
    return make_product(stock=STOCK)


@pytest.fixture
def bought(stripe: Stripe, part: Product) -> Started:
    """An order that was paid at Stripe and settled here; its mails wait for a worker."""
    buyer = Buyer(stripe.payments())  # type: ignore[arg-type]
    buyer.add(part, BOUGHT)
    started = buyer.start()
    stripe.pay(started)
    buyer.sync(buyer.session_of(started))
    db.release()
    return started


def sent_back(stripe: Stripe) -> list[int]:
    return sorted(refund.amount for refund in stripe.client.v1.refunds.list({"limit": 100}).data)


def kinds_of(started: Started) -> list[str]:
    mine = select(OrderEvent.kind).where(OrderEvent.order_id == started.order_id).order_by(OrderEvent.id)
    try:
        return list(db.session.scalars(mine))
    finally:
        db.release()


def letters(sandbox: Running) -> int:
    return len(json.loads(sandbox.get("/mailbox.json").text))


def judge(sandbox: Running, is_done: Callable[[], bool], mails: int) -> None:
    assert wait_until(lambda: is_done() and letters(sandbox) == mails, PATIENCE_S), letters(sandbox)
    assert wait_until(lambda: jobs("task_name IN ('process_webhook', 'send_email', 'send_refund')") == 0, PATIENCE_S)
    assert letters(sandbox) == mails and audit(now=utcnow()) == []
    db.release()


@pytest.mark.parametrize("point", SENDING)
def test_money_goes_back_once_though_the_worker_is_killed(
    sandbox: Running, workers: Parts, stripe: Stripe, bought: Started, part: Product, point: str
) -> None:
    refund_requests.request(bought.order_id, Wish(parts=None), now=utcnow())
    with killed_at(workers, "worker", point):
        pass
    judge(sandbox, lambda: order_of(bought).status is OrderStatus.REFUNDED, mails=3)
    total = order_of(bought).total
    assert sent_back(stripe) == [int(total.amount * 100)] and stock_of(part) == (STOCK, 0)
    assert kinds_of(bought) == ["placed", "paid", "refund", "restocked", "refunded"]


def test_a_refusal_is_noted_once_though_the_worker_is_killed(
    sandbox: Running, workers: Parts, stripe: Stripe, bought: Started
) -> None:
    """The dashboard was quicker with a part of it, so that ours is too much."""
    intent = stripe.client.v1.checkout.sessions.retrieve(bought.url.rsplit("/", 1)[1]).payment_intent
    refund_requests.request(bought.order_id, Wish(), now=utcnow())
    stripe.client.v1.refunds.create({"payment_intent": str(intent), "amount": 100})
    with killed_at(workers, "worker", "refund.refused"):
        pass
    judge(sandbox, lambda: kinds_of(bought)[-1] == "refund_refused", mails=3)
    assert kinds_of(bought) == ["placed", "paid", "refund", "refund_refused"] and sent_back(stripe) == [100]
    assert order_of(bought).refunded_total == Money.of("1.00")


@pytest.mark.parametrize("point", ["dispute.read", "dispute.locked", "dispute.before_commit"])
def test_a_dispute_is_recorded_once_though_the_worker_is_killed(
    sandbox: Running, workers: Parts, stripe: Stripe, bought: Started, point: str
) -> None:
    intent = stripe.client.v1.checkout.sessions.retrieve(bought.url.rsplit("/", 1)[1]).payment_intent
    charge = stripe.client.v1.payment_intents.retrieve(str(intent)).latest_charge
    assert sandbox.post(f"/dashboard/charges/{charge}/disputes", {}).status == 303
    for delivery in stripe.deliveries():
        webhooks.receive_stripe(*delivery, payments=stripe.payments(), now=utcnow())
    with killed_at(workers, "worker", point):
        pass
    judge(sandbox, lambda: "dispute" in kinds_of(bought), mails=2)
    assert kinds_of(bought) == ["placed", "paid", "dispute"]
    assert len(db.session.scalars(select(AttentionNote)).all()) == 1
    db.release()


def test_a_payment_that_cannot_be_kept_goes_back_once_though_the_worker_is_killed(
    sandbox: Running, workers: Parts, stripe: Stripe, part: Product
) -> None:
    """It came after the order had ended, and the parts are sold; the worker dies while it says so."""
    late = Buyer(stripe.payments())  # type: ignore[arg-type]
    late.add(part, STOCK)
    started = late.start()
    stripe.pay(started)
    release(started)
    quick = Buyer(stripe.payments())  # type: ignore[arg-type]
    quick.add(part, 1)
    other = quick.start()
    stripe.pay(other)
    quick.sync(quick.session_of(other))
    db.release()
    for delivery in stripe.deliveries():
        webhooks.receive_stripe(*delivery, payments=stripe.payments(), now=utcnow())
    with killed_at(workers, "worker", "refund.sent"):
        pass
    judge(sandbox, lambda: kinds_of(started)[-1:] == ["refund"], mails=3)
    assert order_of(started).status is OrderStatus.CANCELLED and stock_of(part) == (STOCK - 1, 0)
    assert sent_back(stripe) == [int(order_of(started).total.amount * 100)]
    assert list(db.session.scalars(select(Refund.state))) == [RefundState.SUCCEEDED]
    db.release()

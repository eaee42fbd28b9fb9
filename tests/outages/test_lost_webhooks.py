"""No webhook arrives for hours: the shop finds out by asking, and what is told afterwards changes nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text

from mountify import db
from mountify.adapters.stripe import StripePayments
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import OrderEvent
from mountify.models.payment import Payment, PaymentAttempt, Refund, RefundState, WebhookEvent
from mountify.services.audit import audit
from mountify.services.checkout import Started
from tests.buyers import Buyer, order_of, stock_of
from tests.factories import make_product, make_shop
from tests.outages.support import Stripe, release
from tests.running import mountify

pytestmark = pytest.mark.commits


@pytest.fixture
def payments(stripe: Stripe) -> StripePayments:
    return stripe.payments()


@pytest.fixture
def product(product: Product) -> Product:
    """Enough for everybody."""
    return make_product("Cable Clip", stock=40)


class Hour:
    """What happened at Stripe while nobody told the shop."""

    def __init__(self, stripe: Stripe, payments: Any, product: Product) -> None:
        self.stripe, self.payments, self.product = stripe, payments, product

    def start(self, quantity: int = 1) -> Started:
        buyer = Buyer(self.payments)
        buyer.add(self.product, quantity)
        return buyer.start()

    def paid(self, **how: str) -> Started:
        started = self.start()
        self.stripe.pay(started, **how)
        return started

    def intent_of(self, started: Started) -> str:
        session = self.stripe.client.v1.checkout.sessions.retrieve(started.url.rsplit("/", 1)[1])
        return str(session.payment_intent)

    def give_back(self, started: Started, **amount: int) -> None:
        self.stripe.client.v1.refunds.create({"payment_intent": self.intent_of(started), **amount})  # type: ignore[typeddict-item]

    def dispute(self, started: Started) -> None:
        charge = self.stripe.client.v1.payment_intents.retrieve(self.intent_of(started)).latest_charge
        assert self.stripe.sandbox.post(f"/dashboard/charges/{charge}/disputes", {}).status == 303


def reconcile(environment: dict[str, str], stripe: Stripe, code: int = 0) -> str:
    db.release()
    told = mountify("reconcile", "--since", "72h", env={**environment, "STRIPE_API_BASE": stripe.sandbox.url})
    assert told.returncode == code, told.stdout + told.stderr
    return told.stdout


def test_an_hour_without_webhooks_is_made_good_by_one_command(
    stripe: Stripe, payments: Any, product: Product, environment: dict[str, str], run_jobs: Callable[[], int]
) -> None:
    hour = Hour(stripe, payments, product)
    card, debit = hour.paid(), hour.paid(payment_method="bank_debit")
    part, whole, disputed, late = hour.paid(), hour.paid(), hour.paid(), hour.paid()
    hour.give_back(part, amount=100)
    hour.give_back(whole)
    hour.dispute(disputed)
    release(late.order_id)
    open_, ended = hour.start(), hour.start()
    payments.expire_session(ended.url.rsplit("/", 1)[1])
    assert {order_of(one).status for one in (card, debit, part, whole, disputed, open_, ended)} == {OrderStatus.PENDING}

    told = reconcile(environment, stripe)
    assert "0 left for you" in told and told.count("repaired: session") == 7
    while run_jobs():
        pass
    statuses = {
        "card": order_of(card).status, "debit": order_of(debit).status, "part": order_of(part).status,
        "whole": order_of(whole).status, "disputed": order_of(disputed).status, "late": order_of(late).status,
        "open": order_of(open_).status, "ended": order_of(ended).status,
    }  # fmt: skip
    assert statuses == {
        "card": "paid", "debit": "pending", "part": "paid", "whole": "refunded", "disputed": "paid", "late": "paid",
        "open": "pending", "ended": "expired",
    }  # fmt: skip
    assert order_of(part).refunded_total == Money.of("1.00")
    assert stock_of(product) == (35, 2) and audit(now=utcnow()) == []
    assert reconcile(environment, stripe).endswith("0 repaired, 0 left for you.\n")
    before = snapshot()
    stripe.tell(run_jobs)  # now all of it arrives after all, and twice
    stripe.tell(run_jobs)
    assert snapshot() == before and audit(now=utcnow()) == []


def snapshot() -> dict[str, object]:
    """All that must not change when the same is told again."""
    found = {
        table.__tablename__: db.session.scalar(select(func.count()).select_from(table))
        for table in (Email, OrderEvent, Payment, Refund, PaymentAttempt)
    }
    rows = db.session.execute(text("SELECT id, status, refunded_total FROM orders ORDER BY id")).all()
    db.release()
    return {**found, "orders": [tuple(row) for row in rows]}


@pytest.mark.parametrize("are_told", [True, False], ids=["told", "asked"])
@pytest.mark.parametrize("left", [True, False], ids=["stock left", "sold out"])
def test_an_order_released_by_an_operator_and_paid_then_is_honoured_or_given_back(
    stripe: Stripe, payments: Any, environment: dict[str, str], run_jobs: Callable[[], int], left: bool, are_told: bool
) -> None:
    make_shop()
    product = make_product("Last Stand", stock=2)
    hour = Hour(stripe, payments, product)
    late = hour.start(2)
    release(late.order_id)
    if not left:
        quick = hour.start(1)
        stripe.pay(quick)
        stripe.tell(run_jobs)
    stripe.pay(late)
    if are_told:
        stripe.tell(run_jobs)
    else:
        reconcile(environment, stripe)
        while run_jobs():
            pass
    db.release()
    kinds = list(db.session.scalars(select(Email.kind).where(Email.order_id == late.order_id, Email.state == "sent")))
    states = list(db.session.scalars(select(Refund.state)))
    db.release()
    if left:
        assert (order_of(late).status, stock_of(product)) == (OrderStatus.PAID, (0, 0))
        assert sorted(kinds) == ["confirmed", "merchant"] and states == []
    else:
        assert (order_of(late).status, stock_of(product)) == (OrderStatus.CANCELLED, (1, 0))
        assert kinds == ["refunded"] and states == [RefundState.SUCCEEDED]
    assert audit(now=utcnow()) == []
    db.release()
    assert not db.session.scalars(select(WebhookEvent.id).where(WebhookEvent.processed_at.is_(None))).all()

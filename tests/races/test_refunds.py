"""Two hear of the same refunds at once: each is recorded once, whichever of them stands where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.models.order import OrderEvent
from mountify.models.payment import Payment, Refund
from mountify.services import refunds
from mountify.services.audit import audit
from tests.buyers import SITE, Buyer, order_of
from tests.fakes import FakeMailer, FakePayments
from tests.races.crowd import Observer
from tests.races.pausing import run_while_held

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]


@pytest.mark.parametrize("point", ["refund.read", "refund.locked", "refund.before_commit"])
def test_two_who_hear_of_a_refund_record_it_once(
    buyer: Buyer,
    payments: FakePayments,
    mailer: FakeMailer,
    run_jobs: Callable[[], int],
    observer: Observer,
    point: str,
) -> None:
    started = buyer.buy()
    total = order_of(started).total
    run_jobs()
    mailer.sent.clear()
    intent = db.session.scalars(select(Payment.payment_intent)).one()
    db.release()
    payments.refund(intent, 500)

    def hear() -> int:
        return refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())

    def refund_the_rest_and_hear() -> int:
        payments.refund(intent, int((total - Money.of("5.00")).amount * 100))
        return hear()

    results = run_while_held(point, hear, [refund_the_rest_and_hear], observer)
    assert results == [started.order_id, started.order_id]
    order = order_of(started)
    assert (order.status, order.refunded_total) == (OrderStatus.REFUNDED, total)
    assert len(db.session.scalars(select(Refund)).all()) == 2
    kinds = list(db.session.scalars(select(OrderEvent.kind).order_by(OrderEvent.id)))
    assert (kinds.count("refund"), kinds.count("refunded")) == (2, 1)
    db.release()
    run_jobs()
    assert len(mailer.sent) == mailer.calls - 2 == 2
    assert audit(now=utcnow()) == []

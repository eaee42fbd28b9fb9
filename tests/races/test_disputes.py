"""Two hear of the same dispute at once: it is recorded once, and what is closed stays so."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.attention import AttentionNote
from mountify.models.order import OrderEvent
from mountify.models.payment import Dispute, Payment
from mountify.services import disputes
from tests.buyers import SITE, Buyer
from tests.fakes import FakePayments
from tests.races.crowd import Observer
from tests.races.pausing import run_while_held

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]


@pytest.mark.parametrize("end", ["won", "lost"])
@pytest.mark.parametrize("point", ["dispute.read", "dispute.locked", "dispute.before_commit"])
def test_two_who_hear_of_a_dispute_record_it_once(
    buyer: Buyer, payments: FakePayments, observer: Observer, point: str, end: str
) -> None:
    started = buyer.buy()
    intent = db.session.scalars(select(Payment.payment_intent)).one()
    db.release()
    dispute = payments.dispute(intent, 500, now=utcnow())

    def hear() -> int:
        return disputes.sync_dispute(dispute, payments=payments, site=SITE, now=utcnow())

    def decide_and_hear() -> int:
        payments.change_dispute(dispute, status=end)
        return hear()

    results = run_while_held(point, hear, [decide_and_hear], observer)
    assert results == [started.order_id, started.order_id]
    assert db.session.scalars(select(Dispute.state)).all() == [end]
    kinds = list(db.session.scalars(select(OrderEvent.kind).order_by(OrderEvent.id)))
    assert kinds == ["placed", "paid", "dispute", "dispute_closed"]
    is_open = [note.resolved_at is None for note in db.session.scalars(select(AttentionNote))]
    assert any(is_open) is (end == "lost") and len(is_open) <= 1

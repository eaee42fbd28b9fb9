"""Asking for refunds, sending them, and what the order's timeline says then."""

from __future__ import annotations

from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.order import OrderEvent
from mountify.models.payment import RefundState
from mountify.services import refund_requests, refund_sending
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from tests.buyers import SITE
from tests.fakes import FakePayments


def ask(started: Started, wish: Wish = Wish()) -> int:
    return refund_requests.request(started.order_id, wish, now=utcnow())


def send(refund_id: int, payments: FakePayments) -> RefundState:
    state = refund_sending.send(refund_id, payments=payments, site=SITE, now=utcnow()).state
    db.release()
    return state


def timeline(started: Started) -> list[str]:
    mine = select(OrderEvent.kind).where(OrderEvent.order_id == started.order_id).order_by(OrderEvent.id)
    kinds = list(db.session.scalars(mine))
    db.release()
    return kinds


def intent_of(started: Started, payments: FakePayments) -> str:
    return payments.sessions[started.url.rsplit("/", 1)[1]].payment_intent or ""

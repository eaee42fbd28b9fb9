"""Payments that cannot be kept go back by themselves, or are honoured where there is stock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.payments import NotReturnable
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.core.payment_refund import RefundOutcome
from mountify.models.attention import AttentionNote
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.models.payment import Refund, RefundState
from mountify.services import attention_notes, checkout
from mountify.services.audit import audit
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from mountify.services.refunds import sync_refunds
from tests.buyers import SITE, Buyer, open_another_session, order_of, stock_of
from tests.factories import make_product
from tests.fakes import FakeMailer, FakePayments
from tests.refunding import ask, intent_of, send, timeline


def pay_late(buyer: Buyer, payments: FakePayments) -> Started:
    """The order is released, and paid all the same: its buyer had sent the money already."""
    started = buyer.start()
    checkout.cancel(started.order_id, payments=payments, site=SITE, now=utcnow())
    payments.pay(buyer.session_of(started))
    return started


def test_a_late_payment_is_honoured_while_there_is_stock(
    buyer: Buyer, payments: FakePayments, product: Product, run_jobs: Callable[[], int]
) -> None:
    started = pay_late(buyer, payments)
    buyer.sync(buyer.session_of(started))
    run_jobs()
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.PAID, (3, 0))
    assert payments.refunds_asked == [] and db.session.scalars(select(AttentionNote)).all() == []


def test_a_late_payment_of_what_is_sold_out_goes_back_by_itself(
    buyer: Buyer, payments: FakePayments, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    started = pay_late(buyer, payments)
    other = Buyer(payments)
    other.add(product, 4)
    other.buy()
    run_jobs()
    mailer.sent.clear()
    for _ in range(3):
        buyer.sync(buyer.session_of(started))
    while run_jobs():
        pass
    order = order_of(started)
    assert (order.status, stock_of(product)) == (OrderStatus.CANCELLED, (1, 0))
    ((_, amount, key),) = payments.refunds_asked
    intent = intent_of(started, payments)
    assert (amount, key) == (int(order.total.amount * 100), f"refund-{intent}-sold-out")
    (mail,) = mailer.sent.values()
    assert mail["to"] == "sam@example.com" and "had been sold meanwhile" in mail["text"] + mail["html"]
    assert timeline(started)[-2:] == ["payment_unsettled", "refund"]
    (note,) = db.session.scalars(select(AttentionNote)).all()
    assert note.order_id == started.order_id and order.number in note.what and "sold out" in note.what


def test_a_late_payment_of_which_one_part_is_sold_out_holds_none_of_the_others(
    buyer: Buyer, payments: FakePayments, product: Product, run_jobs: Callable[[], int]
) -> None:
    scarce = make_product(stock=1)
    buyer.add(scarce, 1)
    started = pay_late(buyer, payments)
    other = Buyer(payments)
    other.add(scarce, 1)
    other.buy()
    buyer.sync(buyer.session_of(started))
    while run_jobs():
        pass
    assert order_of(started).status is OrderStatus.CANCELLED and len(payments.refunds_asked) == 1
    assert (stock_of(product), stock_of(scarce)) == ((5, 0), (0, 0))


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"amount_total": 1}, "is not what the order costs"), ({"currency": "eur"}, "is not what the order costs"),
     ({"order_id": 999_999}, "belongs to another order")],
)  # fmt: skip
def test_a_payment_that_does_not_fit_goes_back_by_itself(
    buyer: Buyer, payments: FakePayments, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int],
    changes: dict[str, Any], why: str,
) -> None:  # fmt: skip
    started = buyer.start()
    payments.pay(buyer.session_of(started), **changes)
    buyer.sync(buyer.session_of(started))
    while run_jobs():
        pass
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.CANCELLED, (5, 0))
    assert [refund.state for refund in db.session.scalars(select(Refund))] == [RefundState.SUCCEEDED]
    (mail,) = mailer.sent.values()
    assert why in mail["text"] and ("€" in mail["subject"]) == ("currency" in changes)


def test_a_second_payment_of_an_order_goes_back_and_the_order_stays_paid(
    paid: Started, buyer: Buyer, payments: FakePayments, product: Product, mailer: FakeMailer,
    run_jobs: Callable[[], int],
) -> None:  # fmt: skip
    run_jobs()
    mailer.sent.clear()
    again = open_another_session(paid, payments)
    payments.pay(again)
    for _ in range(2):
        buyer.sync(again)
    while run_jobs():
        pass
    order = order_of(paid)
    assert (order.status, order.refunded_total, stock_of(product)) == (OrderStatus.PAID, Money.of(0), (3, 0))
    ((intent, amount, _),) = payments.refunds_asked
    assert (intent, amount) == (f"pi_{again[8:12]}", int(order.total.amount * 100))
    assert timeline(paid)[-2:] == ["payment_unsettled", "refund"]
    (mail,) = mailer.sent.values()
    assert "you were charged twice" in mail["text"]


def test_a_payment_of_nothing_needs_no_refund(
    buyer: Buyer, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started), amount_total=0, payment_intent=None)
    buyer.sync(buyer.session_of(started))
    run_jobs()
    assert payments.refunds_asked == [] and order_of(started).status is OrderStatus.CANCELLED


def test_an_automatic_refund_that_fails_is_a_violation_until_a_person_has_repeated_it(
    buyer: Buyer, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started), amount_total=100)
    buyer.sync(buyer.session_of(started))
    while run_jobs():
        pass
    intent = intent_of(started, payments)
    (refund_id,) = payments.refunds[intent]
    payments.change_refund(intent, refund_id, RefundOutcome.FAILED)
    sync_refunds(intent, payments=payments, site=SITE, now=utcnow())
    number = db.session.scalars(select(Order.number)).one()
    (violation,) = audit(now=utcnow())
    assert (violation.invariant, violation.repair) == ("I1", f"mountify orders refund {number} --payment {intent}")
    db.release()
    assert send(ask(started, Wish(payment_intent=intent)), payments) is RefundState.SUCCEEDED
    assert order_of(started).status is OrderStatus.CANCELLED


def test_one_that_fails_and_is_made_good_in_another_way_is_explained_and_not_to_be_paid_twice(
    buyer: Buyer, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started), amount_total=100)
    buyer.sync(buyer.session_of(started))
    run_jobs()
    intent = intent_of(started, payments)
    (refund_id,) = payments.refunds[intent]
    payments.change_refund(intent, refund_id, RefundOutcome.FAILED)
    sync_refunds(intent, payments=payments, site=SITE, now=utcnow())
    assert [violation.invariant for violation in audit(now=utcnow())] == ["I1"]
    db.release()
    attention_notes.resolve_refund(db.session.scalars(select(Refund.id)).one(), now=utcnow())
    assert audit(now=utcnow()) == []


def test_what_is_left_goes_back_by_itself_where_the_dashboard_sent_a_part(
    buyer: Buyer, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started), amount_total=1000)
    buyer.sync(buyer.session_of(started))
    payments.refund(intent_of(started, payments), 100)
    while run_jobs():
        pass
    made = payments.refunds[intent_of(started, payments)].values()
    assert [refund.amount for refund in made] == [100, 900]
    assert audit(now=utcnow()) == []


def test_the_rest_is_tried_once(buyer: Buyer, payments: FakePayments, run_jobs: Callable[[], int]) -> None:
    """Somebody at the dashboard is always quicker: a person has to look."""
    started = buyer.start()
    payments.pay(buyer.session_of(started), amount_total=1000)
    buyer.sync(buyer.session_of(started))
    intent = intent_of(started, payments)
    payments.refund(intent, 100)
    run_jobs()
    payments.refund(intent, 100)
    while run_jobs():
        pass
    (violation,) = audit(now=utcnow())
    assert violation.invariant == "I1" and [key[-5:] for _, _, key in payments.refunds_asked][-1] == "-rest"
    db.release()
    assert send(ask(started, Wish(payment_intent=intent)), payments) is RefundState.SUCCEEDED


def test_parts_of_a_payment_that_sold_nothing_do_not_come_back(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started), amount_total=100)
    buyer.sync(buyer.session_of(started))
    db.session.execute(update(Refund).values(state=RefundState.VOID))
    db.session.commit()
    intent = intent_of(started, payments)
    with pytest.raises(NotReturnable):
        ask(started, Wish(payment_intent=intent, parts={product.id: 1}))
    db.release()
    send(ask(started, Wish(payment_intent=intent, parts=None)), payments)
    assert stock_of(product) == (5, 0)

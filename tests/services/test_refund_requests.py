"""Refunds that the merchant asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound, ShopError
from mountify.core.errors.payments import (
    AlreadyRefunded,
    BadAmount,
    NothingPaid,
    NotReturnable,
    PaymentsUnavailable,
    RefundTooHigh,
    UnknownSession,
)
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import Product
from mountify.models.payment import Payment, Refund, RefundState
from mountify.queue import OVERDUE_AFTER
from mountify.services import attention, order_sync, refund_sending, refunds
from mountify.services.audit import audit
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from mountify.services.refunds import sync_refunds
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, order_of, stock_of
from tests.factories import make_product
from tests.fakes import FakeMailer, FakePayments
from tests.refunding import ask, intent_of, send, timeline


def test_a_part_and_then_the_rest_go_back(
    paid: Started, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    run_jobs()
    mailer.sent.clear()
    total = order_of(paid).total
    assert send(ask(paid, Wish(amount=Money.of("5.00"))), payments) is RefundState.SUCCEEDED
    assert (order_of(paid).status, order_of(paid).refunded_total) == (OrderStatus.PAID, Money.of("5.00"))
    assert send(ask(paid), payments) is RefundState.SUCCEEDED
    assert (order_of(paid).status, order_of(paid).refunded_total) == (OrderStatus.REFUNDED, total)
    assert timeline(paid) == ["placed", "paid", "refund", "refund", "refunded"]
    assert [amount for _, amount, _ in payments.refunds_asked] == [500, int(total.amount * 100) - 500]
    run_jobs()  # their own jobs find them made
    assert len(payments.refunds_asked) == 2 and len(mailer.sent) == 2


def test_the_job_sends_what_was_written_down(
    paid: Started, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    ask(paid)
    assert payments.refunds_asked == []
    run_jobs()
    assert order_of(paid).status is OrderStatus.REFUNDED


def bad_wishes(product: Product) -> Mapping[str, tuple[Wish, type[ShopError]]]:
    return {
        "above what was paid": (Wish(amount=Money.of("99999.00")), RefundTooHigh),
        "a cent above": (Wish(amount=product.price * 2 + Money.of("4.51")), RefundTooHigh),
        "nothing": (Wish(amount=Money.of("0.00")), BadAmount),
        "negative": (Wish(amount=Money.of("-5.00")), BadAmount),
        "of a payment of somebody else's": (Wish(payment_intent="pi_foreign"), NotFound),
        "more parts than were sold": (Wish(parts={product.id: 3}), NotReturnable),
        "no parts": (Wish(parts={product.id: 0}), NotReturnable),
        "parts that it never had": (Wish(parts={product.id + 1: 1}), NotReturnable),
    }


@pytest.mark.parametrize(
    "case",
    [
        "above what was paid", "a cent above", "nothing", "negative", "of a payment of somebody else's",
        "more parts than were sold", "no parts", "parts that it never had",
    ],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_changes_and_sends_nothing(
    paid: Started, payments: FakePayments, product: Product, run_jobs: Callable[[], int], case: str
) -> None:
    other = Buyer(payments)
    other.add(product, 1)
    foreign = other.buy()
    db.release()
    wish, error = bad_wishes(product)[case]
    if wish.payment_intent is not None:
        wish = Wish(payment_intent=intent_of(foreign, payments))
    before = stock_of(product)
    with pytest.raises(error):
        ask(paid, wish)
    db.release()
    while run_jobs():
        pass
    assert payments.refunds_asked == [] and db.session.scalars(select(Refund)).all() == []
    db.release()
    assert stock_of(product) == before and timeline(paid) == ["placed", "paid"]


def test_a_currency_without_cents_gives_no_cents_back(
    paid: Started, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    db.session.scalars(select(Payment)).one().currency = "JPY"
    db.session.commit()
    with pytest.raises(BadAmount):
        ask(paid, Wish(amount=Money.of("1.50")))
    db.session.scalars(select(Payment)).one().currency = "USD"
    db.session.commit()


def test_an_order_that_was_not_paid_has_nothing_to_give_back(buyer: Buyer, payments: FakePayments) -> None:
    started = buyer.start()
    with pytest.raises(NothingPaid, match="has no payment that could go back"):
        ask(started)
    assert payments.refunds_asked == []


def test_all_of_it_goes_back_once(paid: Started, payments: FakePayments) -> None:
    first = ask(paid)
    with pytest.raises(AlreadyRefunded):  # already before the first has been sent
        ask(paid)
    send(first, payments)
    with pytest.raises(AlreadyRefunded):
        ask(paid, Wish(amount=Money.of("1.00")))
    assert len(payments.refunds_asked) == 1


def test_parts_come_back_when_the_money_goes_and_only_once(
    paid: Started, payments: FakePayments, product: Product
) -> None:
    assert stock_of(product) == (3, 0)
    first = ask(paid, Wish(amount=Money.of("1.00"), parts={product.id: 1}))
    assert stock_of(product) == (3, 0)
    with pytest.raises(NotReturnable, match="1 can go back"):
        ask(paid, Wish(amount=Money.of("1.00"), parts={product.id: 2}))
    db.release()
    for _ in range(2):
        send(first, payments)
    assert stock_of(product) == (4, 0)
    send(ask(paid, Wish(parts=None)), payments)
    assert stock_of(product) == (5, 0)
    assert timeline(paid) == ["placed", "paid", "refund", "restocked", "refund", "restocked", "refunded"]


def test_money_goes_back_without_parts(paid: Started, payments: FakePayments, product: Product) -> None:
    send(ask(paid), payments)
    assert stock_of(product) == (3, 0)


def test_what_the_dashboard_sent_back_meanwhile_is_success(
    paid: Started, payments: FakePayments, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    run_jobs()
    mailer.sent.clear()
    refund_id, total = ask(paid, Wish(parts=None)), order_of(paid).total
    payments.refund(intent_of(paid, payments), int(total.amount * 100))
    assert send(refund_id, payments) is RefundState.VOID
    order = order_of(paid)
    assert (order.status, order.refunded_total, stock_of(product)) == (OrderStatus.REFUNDED, total, (5, 0))
    while run_jobs():
        pass
    assert len(mailer.sent) == 1
    assert audit(now=utcnow()) == []


def test_a_refusal_is_final_and_seen(paid: Started, payments: FakePayments, run_jobs: Callable[[], int]) -> None:
    """A part was sent back at the dashboard, so that this is too much now."""
    refund_id = ask(paid)
    payments.refund(intent_of(paid, payments), 500)
    assert send(refund_id, payments) is RefundState.FAILED
    assert (order_of(paid).status, order_of(paid).refunded_total) == (OrderStatus.PAID, Money.of("5.00"))
    assert timeline(paid)[-2:] == ["refund", "refund_refused"]
    asked = len(payments.refunds_asked)
    while run_jobs():
        pass
    assert len(payments.refunds_asked) == asked
    assert send(ask(paid), payments) is RefundState.SUCCEEDED  # the rest can be asked for anew
    assert order_of(paid).status is OrderStatus.REFUNDED


def test_with_a_key_of_another_account_a_refund_waits_and_is_not_made_twice(
    paid: Started, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had been made, and its answer was lost; then nobody knows the payment for a while."""
    amount = Money.of("5.00")
    refund_id = ask(paid, Wish(amount=amount))
    with monkeypatch.context() as patch, pytest.raises(Power):
        patch.setattr(refunds, "settle", die)
        patch.setattr(refund_sending, "settle", die)
        send(refund_id, payments)
    with monkeypatch.context() as patch, pytest.raises(UnknownSession):
        patch.setattr(payments, "list_refunds", nobody_knows)
        send(refund_id, payments)
    db.release()
    (violation,) = audit(now=utcnow() + timedelta(hours=2))
    assert violation.invariant == "I10 refund" and "could not find" in violation.what
    db.release()
    assert send(refund_id, payments) is RefundState.SUCCEEDED
    assert sum(refund.amount for refund in payments.refunds[intent_of(paid, payments)].values()) == 500
    assert order_of(paid).refunded_total == amount


class Power(Exception):
    """The machine went off."""


def die(*_: Any, **__: Any) -> None:
    raise Power


def nobody_knows(*_: Any) -> None:
    raise UnknownSession


def test_one_that_was_refused_and_found_all_the_same_counts(paid: Started, payments: FakePayments) -> None:
    """Stripe's first word about it is the truth, whatever we took it for."""
    refund_id = ask(paid, Wish(amount=Money.of("5.00")))
    payments.refund(intent_of(paid, payments), 500, key=db.session.scalars(select(Refund.idempotency_key)).one())
    with transaction() as session:
        session.scalars(select(Refund)).one().state = RefundState.FAILED
    sync_refunds(intent_of(paid, payments), payments=payments, site=SITE, now=utcnow())
    assert order_of(paid).refunded_total == Money.of("5.00")
    assert timeline(paid)[-1] == "refund" and send(refund_id, payments) is RefundState.SUCCEEDED


def test_less_than_nothing_is_left_while_one_waits_that_the_dashboard_has_overtaken(
    paid: Started, payments: FakePayments
) -> None:
    ask(paid, Wish(amount=Money.of("10.00")))
    total = order_of(paid).total
    payments.refund(intent_of(paid, payments), int(total.amount * 100) - 500)
    sync_refunds(intent_of(paid, payments), payments=payments, site=SITE, now=utcnow())
    for amount in (None, Money.of("1.00")):
        with pytest.raises(AlreadyRefunded):
            ask(paid, Wish(amount=amount))
        db.release()


def test_all_of_it_has_gone_back_only_when_stripe_has_made_it(
    paid: Started, payments: FakePayments, product: Product
) -> None:
    """Two wait, and the dashboard leaves too little for either: both are refused, and no parts come back."""
    total = order_of(paid).total
    ten = ask(paid, Wish(amount=Money.of("10.00"), parts=None))
    rest = ask(paid)
    payments.refund(intent_of(paid, payments), int(total.amount * 100) - 500)
    assert [send(refund_id, payments) for refund_id in (ten, rest)] == [RefundState.FAILED] * 2
    assert order_of(paid).status is OrderStatus.PAID and stock_of(product) == (3, 0)


def test_a_refund_of_the_dashboards_that_carries_our_key_is_ours_only_when_it_is_as_we_asked(
    paid: Started, payments: FakePayments
) -> None:
    refund_id = ask(paid)
    key = db.session.scalars(select(Refund.idempotency_key)).one()
    payments.refund(intent_of(paid, payments), 100, key=key)
    assert order_of(paid).refunded_total == Money.of(0)
    sync_refunds(intent_of(paid, payments), payments=payments, site=SITE, now=utcnow())
    assert (order_of(paid).status, order_of(paid).refunded_total) == (OrderStatus.PAID, Money.of("1.00"))
    states = list(db.session.scalars(select(Refund.state).order_by(Refund.id)))
    db.release()
    assert states == [RefundState.CREATED, RefundState.SUCCEEDED]
    with transaction() as session:
        session.get_one(Refund, refund_id).state = RefundState.VOID


def test_while_stripe_is_silent_a_refund_waits(
    paid: Started, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    refund_id = ask(paid)
    payments.is_down = True
    with pytest.raises(PaymentsUnavailable):
        send(refund_id, payments)
    assert not order_of(paid).refunded_total
    payments.is_down = False
    run_jobs()
    assert order_of(paid).status is OrderStatus.REFUNDED


def test_the_command_beside_one_that_waits_sends_it(paid: Started, payments: FakePayments) -> None:
    """Its time between two tries is a quarter of an hour, and its job may be dead."""
    refund_id = ask(paid)
    later = utcnow() + timedelta(minutes=61)
    (item,) = attention.list_open(now=later).items
    number = order_of(paid).number
    assert item.command == f"mountify orders sync {number}"
    payments.is_down = True
    with pytest.raises(PaymentsUnavailable):
        order_sync.sync_order(number, payments=payments, site=SITE, now=later)
    payments.is_down = False
    for _ in range(2):
        order = order_sync.sync_order(number, payments=payments, site=SITE, now=later)
        assert order.status is OrderStatus.REFUNDED
    assert len(payments.refunds_asked) == 1 and attention.list_open(now=later).total == 0
    db.release()
    assert send(refund_id, payments) is RefundState.SUCCEEDED and len(payments.refunds_asked) == 1


def test_one_whose_job_was_lost_is_queued_again(
    paid: Started, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    run_jobs()
    ask(paid)
    db.session.execute(text("DELETE FROM procrastinate_jobs"))
    db.session.commit()
    assert refund_sending.requeue_overdue(now=utcnow()) == 0
    later = utcnow() + 2 * OVERDUE_AFTER
    assert refund_sending.requeue_overdue(now=later) == 1
    assert refund_sending.requeue_overdue(now=later) == 0
    run_jobs()
    assert order_of(paid).status is OrderStatus.REFUNDED


def test_another_product_is_not_touched(paid: Started, payments: FakePayments) -> None:
    other = make_product("Another", stock=7)
    send(ask(paid, Wish(parts=None)), payments)
    assert stock_of(other) == (7, 0)

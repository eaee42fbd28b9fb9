"""Refunds that failed, made once more."""

from __future__ import annotations

import pytest

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.payments import AlreadyRefunded, RefundTooHigh
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.core.payment_refund import RefundOutcome
from mountify.models.catalogue import Product
from mountify.models.payment import RefundState
from mountify.services import attention, attention_notes, refund_requests, returns
from mountify.services.audit import audit
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from mountify.services.refunds import sync_refunds
from tests.buyers import SITE, Buyer, order_of, stock_of
from tests.fakes import FakePayments
from tests.refunding import ask, intent_of, send


@pytest.fixture
def failed(paid: Started, payments: FakePayments) -> int:
    """A refund of 5.00 that the buyer's bank has sent back."""
    refund_id = ask(paid, Wish(amount=Money.of("5.00")))
    send(refund_id, payments)
    (made,) = payments.refunds[intent_of(paid, payments)]
    payments.change_refund(intent_of(paid, payments), made, RefundOutcome.FAILED)
    sync_refunds(intent_of(paid, payments), payments=payments, site=SITE, now=utcnow())
    db.release()
    return refund_id


def ask_again(started: Started, refund_id: int) -> int:
    return refund_requests.request_again(started.order_id, refund_id, now=utcnow())


def needs_a_person() -> list[str]:
    commands = [item.command for item in attention.list_open(now=utcnow()).items]
    db.release()
    return commands


def test_a_refund_that_failed_is_made_again_once_as_the_list_says(
    paid: Started, payments: FakePayments, failed: int
) -> None:
    number = order_of(paid).number
    assert needs_a_person() == [f"mountify orders refund {number} --again {failed}"]
    send(ask(paid, Wish(amount=Money.of("5.00"))), payments)
    assert len(needs_a_person()) == 1, "another refund of as much has nothing to do with it"
    again = ask_again(paid, failed)
    assert needs_a_person() == []
    with pytest.raises(AlreadyRefunded, match=f"Refund {failed} has been made again already"):
        ask_again(paid, failed)
    assert send(again, payments) is RefundState.SUCCEEDED
    assert payments.refunds_asked[-1][1] == 500 and order_of(paid).refunded_total == Money.of("10.00")


def test_a_refund_that_failed_is_made_again_with_no_more_than_is_left(
    paid: Started, payments: FakePayments, failed: int
) -> None:
    left = order_of(paid).total - Money.of("2.00")
    send(ask(paid, Wish(amount=left)), payments)
    assert send(ask_again(paid, failed), payments) is RefundState.SUCCEEDED
    assert payments.refunds_asked[-1][1] == 200 and order_of(paid).status is OrderStatus.REFUNDED


def test_what_has_not_failed_or_is_of_another_order_is_not_made_again(
    paid: Started, payments: FakePayments, product: Product, failed: int
) -> None:
    fine = ask(paid, Wish(amount=Money.of("1.00")))
    other = Buyer(payments)
    other.add(product, 1)
    foreign = other.buy()
    db.release()
    for order, refund_id in ((paid, fine), (foreign, failed), (paid, 999_999)):
        with pytest.raises(NotFound, match=f"has no refund {refund_id} that failed"):
            ask_again(order, refund_id)
        db.release()


def test_what_was_paid_in_another_way_does_not_go_back_once_more(
    paid: Started, payments: FakePayments, failed: int
) -> None:
    attention_notes.resolve_refund(failed, now=utcnow())
    with pytest.raises(AlreadyRefunded, match=f"Refund {failed} has been paid in another way already"):
        ask_again(paid, failed)
    total = order_of(paid).total
    with pytest.raises(RefundTooHigh):
        ask(paid, Wish(amount=total))
    send(ask(paid), payments)
    assert payments.refunds_asked[-1][1] == int((total - Money.of("5.00")).amount * 100)
    assert audit(now=utcnow()) == []


def test_parts_of_a_refund_that_stripe_refused_come_back_with_the_next(
    paid: Started, payments: FakePayments, product: Product
) -> None:
    intent, total = intent_of(paid, payments), int(order_of(paid).total.amount * 100)
    refused = ask(paid, Wish(parts={product.id: 2}))
    sent_by_dashboard = payments.refund(intent, 100)
    assert send(refused, payments) is RefundState.FAILED and stock_of(product) == (3, 0)
    returns.restock(paid.order_id, {product.id: 1}, now=utcnow())
    payments.change_refund(intent, sent_by_dashboard, RefundOutcome.FAILED)
    sync_refunds(intent, payments=payments, site=SITE, now=utcnow())
    db.release()
    assert send(ask_again(paid, refused), payments) is RefundState.SUCCEEDED
    assert payments.refunds_asked[-1][1] == total and stock_of(product) == (5, 0)

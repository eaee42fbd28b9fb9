"""Bank debits and their like: completed today, paid or failed days later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.carts import CartEmpty
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import SessionOutcome
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import OrderEvent
from mountify.services import attention, cart_view, payment_sessions
from mountify.services.checkout import Started
from tests.buyers import SITE, Buyer, order_of, stock_of
from tests.fakes import FakeMailer, FakePayments
from tests.outages.support import release


@pytest.fixture
def waiting(buyer: Buyer) -> Started:
    """An order whose money is on its way."""
    started = buyer.start()
    tell(buyer, started, SessionOutcome.PROCESSING)
    return started


def tell(buyer: Buyer, started: Started, outcome: SessionOutcome) -> None:
    """Stripe says the same three times."""
    if outcome is SessionOutcome.PAID:
        buyer.payments.pay(buyer.session_of(started))
    else:
        buyer.payments.change(buyer.session_of(started), outcome=outcome)
    for _ in range(3):
        buyer.sync(buyer.session_of(started))


def kinds_of_mail() -> list[str]:
    return sorted(db.session.scalars(select(Email.kind)))


def test_money_on_its_way_keeps_the_parts_and_frees_the_cart(
    waiting: Started, buyer: Buyer, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    assert (order_of(waiting).status, stock_of(product)) == (OrderStatus.PENDING, (5, 2))
    assert cart_view.get_view(buyer.owner).is_empty
    run_jobs()
    (mail,) = mailer.sent.values()
    assert "payment is on its way" in mail["subject"] and f"/orders/{waiting.order_id}?key=" in mail["text"]


def test_money_that_comes_settles(waiting: Started, buyer: Buyer, product: Product) -> None:
    tell(buyer, waiting, SessionOutcome.PAID)
    assert (order_of(waiting).status, stock_of(product)) == (OrderStatus.PAID, (3, 0))
    assert kinds_of_mail() == ["confirmed", "merchant", "payment_pending"]


def test_money_that_does_not_come_releases_and_tells_the_buyer(
    waiting: Started, buyer: Buyer, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    tell(buyer, waiting, SessionOutcome.FAILED)
    assert (order_of(waiting).status, stock_of(product)) == (OrderStatus.CANCELLED, (5, 0))
    events = db.session.execute(
        select(OrderEvent.kind, OrderEvent.data["reason"].astext)
        .where(OrderEvent.order_id == waiting.order_id)
        .order_by(OrderEvent.id)
    )
    assert [tuple(event) for event in events] == [
        ("placed", None),
        ("payment_pending", None),
        ("cancelled", "payment failed"),
    ]
    run_jobs()
    assert kinds_of_mail() == ["payment_failed", "payment_pending"]
    assert any("did not come" in mail["subject"] for mail in mailer.sent.values())


def test_a_failure_told_after_the_money_came_changes_nothing(waiting: Started, buyer: Buyer, product: Product) -> None:
    tell(buyer, waiting, SessionOutcome.PAID)
    tell(buyer, waiting, SessionOutcome.FAILED)
    assert (order_of(waiting).status, stock_of(product)) == (OrderStatus.PAID, (3, 0))


def test_who_waits_for_one_payment_can_buy_something_else(waiting: Started, buyer: Buyer, product: Product) -> None:
    with pytest.raises(CartEmpty):
        buyer.start()
    buyer.add(product, 1)
    second = buyer.start()
    assert second.order_id != waiting.order_id and stock_of(product) == (5, 3)
    tell(buyer, second, SessionOutcome.PAID)
    assert order_of(waiting).status is OrderStatus.PENDING and stock_of(product) == (4, 2)
    tell(buyer, waiting, SessionOutcome.PAID)
    assert stock_of(product) == (2, 0)


def ask_about_debits(payments: FakePayments, now: datetime) -> tuple[int, int]:
    tally = payment_sessions.sync_delayed(payments=payments, site=SITE, now=now)
    db.release()
    return tally.done, tally.failed


def test_a_debit_that_stripe_does_not_know_any_more_holds_its_parts_for_a_day_and_a_person_is_told(
    buyer: Buyer, waiting: Started, payments: FakePayments, product: Product
) -> None:
    del payments.sessions[buyer.session_of(waiting)]
    days = [utcnow() + timedelta(days=day) for day in (3, 3.5, 4, 5)]
    assert ask_about_debits(payments, days[0]) == ask_about_debits(payments, days[1]) == (1, 0)
    assert stock_of(product) == (5, 2) and len(attention.list_open(now=days[1]).items) == 1
    assert ask_about_debits(payments, days[2]) == (1, 0)
    assert (order_of(waiting).status, stock_of(product)) == (OrderStatus.EXPIRED, (5, 0))
    assert ask_about_debits(payments, days[3]) == (0, 0)


def test_a_debit_to_an_order_that_has_ended_is_not_asked_about_for_ever(
    buyer: Buyer, waiting: Started, payments: FakePayments, product: Product
) -> None:
    release(waiting.order_id)
    del payments.sessions[buyer.session_of(waiting)]
    assert ask_about_debits(payments, utcnow()) == (1, 0)
    assert ask_about_debits(payments, utcnow()) == (0, 0)
    assert (order_of(waiting).status, stock_of(product)) == (OrderStatus.CANCELLED, (5, 0))


def test_a_debit_whose_amount_no_book_holds_is_not_asked_about_for_ever(
    buyer: Buyer, waiting: Started, payments: FakePayments, product: Product
) -> None:
    payments.pay(buyer.session_of(waiting), currency="kwd", amount_total=1235)
    assert ask_about_debits(payments, utcnow()) == (0, 1)
    assert ask_about_debits(payments, utcnow()) == (0, 0)
    assert (order_of(waiting).status, stock_of(product)) == (OrderStatus.CANCELLED, (5, 0))

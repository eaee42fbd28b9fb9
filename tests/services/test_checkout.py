"""From cart to settled order, against a payment service that can be told to fail."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.carts import CartChanged, CartEmpty, CartTooDear, NotEnoughStock, NotPayable
from mountify.core.errors.payments import PaymentRefused, PaymentsUnavailable, UnknownSession
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.models.account import Role, User
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import Order, OrderEvent, OrderItem
from mountify.services import cart_merge, cart_view, carts, checkout, settlement
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, order_of, stock_of
from tests.cast import make_account
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakeMailer, FakePayments


@pytest.fixture
def buyer(database: None, payments: FakePayments) -> Buyer:
    make_shop()
    return Buyer(payments)


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_starting_reserves_and_sends_the_asserted_amount(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(price="14.00", stock=5)
    buyer.add(product, 2)
    started = buyer.start()
    assert stock_of(product) == (5, 2)
    [(key, params)] = payments.asked
    assert key.startswith("attempt-")
    assert params["line_items"][0]["price_data"]["unit_amount"] == 1400
    assert params["shipping_options"][0]["shipping_rate_data"]["fixed_amount"] == {"amount": 450, "currency": "usd"}
    assert params["client_reference_id"] == str(started.order_id)
    order = order_of(started)
    assert (order.status, order.total) == (OrderStatus.PENDING, Money.of("32.50"))
    assert order.reserved_until is not None
    assert timedelta(minutes=34) < order.reserved_until - utcnow() <= timedelta(minutes=35)


def test_paying_settles_everything_at_once(
    buyer: Buyer, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    product = make_product(stock=5)
    buyer.add(product, 3)
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    buyer.sync(buyer.session_of(started))
    order = order_of(started)
    assert order.status is OrderStatus.PAID
    assert order.shipping_name == "Sam Okafor"
    assert (order.shipping_address or {})["line1"] == "41 Alder Street"
    assert stock_of(product) == (2, 0)
    assert cart_view.get_view(buyer.owner).is_empty
    assert run_jobs() == 2
    mail, told = sorted(mailer.sent.values(), key=lambda mail: mail["to"], reverse=True)
    assert told["to"] == "help@mountify.example" and "sam@example.com" in told["text"]
    assert mail["to"] == "sam@example.com"
    assert order.number in mail["subject"]
    assert f"/orders/{order.id}?key=" in mail["text"]


def test_settling_twice_changes_nothing(
    buyer: Buyer, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    for _ in range(3):
        buyer.sync(buyer.session_of(started))
    assert stock_of(product) == (3, 0)
    assert count(Email) == 2
    assert run_jobs() == 2
    assert len(mailer.sent) == 2


def test_what_was_added_after_checkout_stays_in_the_cart(buyer: Buyer, payments: FakePayments) -> None:
    product, later = make_product(stock=9), make_product(stock=9)
    buyer.add(product, 2)
    started = buyer.start()
    buyer.add(product, 1)
    buyer.add(later, 1)
    payments.pay(buyer.session_of(started))
    buyer.sync(buyer.session_of(started))
    left = {line.product.id: line.quantity for line in cart_view.get_view(buyer.owner).lines}
    assert left == {product.id: 1, later.id: 1}


def test_the_same_cart_gets_the_same_order_again(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    first = buyer.start()
    assert buyer.start() == first
    assert buyer.start(key=new_key()) == first
    assert len(payments.asked) == 1
    assert stock_of(product) == (5, 2)


def test_a_changed_cart_ends_the_first_session(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    first = buyer.start()
    buyer.add(product, 1)
    second = buyer.start(key=new_key())
    assert second.order_id != first.order_id
    assert payments.sessions[buyer.session_of(first)].outcome is SessionOutcome.CLOSED
    assert order_of(first).status is OrderStatus.CANCELLED
    assert stock_of(product) == (5, 3)


def test_a_cart_paid_meanwhile_is_not_sold_twice(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    first = buyer.start()
    payments.pay(buyer.session_of(first))
    buyer.add(product, 1)
    second = buyer.start(key=new_key())
    assert order_of(first).status is OrderStatus.PAID
    quantities = db.session.scalars(select(OrderItem.quantity).where(OrderItem.order_id == second.order_id)).all()
    assert quantities == [1]


def test_an_empty_cart_starts_nothing(buyer: Buyer, payments: FakePayments) -> None:
    with pytest.raises(CartEmpty):
        buyer.start()
    assert payments.asked == []


def test_a_changed_price_is_shown_before_anything_is_reserved(buyer: Buyer) -> None:
    product = make_product(stock=5)
    buyer.add(product)
    with transaction() as session:
        session.get_one(Product, product.id).price = Money.of("15.00")
    with pytest.raises(CartChanged):
        buyer.start()
    assert stock_of(product) == (5, 0)
    assert count(Order) == 0


def test_stock_held_by_another_is_not_sold_again(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=2)
    rival = Buyer(payments)
    buyer.add(product, 2)
    rival.add(product, 2)
    buyer.start()
    with pytest.raises((NotEnoughStock, CartChanged)):
        rival.start()
    assert stock_of(product) == (2, 2)


@pytest.mark.parametrize("failure", ["is_down", "refuses"])
def test_stripe_failing_holds_nothing_and_keeps_the_cart(buyer: Buyer, payments: FakePayments, failure: str) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    setattr(payments, failure, True)
    with pytest.raises((PaymentsUnavailable, PaymentRefused)):
        buyer.start()
    assert stock_of(product) == (5, 0)
    assert carts.count(buyer.owner) == 2
    setattr(payments, failure, False)
    started = buyer.start(key=new_key())
    assert order_of(started).status is OrderStatus.PENDING


@pytest.mark.parametrize("price", ["14.50", "14.00"])
def test_a_price_that_the_currency_cannot_express_holds_nothing_and_keeps_the_cart(
    buyer: Buyer, payments: FakePayments, price: str
) -> None:
    """The part's, or that of its delivery: the shop had another currency when they were set."""
    product = make_product(price=price, stock=5)
    buyer.add(product, 2)
    site = replace(SITE, currency="JPY")
    with pytest.raises(NotPayable):
        checkout.start(buyer.owner, "sam@example.com", new_key(), payments=payments, site=site, now=utcnow())
    db.release()
    assert (stock_of(product), count(Order), payments.asked) == ((5, 0), 0, [])
    assert cart_view.get_view(buyer.owner).count == 2


def test_cancelling_gives_the_stock_back_and_keeps_the_cart(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    started = buyer.start()
    for _ in range(2):
        order = checkout.cancel(started.order_id, payments=payments, site=SITE, now=utcnow())
    assert order.status is OrderStatus.CANCELLED
    assert stock_of(product) == (5, 0)
    assert carts.count(buyer.owner) == 2


def test_cancelling_what_is_paid_settles_it(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    order = checkout.cancel(started.order_id, payments=payments, site=SITE, now=utcnow())
    assert order.status is OrderStatus.PAID


def test_a_session_that_ran_out_releases(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    started = buyer.start()
    payments.change(buyer.session_of(started), outcome=SessionOutcome.CLOSED)
    buyer.sync(buyer.session_of(started))
    assert order_of(started).status is OrderStatus.EXPIRED
    assert stock_of(product) == (5, 0)


def test_a_late_payment_is_honoured_when_stock_allows(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    started = buyer.start()
    payments.change(buyer.session_of(started), outcome=SessionOutcome.CLOSED)
    buyer.sync(buyer.session_of(started))
    payments.pay(buyer.session_of(started))
    buyer.sync(buyer.session_of(started))
    assert order_of(started).status is OrderStatus.PAID
    assert stock_of(product) == (3, 0)


def test_a_delayed_payment_waits(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    started = buyer.start()
    payments.change(buyer.session_of(started), outcome=SessionOutcome.PROCESSING)
    for _ in range(2):
        buyer.sync(buyer.session_of(started))
    assert order_of(started).status is OrderStatus.PENDING
    assert stock_of(product) == (5, 2)
    payments.pay(buyer.session_of(started))
    buyer.sync(buyer.session_of(started))
    assert order_of(started).status is OrderStatus.PAID


@pytest.mark.parametrize("lie", [{"amount_total": 1}, {"currency": "eur"}, {"order_id": 999}])
def test_a_payment_that_does_not_fit_pays_nothing(buyer: Buyer, payments: FakePayments, lie: dict[str, object]) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    started = buyer.start()
    payments.pay(buyer.session_of(started), **lie)
    buyer.sync(buyer.session_of(started))
    buyer.sync(buyer.session_of(started))
    assert order_of(started).status is OrderStatus.CANCELLED and stock_of(product) == (5, 0)
    kinds = db.session.scalars(select(OrderEvent.kind).where(OrderEvent.order_id == started.order_id)).all()
    assert sorted(kinds) == ["cancelled", "payment_unsettled", "placed"]
    assert count(Email) == 0


def test_an_unknown_session_is_not_ours(buyer: Buyer) -> None:
    with pytest.raises(UnknownSession):
        buyer.sync("cs_test_nobody")


def test_a_page_sent_again_after_its_order_has_ended_makes_another_order(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 1)
    first = buyer.start()
    checkout.cancel(first.order_id, payments=payments, site=SITE, now=utcnow())
    second = buyer.start()
    assert second.order_id != first.order_id
    payments.pay(buyer.session_of(second))
    buyer.sync(buyer.session_of(second))
    buyer.add(product, 1)
    third = buyer.start()
    assert third.order_id not in (first.order_id, second.order_id)
    assert buyer.start() == third


def test_items_whose_order_was_settled_after_it_was_asked_for_are_no_second_order(
    buyer: Buyer, payments: FakePayments
) -> None:
    """The payment was booked while the repeat filled the cart anew."""
    items = {make_product(stock=5).id: 2}
    carts.replace(buyer.owner, items, now=utcnow())
    first = buyer.buy()
    carts.replace(buyer.owner, items, now=utcnow())
    wish = partial(checkout.start, buyer.owner, payments=payments, site=SITE, now=utcnow())
    assert wish("sam@example.com", buyer.key, items=items) == first
    assert count(Order) == 1 and len(payments.asked) == 1
    for other in (wish("kim@example.com", buyer.key, items=items), wish("sam@example.com", new_key(), items=items)):
        assert other.order_id != first.order_id


def test_the_page_of_an_order_that_no_cart_stands_behind_any_more_starts_another(
    buyer: Buyer, payments: FakePayments
) -> None:
    """The account's own order makes room for the guest's at sign-in; its page is still open in another tab."""
    product = make_product(stock=9)
    with transaction() as session:
        user = User(email="alice@example.com", role=Role.CUSTOMER, name="Alice")
        session.add(user)
        session.flush()
        account = Buyer(payments, user_id=user.id)
    buyer.add(product, 1)
    account.add(product, 2)
    moved, own = buyer.start(), account.start()
    cart_merge.merge(buyer.owner.token or "", user.id, now=utcnow())
    again = account.start(key=account.key)
    assert again.order_id not in (moved.order_id, own.order_id)
    assert order_of(moved).status is OrderStatus.CANCELLED


def test_giving_up_is_no_expiry_even_when_the_webhook_comes_first(buyer: Buyer, payments: FakePayments) -> None:
    """The session's end is told twice at once: by the webhook, and by whoever asked for it."""
    buyer.add(make_product(stock=5), 1)
    started = buyer.start()
    session_id = buyer.session_of(started)

    class Hasty(FakePayments):
        def expire_session(self, session_id: str) -> PaymentSession:
            ended = payments.expire_session(session_id)
            settlement.sync_session(session_id, payments=payments, site=SITE, now=utcnow())
            db.release()
            return ended

    hasty = Hasty(sessions=payments.sessions)
    order = checkout.cancel(started.order_id, payments=hasty, site=SITE, now=utcnow())
    assert order.status is OrderStatus.CANCELLED
    assert payments.sessions[session_id].outcome is SessionOutcome.CLOSED


def test_a_cart_that_became_too_dear_is_refused_kindly(buyer: Buyer) -> None:
    product = make_product(price="900.00", stock=1000)
    buyer.add(product, 1000)
    with transaction() as session:
        session.get_one(Product, product.id).price = Money.of("999999.00")
    carts.accept_changes(buyer.owner)
    with pytest.raises(CartTooDear):
        buyer.start()
    assert stock_of(product) == (1000, 0) and count(Order) == 0


def test_who_signs_in_during_checkout_keeps_the_order(buyer: Buyer, payments: FakePayments) -> None:
    product = make_product(stock=5)
    buyer.add(product, 2)
    first = buyer.start()
    alice = Buyer(payments, user_id=make_account("alice"))
    merged = cart_merge.merge(buyer.owner.token or "", alice.owner.user_id or 0, now=utcnow())
    assert merged.left_out == []
    assert alice.start() == first and stock_of(product) == (5, 2)
    payments.pay(alice.session_of(first))
    alice.sync(alice.session_of(first))
    assert order_of(first).user_id == alice.owner.user_id
    assert cart_view.get_view(alice.owner).is_empty


def test_a_guests_order_supersedes_the_accounts(
    buyer: Buyer, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    product = make_product(stock=5)
    alice = Buyer(payments, user_id=make_account("alice"))
    alice.add(product, 1)
    old = alice.start()
    buyer.add(product, 2)
    new = buyer.start()
    cart_merge.merge(buyer.owner.token or "", alice.owner.user_id or 0, now=utcnow())
    assert stock_of(product) == (5, 3)  # Stripe has not been asked yet
    run_jobs()
    assert stock_of(product) == (5, 2) and order_of(old).status is OrderStatus.CANCELLED
    assert payments.sessions[alice.session_of(old)].outcome is SessionOutcome.CLOSED
    again = alice.start(key=new_key())
    assert again.order_id not in (old.order_id, new.order_id) and stock_of(product) == (5, 3)

"""The end of an account, and the data it leaves with."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.accounts import LastAdmin, OrdersOpen
from mountify.models.account import Address, Role, User, UserSession
from mountify.models.order import NOBODY, Order
from mountify.models.payment import WebhookEvent
from mountify.services import account_closing, account_data, accounts, checkout, sign_ins
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer
from tests.cast import COST, PASSWORD, email_of, make_account
from tests.factories import make_product
from tests.fakes import HOME, FakeMailer, FakePayments
from tests.letters import letters

CANARIES = (email_of("alice"), HOME.name, HOME.address["line1"], HOME.address["postal_code"], HOME.phone, "1Z-CANARY")


@pytest.fixture
def bought(buyer: Buyer, payments: FakePayments) -> int:
    """Alice has bought, and her order is on its way; gives her number."""
    alice = make_account("alice")
    alices = Buyer(payments, user_id=alice, email=email_of("alice"))
    alices.add(make_product("Bow coat hook", stock=9), 1)
    order_id = alices.buy().order_id
    with transaction() as session:
        order = session.get_one(Order, order_id)
        order.mark_shipped("ups", "1Z-CANARY", now=utcnow())
    return alice


def everything() -> str:
    """All that the database holds, as text."""
    db.release()
    tables = db.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    rows = [str(db.session.scalars(text(f"SELECT t::text FROM {table} t")).all()) for table in tables]
    db.release()
    return "\n".join(rows)


def test_closing_takes_the_person_out_of_everything_and_leaves_the_books(
    bought: int, run_jobs: Callable[[], int]
) -> None:
    while run_jobs():  # the mails are out
        pass
    assert all(canary in everything() for canary in CANARIES)
    before = db.session.execute(select(Order.number, Order.total, Order.status, Order.paid_at)).all()
    account_closing.close(bought, site=SITE, now=utcnow())
    while run_jobs():
        pass
    left = everything()
    assert [canary for canary in CANARIES if canary in left] == []
    assert db.session.execute(select(Order.number, Order.total, Order.status, Order.paid_at)).all() == before
    assert db.session.scalars(select(Order.shipping_address)).all() == [{"country": "US"}]


def test_what_hangs_on_an_account_goes_with_it(bought: int) -> None:
    who = accounts.authenticate(email_of("alice"), PASSWORD)
    sign_ins.begin(who, "a" * 64, user_agent="", address="", now=utcnow())
    account_closing.close(bought, site=SITE, now=utcnow())
    for kind in (User, Address, UserSession):
        assert db.session.scalar(select(func.count()).select_from(kind)) == 0
    assert sign_ins.check("a" * 64, now=utcnow()) is None
    with pytest.raises(NotFound):
        account_closing.close(bought, site=SITE, now=utcnow())


def test_a_guest_and_another_customer_keep_what_is_theirs(bought: int, buyer: Buyer) -> None:
    guests = buyer.buy().order_id
    account_closing.close(bought, site=SITE, now=utcnow())
    account_closing.forget_buyers()
    db.release()
    assert db.session.get_one(Order, guests).email == buyer.email


def test_an_order_that_still_needs_the_address_keeps_the_account(buyer: Buyer, payments: FakePayments) -> None:
    alice = make_account("alice")
    alices = Buyer(payments, user_id=alice, email=email_of("alice"))
    alices.add(make_product("Bow coat hook", stock=9), 1)
    started = alices.start()
    for _ in range(2):  # it waits for its payment, then for its parcel
        with pytest.raises(OrdersOpen, match="is not on its way yet"):
            account_closing.close(alice, site=SITE, now=utcnow())
        payments.pay(alices.session_of(started))
        alices.sync(alices.session_of(started))
    assert accounts.get(alice).email == email_of("alice")


def test_the_data_of_an_account_is_its_own_and_all_of_it(bought: int, buyer: Buyer, config: Config) -> None:
    buyer.buy()
    make_account("bob")
    known = account_data.collect(bought)
    assert known["profile"]["email"] == email_of("alice") and len(known["orders"]) == 1
    assert known["addresses"][0]["line1"] == HOME.address["line1"]
    assert {mail["kind"] for mail in known["emails"]} == {"confirmed"}
    text_of_it = json.dumps(known)
    assert all(canary in text_of_it for canary in CANARIES)
    assert email_of("bob") not in text_of_it and buyer.email not in text_of_it and "$2b$" not in text_of_it


def test_the_owner_of_a_closed_account_is_told_once_and_then_forgotten(
    bought: int, run_jobs: Callable[[], int], mailer: FakeMailer
) -> None:
    account_closing.close(bought, site=SITE, now=utcnow())
    while run_jobs():
        pass
    said = [mail for mail in mailer.sent.values() if "is closed" in str(mail["subject"])]
    assert [mail["to"] for mail in said] == [email_of("alice")]
    assert [(letter.recipient, letter.text) for letter in letters("good_bye")] == [(NOBODY, "")]


def test_what_was_bought_as_a_guest_with_the_address_is_stripped_too(buyer: Buyer) -> None:
    alice = make_account("alice")
    guest = Buyer(buyer.payments, email=email_of("alice"))
    guest.add(make_product("Bow coat hook", stock=9), 1)
    order_id = guest.buy().order_id
    with transaction() as session:
        session.get_one(Order, order_id).mark_shipped("ups", "1Z-CANARY", now=utcnow())
    account_closing.close(alice, site=SITE, now=utcnow())
    db.release()
    assert db.session.get_one(Order, order_id).email == NOBODY


def test_an_order_that_waits_for_its_payment_is_no_accounts_because_of_its_address(buyer: Buyer) -> None:
    """Anybody may have placed it: where it goes would be in the book, as the default."""
    alice = make_account("alice")
    stranger = Buyer(buyer.payments, email=email_of("alice"))
    stranger.add(make_product("Bow coat hook", stock=9), 1)
    started = stranger.start()
    who = accounts.authenticate(email_of("alice"), PASSWORD)
    sign_ins.begin(who, "a" * 64, user_agent="", address="", now=utcnow())
    buyer.payments.pay(stranger.session_of(started))
    stranger.sync(stranger.session_of(started))
    assert db.session.scalar(select(func.count()).select_from(Address)) == 0
    db.release()
    assert accounts.get(alice)


def test_who_pays_after_closing_the_account_gets_the_parcel(bought: int, buyer: Buyer) -> None:
    """The money was on its way: the order comes back to life, and knows where to go."""
    alices = Buyer(buyer.payments, user_id=bought, email=email_of("alice"))
    alices.add(make_product("Comb cable guide", stock=9), 1)
    address_id = db.session.scalars(select(Address.id)).one()
    started = alices.start(address_id=address_id)
    checkout.cancel(started.order_id, payments=buyer.payments, site=SITE, now=utcnow())
    account_closing.close(bought, site=SITE, now=utcnow())
    db.release()
    assert db.session.get_one(Order, started.order_id).shipping_address == {"country": "US"}
    buyer.payments.pay(alices.session_of(started))
    alices.sync(alices.session_of(started))
    db.release()
    order = db.session.get_one(Order, started.order_id)
    assert order.is_paid and order.shipping_address is not None and order.shipping_address["line1"]


def test_the_only_admin_does_not_close_the_shop_behind_them(database: None) -> None:
    ada = make_account("ada")
    with pytest.raises(LastAdmin):
        account_closing.close(ada, site=SITE, now=utcnow())
    accounts.create("eve@example.com", PASSWORD, role=Role.ADMIN, cost=COST, now=utcnow())
    account_closing.close(ada, site=SITE, now=utcnow())


def test_webhooks_of_a_closed_account_are_found_by_an_index(database: None) -> None:
    for about, name in ((WebhookEvent.OBJECT, "object"), (WebhookEvent.INTENT, "intent")):
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = db.session.scalars(text(f"EXPLAIN SELECT id FROM webhook_events WHERE {about} IN ('a', 'b')")).all()
        assert f"ix_webhook_events_{name}" in "\n".join(plan)

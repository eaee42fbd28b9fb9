"""The end of an account, and the data it leaves with."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound, OrdersOpen
from mountify.models.account import Address, User, UserSession
from mountify.models.order import Order
from mountify.services import account_closing, account_data, accounts, sign_ins
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.cast import PASSWORD, email_of, make_account
from tests.factories import make_product
from tests.fakes import HOME, FakePayments

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
    account_closing.close(bought, now=utcnow())
    while run_jobs():
        pass
    left = everything()
    assert [canary for canary in CANARIES if canary in left] == []
    assert db.session.execute(select(Order.number, Order.total, Order.status, Order.paid_at)).all() == before
    assert db.session.scalars(select(Order.shipping_address)).all() == [{"country": "US"}]


def test_what_hangs_on_an_account_goes_with_it(bought: int) -> None:
    who = accounts.authenticate(email_of("alice"), PASSWORD)
    sign_ins.begin(who, "a" * 64, user_agent="", address="", now=utcnow())
    account_closing.close(bought, now=utcnow())
    for kind in (User, Address, UserSession):
        assert db.session.scalar(select(func.count()).select_from(kind)) == 0
    assert sign_ins.check("a" * 64, now=utcnow()) is None
    with pytest.raises(NotFound):
        account_closing.close(bought, now=utcnow())


def test_a_guest_and_another_customer_keep_what_is_theirs(bought: int, buyer: Buyer) -> None:
    guests = buyer.buy().order_id
    account_closing.close(bought, now=utcnow())
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
            account_closing.close(alice, now=utcnow())
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

"""Checking out to a saved address."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.account import Address
from mountify.models.order import Order
from mountify.services import accounts, addresses
from mountify.services.addresses import Entry
from tests.cast import email_of, make_account, sign_in
from tests.factories import change_settings, make_product, make_shop
from tests.fakes import FakePayments
from tests.web import Browser, field, words

SAID = "Choose one of your addresses, or enter one at payment."


@pytest.fixture
def alice(browser: Browser) -> Browser:
    """Alice, with a part in her cart."""
    make_shop()
    sign_in(browser, "alice")
    part = make_product(stock=9)
    browser.post("/cart/items", {"product_id": part.id, "csrf_token": field(browser.get("/cart"), "csrf_token")})
    return browser


def save(line1: str, name: str = "alice", country: str = "US") -> int:
    entry = Entry(name=name.title(), line1=line1, city="Portland", state="OR", postal_code="97205", country=country)
    return addresses.add(accounts.find_by_email(email_of(name)) or 0, entry, now=utcnow()).id


def send(browser: Browser, **values: object) -> TestResponse:
    page = browser.get("/checkout")
    known = {name: field(page, name) for name in ("csrf_token", "checkout_key", "email")}
    return browser.post("/checkout", {**known, **values})


def the_order() -> Order:
    return db.session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()


def test_saved_addresses_are_offered_and_the_default_is_chosen(alice: Browser) -> None:
    save("41 Alder Street")
    other = save("9 Harbour Road")
    save("1 Rue Verte", country="FR")  # which the shop does not serve
    page = alice.get("/checkout")
    assert "Where should it go?" in words(page) and field(page, "email") == email_of("alice")
    assert "Alice, 41 Alder Street, Portland, OR 97205, United States" in words(page)
    assert "9 Harbour Road" in words(page) and "1 Rue Verte" not in words(page)
    assert "Enter it at payment" in words(page) and page.text.count(" checked") == 1
    assert f'value="{other}" checked' not in page.text


def test_without_saved_addresses_the_page_is_as_ever(alice: Browser) -> None:
    page = alice.get("/checkout")
    assert "You enter it at payment" in words(page) and "Saved addresses" not in words(page)
    assert send(alice).status_code == 303


def test_a_guest_is_offered_to_sign_in_on_the_way_and_nobody_else(alice: Browser, app: Flask) -> None:
    guest = Browser(app)
    guest.post("/cart/items", {"product_id": make_product().id, "quantity": 1})
    page = guest.get("/checkout")
    assert "Have an account? Sign in" in words(page) and 'href="/auth/signin?next=/checkout"' in page.text
    wrong = guest.post("/checkout", {"email": ""})
    assert wrong.status_code == 422 and "Have an account? Sign in" in words(wrong)
    assert "Have an account?" not in words(alice.get("/checkout"))


def test_the_chosen_address_is_the_orders(alice: Browser, payments: FakePayments) -> None:
    save("41 Alder Street")
    answer = send(alice, address_id=save("9 Harbour Road"))
    assert answer.status_code == 303 and "/pay/" in answer.headers["Location"]
    assert (the_order().shipping_address or {})["line1"] == "9 Harbour Road"
    assert payments.asked[-1][1]["payment_intent_data"]["shipping"]["address"]["line1"] == "9 Harbour Road"
    assert "9 Harbour Road" in words(alice.get(f"/orders/{the_order().id}"))


def test_it_can_still_be_entered_at_payment(alice: Browser, payments: FakePayments) -> None:
    save("41 Alder Street")
    assert send(alice, address_id="").status_code == 303
    assert the_order().shipping_address is None and "shipping_address_collection" in payments.asked[-1][1]


@pytest.mark.parametrize("address_id", ["0", "-1", "x", "1.5", "9" * 30, str(2**63), "\x00", "１", "x" * 300])
def test_an_address_that_is_none_is_refused_beside_the_choice(alice: Browser, address_id: str) -> None:
    save("41 Alder Street")
    answer = send(alice, address_id=address_id)
    assert answer.status_code == 422
    assert (
        f'<p class="err" id="address_id-d">{SAID}</p>' in answer.text
        and 'aria-describedby="address_id-d"' in answer.text
    )
    assert db.session.scalars(select(Order.id)).all() == []


def test_nobody_elses_address_can_be_chosen(alice: Browser, app: Flask) -> None:
    make_account("bob")
    theirs = save("9 Harbour Road", "bob")
    assert SAID in words(send(alice, address_id=theirs)) and "9 Harbour Road" not in words(
        send(alice, address_id=theirs)
    )
    guest = Browser(app)
    guest.post("/cart/items", {"product_id": make_product().id})
    key = field(guest.get("/checkout"), "checkout_key")
    answer = guest.post("/checkout", {"email": "g@example.com", "checkout_key": key, "address_id": theirs})
    assert answer.status_code == 422 and SAID in words(answer)
    assert db.session.scalars(select(Order.id)).all() == []


def test_an_address_deleted_in_another_window_is_not_there_any_more(alice: Browser) -> None:
    gone = save("41 Alder Street")
    save("9 Harbour Road")
    addresses.delete(accounts.find_by_email(email_of("alice")) or 0, gone)
    answer = send(alice, address_id=gone)
    assert answer.status_code == 422 and SAID in words(answer) and "9 Harbour Road" in words(answer)
    assert db.session.scalars(select(Address.line1)).all() == ["9 Harbour Road"]


def test_an_address_in_a_country_given_up_meanwhile_is_refused(alice: Browser) -> None:
    address_id = save("41 Alder Street")
    change_settings(countries=("DE",))
    assert send(alice, address_id=address_id).status_code == 422


def test_a_client_of_the_api_chooses_by_number(alice: Browser, payments: FakePayments) -> None:
    address_id, token = save("41 Alder Street"), field(alice.get("/cart"), "csrf_token")
    for wrong in (str(address_id), True, 0, 2**63 - 1, 2**64, [], "x"):
        answer = alice.send("POST", "/api/checkout", {"addressId": wrong}, **{"X-CSRFToken": token})
        assert answer.status_code == 400, wrong
    items = {"items": [{"productId": make_product().id, "quantity": 1}], "addressId": address_id}
    assert alice.send("POST", "/api/checkout", items, **{"X-CSRFToken": token}).status_code == 200
    assert "shipping" in payments.asked[-1][1]["payment_intent_data"]
    for given in ({"addressId": address_id}, {"addressId": None}, {}):
        assert alice.send("POST", "/api/checkout", given, **{"X-CSRFToken": token}).status_code == 200
        is_told = "shipping" in payments.asked[-1][1]["payment_intent_data"]
        assert is_told == bool(given.get("addressId"))

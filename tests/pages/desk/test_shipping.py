"""Shipping at the desk: a form in each row, a parcel that can be corrected, and what the buyer sees of it."""

from __future__ import annotations

import pytest
from flask import Flask

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.order import Order
from mountify.services import accounts, refund_requests, shipping
from mountify.services.checkout import Started
from mountify.services.orders import link_key
from mountify.services.refund_requests import Wish
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, order_of
from tests.cast import email_of, sign_in
from tests.desk import Desk, log_of, somebody
from tests.factories import make_product
from tests.fakes import FakePayments
from tests.letters import letters
from tests.queries import queries
from tests.web import Browser, words

PAGE = "/admin/shipping"
UPS, OTHER = "1Z5R89390357567127", "1Z879E930346834440"
SENT = f"https://www.ups.com/track?tracknum={UPS}"
USPS_FORM = "USPS numbers have 20 to 22 digits. This one has 8."


def at(started: Started, *, page: str = "?page=1") -> str:
    """Where the form of an order is sent to: from its row, or from its own page."""
    return f"/admin/orders/{started.order_id}/shipment{page}"


def send(started: Started, number: str = UPS) -> None:
    shipping.ship(somebody("stan"), started.order_id, "ups", number, site=SITE, now=utcnow())
    db.release()


def test_an_empty_desk_says_what_will_come(ada: Desk) -> None:
    page = words(ada.get(PAGE))
    assert "Nothing to ship" in page and "Nothing is on the way" in page


def test_what_waits_stands_on_the_page_and_in_the_rail(ada: Desk, paid: Started) -> None:
    page = words(ada.get(PAGE))
    assert "1 order, oldest first" in page and "Portland, OR 97205 · 2 parts · paid" in page and "Shipping 1" in page
    assert "Shipping 1" in words(ada.get("/admin/categories"))


def test_an_order_is_shipped_from_its_row(ada: Desk, paid: Started) -> None:
    number = order_of(paid).number
    answer = ada.do(at(paid), carrier="ups", tracking_number="1z 5r8 939 0357567127", mail="1")
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    page = ada.get(PAGE)
    assert f"Order {number} is shipped." in words(page) and "Nothing to ship" in words(page) and SENT in page.text
    assert len(letters("shipped")) == 1 and len(log_of("orders")) == 1
    assert "Ada: shipped it, status paid → shipped, carrier ups" in words(ada.get(at(paid, page="")))


def test_with_script_the_row_goes_and_a_toast_says_so(ada: Desk, paid: Started) -> None:
    answer = ada.swap(at(paid), carrier="ups", tracking_number=UPS, mail="1")
    assert answer.status_code == 200 and "<form" not in answer.text and "<html" not in answer.text
    assert f"Order {order_of(paid).number} is shipped." in words(answer) and SENT in answer.text
    assert 'id="waiting-count">none' in answer.text.replace("\n", "") and "Shipping 1" not in words(answer)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"carrier": "usps", "tracking_number": "9400 1118"}, USPS_FORM),
        ({"carrier": "ups", "tracking_number": UPS[:-1] + "8"}, "its check digit does not fit"),
        ({"carrier": "ups", "tracking_number": " "}, "Enter the tracking number."),
        ({"carrier": "ups", "tracking_number": "<b>" + UPS[3:]}, "UPS numbers do not look like this"),
        ({"carrier": "ups", "tracking_number": "1Z\x00"}, "characters that cannot be used"),
        ({"carrier": "ups", "tracking_number": "1" * 81}, "at most 50 characters"),
        ({"carrier": "", "tracking_number": UPS}, "Choose a carrier."),
        ({"carrier": "pigeon", "tracking_number": UPS}, "Choose a carrier, or enter its number at 17track."),
        ({"carrier": "other", "tracking_number": UPS}, "Choose a carrier, or enter its number at 17track."),
        ({"carrier": "other", "other": "-7", "tracking_number": UPS}, "Choose a carrier, or enter its number"),
        ({"carrier": "other", "other": "1.299,00", "tracking_number": UPS}, "Choose a carrier, or enter its number"),
        ({"carrier": "other", "other": "9" * 19, "tracking_number": UPS}, "Choose a carrier, or enter its number"),
        ({"carrier": "other", "other": "21051", "tracking_number": "9400 1118"}, USPS_FORM),
    ],
)
def test_what_does_not_hold_is_said_in_the_row(ada: Desk, paid: Started, values: dict[str, str], said: str) -> None:
    for path in (at(paid), at(paid, page="")):
        for answer in (ada.do(path, **values), ada.swap(path, **values)):
            assert answer.status_code == 422 and said in words(answer), path
            assert 'aria-invalid="true"' in answer.text and "<b>Z" not in answer.text
    assert order_of(paid).is_to_ship and letters("shipped") == [] and log_of("orders") == []


def test_what_was_typed_stays(ada: Desk, paid: Started) -> None:
    typed = {"carrier": "canadapost", "tracking_number": "9400 1118"}
    for answer in (ada.do(at(paid), **typed), ada.swap(at(paid), **typed)):
        assert 'value="9400 1118"' in answer.text and '<option value="canadapost" selected>' in answer.text


def test_any_carrier_of_17track_can_be_named(ada: Desk, paid: Started) -> None:
    ada.do(at(paid), carrier="other", other="11031", tracking_number="RB 123 456 785 GB", mail="1")
    page = ada.get(at(paid, page=""))
    assert "carrier 11031 RB123456785GB" in words(page)
    assert '<option value="other" selected>' in page.text and 'value="11031"' in page.text


def test_the_second_click_ships_nothing_twice(ada: Desk, paid: Started) -> None:
    for _ in range(2):
        assert ada.do(at(paid), carrier="ups", tracking_number=UPS, mail="1").status_code == 303
    assert len(letters("shipped")) == len(log_of("orders")) == 1


def test_what_somebody_else_has_shipped_meanwhile_is_said(ada: Desk, paid: Started) -> None:
    send(paid, OTHER)
    for path in (at(paid), at(paid, page="")):
        for answer in (
            ada.do(path, carrier="ups", tracking_number=UPS),
            ada.swap(path, carrier="ups", tracking_number=UPS),
        ):
            assert answer.status_code == 409 and "is on its way already, as another parcel" in words(answer)
    assert order_of(paid).tracking_number == OTHER and len(letters("shipped")) == 1


def test_what_is_not_paid_or_goes_back_is_not_shipped(ada: Desk, buyer: Buyer) -> None:
    pending = buyer.start()
    for path in (at(pending), at(pending, page=""), f"/admin/orders/{pending.order_id}/shipment/correction"):
        answer = ada.do(path, carrier="ups", tracking_number=UPS)
        assert answer.status_code == 409 and ("is pending" in words(answer) or "no parcel" in words(answer))
    assert "Mark as shipped" not in ada.get(at(pending, page="")).text


def test_what_is_asked_back_is_not_shipped(ada: Desk, paid: Started) -> None:
    refund_requests.request(paid.order_id, Wish(), now=utcnow())
    for answer in (
        ada.do(at(paid), carrier="ups", tracking_number=UPS),
        ada.swap(at(paid), carrier="ups", tracking_number=UPS),
    ):
        assert answer.status_code == 409 and "is on its way back" in words(answer)
    assert order_of(paid).is_to_ship


def test_an_order_is_shipped_from_its_own_page_without_a_mail(ada: Desk, paid: Started) -> None:
    page = ada.get(at(paid, page=""))
    assert "Mark as shipped" in page.text and "Email the customer" in page.text
    answer = ada.do(at(paid, page=""), carrier="ups", tracking_number=UPS)
    assert (answer.status_code, answer.headers["Location"]) == (303, at(paid, page=""))
    assert letters("shipped") == [] and "Correct the number" in words(ada.get(at(paid, page="")))


def test_a_wrong_number_is_corrected_and_the_buyer_told_when_asked(ada: Desk, paid: Started) -> None:
    send(paid)
    path = f"/admin/orders/{paid.order_id}/shipment/correction"
    bad = ada.do(path, carrier="usps", tracking_number="9400 1118")
    assert bad.status_code == 422 and USPS_FORM in words(bad)
    assert ada.do(path, carrier="ups", tracking_number=OTHER).status_code == 303
    page = words(ada.get(at(paid, page="")))
    assert "is corrected." in page and "Ada: corrected the tracking number" in page and len(letters("shipped")) == 1
    told = ada.swap(path, carrier="ups", tracking_number=UPS, mail="1")
    assert told.headers["HX-Redirect"] == at(paid, page="") and len(letters("shipped")) == 2
    assert order_of(paid).tracking_number == UPS


def test_unknown_orders_are_not_found(ada: Desk) -> None:
    for number in ("1", str(2**63 - 1)):
        for path in (f"/admin/orders/{number}/shipment", f"/admin/orders/{number}/shipment/correction"):
            assert ada.do(path, carrier="ups", tracking_number=UPS).status_code == 404
        assert ada.get(f"/admin/orders/{number}/shipment").status_code == 404


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=%00", "sent=0", "sent=1e9", "sent=" + "9" * 30])
def test_a_page_that_is_none_shows_something(ada: Desk, query: str) -> None:
    assert ada.get(f"{PAGE}?{query}").status_code == 200


def test_a_page_past_the_end_says_so(ada: Desk, paid: Started) -> None:
    assert "This page is past the end There is 1 page." in words(ada.get(f"{PAGE}?page=2"))
    send(paid)
    page = words(ada.get(f"{PAGE}?sent=2"))
    assert "Nothing to ship" in page and "This page is past the end There is 1 page." in page


def test_a_guest_and_an_account_see_who_carries_it_and_follow_it_there(
    app: Flask, browser: Browser, paid: Started
) -> None:
    path = f"/orders/{paid.order_id}?key={link_key(app.config['SECRET_KEY'], paid.order_id)}"
    assert "Carrier" not in words(browser.get(path))
    send(paid, OTHER)
    shipping.correct(somebody(), paid.order_id, "ups", UPS, site=SITE, now=utcnow())
    db.release()
    page = browser.get(path)
    assert "Carrier UPS" in words(page) and "Tracking number corrected" in words(page)
    assert f'<a href="{SENT}" rel="noopener noreferrer">{UPS}' in page.text


def test_the_account_that_bought_it_is_told_as_json_too(app: Flask, ada: Desk, payments: FakePayments) -> None:
    alice = Browser(app)
    sign_in(alice, "alice")
    buyer = Buyer(payments, user_id=accounts.find_by_email(email_of("alice")))
    buyer.add(make_product())
    bought = buyer.buy()
    send(bought)
    assert SENT in alice.get(f"/orders/{bought.order_id}").text
    (order,) = alice.get("/api/orders/my-orders").json["orders"]
    assert (order["trackingNumber"], order["carrier"]) == (UPS, "ups")
    assert order["shippedAt"] and order["status"] == "shipped"


def test_of_a_closed_accounts_order_no_number_is_shown(app: Flask, browser: Browser, paid: Started) -> None:
    send(paid)
    with transaction() as session:
        session.get_one(Order, paid.order_id).tracking_number = None
    page = words(browser.get(f"/orders/{paid.order_id}?key={link_key(app.config['SECRET_KEY'], paid.order_id)}"))
    assert "Carrier" not in page and "None" not in page


def test_a_page_asks_little(ada: Desk, paid: Started) -> None:
    send(paid)
    ada.get(PAGE)
    assert len(queries(lambda: ada.get(PAGE))) <= 10
    assert len(queries(lambda: ada.get(at(paid, page="")))) <= 10

"""The address book: seen and changed by its owner only, whatever is sent."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.account import Address
from mountify.services import accounts, addresses
from mountify.services.addresses import Entry
from tests.cast import email_of, make_account, sign_in
from tests.factories import change_settings, make_shop
from tests.web import Browser, field, words

PAGE = "/settings/addresses"
HOME = {
    "name": "Alice Alder",
    "line1": "41 Alder Street",
    "line2": "Apt 3",
    "city": "Portland",
    "state": "OR",
    "postal_code": "97205",
    "country": "US",
    "phone": "+1 503 555 0100",
}


@pytest.fixture
def alice(browser: Browser) -> Browser:
    make_shop()
    sign_in(browser, "alice")
    return browser


def send(browser: Browser, path: str = PAGE, **values: str) -> TestResponse:
    """Send the form of the page, with what differs from a good address."""
    token = field(browser.get(PAGE), "csrf_token")
    return browser.post(path, {**HOME, **values, "csrf_token": token})


def book() -> list[tuple[str, bool]]:
    rows = db.session.execute(select(Address.line1, Address.is_default).order_by(Address.id))
    return [(row.line1, row.is_default) for row in rows]


def of_another() -> int:
    """An address in somebody else's book."""
    entry = Entry(name="Bob", line1="9 Harbour Road", city="Salem", postal_code="97301", country="US")
    bob = accounts.find_by_email(email_of("bob")) or make_account("bob")
    return addresses.add(bob, entry, now=utcnow()).id


def test_an_address_is_added_changed_made_default_and_deleted(alice: Browser) -> None:
    assert "No address yet" in words(alice.get(PAGE))
    answer = send(alice)
    assert answer.status_code == 303 and answer.headers["Location"] == PAGE
    shown = words(alice.get(PAGE))
    assert "The address is saved." in shown
    assert "Default Alice Alder 41 Alder Street, Apt 3 Portland, OR 97205 United States" in shown
    send(alice, line1="9 Harbour Road")
    first, second = (address.id for address in db.session.scalars(select(Address).order_by(Address.id)))
    assert "9 Harbour Road is your default" in words(_follow(alice, f"{PAGE}/{second}/default"))
    assert book() == [("41 Alder Street", False), ("9 Harbour Road", True)]
    page = alice.get(f"{PAGE}/{first}")
    assert field(page, "line1") == "41 Alder Street" and '<option value="US" selected>' in page.text
    assert send(alice, f"{PAGE}/{first}", line1="41 Elm Street", is_default="1").status_code == 303
    assert book() == [("41 Elm Street", True), ("9 Harbour Road", False)]
    assert "The address is deleted." in words(_follow(alice, f"{PAGE}/{first}/removal"))
    assert book() == [("9 Harbour Road", True)]


def test_spaces_too_many_are_left_out_and_make_no_second_address(alice: Browser) -> None:
    for line1 in ("41 Alder Street", "  41   Alder  Street ", "41 Alder Street "):
        assert send(alice, line1=line1).status_code == 303
    assert book() == [("41 Alder Street", True)]
    inside = send(alice, line1="41\tAlder Street")
    assert inside.status_code == 422 and "characters that cannot be used here" in words(inside)


def _follow(browser: Browser, path: str) -> TestResponse:
    answer = send(browser, path)
    assert answer.status_code == 303
    return browser.get(answer.headers["Location"])


def test_htmx_is_sent_on_or_gets_the_form(alice: Browser) -> None:
    token = field(alice.get(PAGE), "csrf_token")
    part = alice.htmx("POST", PAGE, {**HOME, "city": "", "csrf_token": token})
    assert part.status_code == 422 and part.text.lstrip().startswith("<form") and "Enter the city." in words(part)
    saved = alice.htmx("POST", PAGE, {**HOME, "csrf_token": token})
    assert saved.headers["HX-Redirect"] == PAGE
    address_id = db.session.scalars(select(Address.id)).one()
    assert alice.htmx("GET", f"{PAGE}/{address_id}").text.lstrip().startswith("<form")
    part = alice.htmx("POST", f"{PAGE}/{address_id}", {**HOME, "city": "", "csrf_token": token})
    assert part.status_code == 422 and "Enter the city." in words(part)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": " "}, "Enter the name that is on the door."),
        ({"line1": ""}, "Enter street and number."),
        ({"line1": "x" * 300}, "This has room for 200 characters."),
        ({"line2": "x" * 300}, "This has room for 200 characters."),
        ({"name": "x" * 300}, "This has room for 120 characters."),
        ({"phone": "1" * 300}, "This has room for 40 characters."),
        ({"city": "Port\x00land"}, "This contains characters that cannot be used here."),
        ({"state": "\x1b"}, "This contains characters that cannot be used here."),
        ({"postal_code": ""}, "Enter the postal code."),
        ({"postal_code": "9720"}, "ZIP codes have 5 digits, or 9."),
        ({"postal_code": "９７２０５"}, "ZIP codes have 5 digits, or 9."),
        ({"postal_code": "x" * 300, "country": "DE"}, "This has room for 20 characters."),
        ({"country": ""}, "Choose a country."),
        ({"country": "FR"}, "We deliver to: Germany, United States."),
        ({"country": "x" * 300}, "We deliver to: Germany, United States."),
        ({"country": "\x00"}, "We deliver to: Germany, United States."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_changes_nothing(
    alice: Browser, values: dict[str, str], said: str
) -> None:
    send(alice, line1="9 Harbour Road")
    (kept,) = db.session.scalars(select(Address.id))
    (name,) = (name for name in values if name != "country" or len(values) == 1)
    for path in (PAGE, f"{PAGE}/{kept}"):
        answer = send(alice, path, **values)
        assert answer.status_code == 422
        assert (
            f'<p class="err" id="{name}-d">{said}</p>' in answer.text and f'aria-describedby="{name}-d"' in answer.text
        )
        assert "check details" in answer.text.split("</title>")[0]
    assert book() == [("9 Harbour Road", True)]


@pytest.mark.parametrize("code", ["97205", "97205-1234", "972051234"])
def test_zip_codes_have_five_or_nine_digits(alice: Browser, code: str) -> None:
    assert send(alice, postal_code=code).status_code == 303


def test_a_surrogate_is_no_letter(alice: Browser) -> None:
    token = field(alice.get(PAGE), "csrf_token")
    body = "&".join([f"csrf_token={token}", "name=%ED%A0%80", "line1=A", "city=B", "postal_code=97205", "country=US"])
    answer = alice.post(PAGE, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (303, 422)
    assert all("\ud800" not in address.name for address in db.session.scalars(select(Address)))


def test_what_was_typed_is_kept_when_something_is_wrong(alice: Browser) -> None:
    answer = send(alice, city="", name='"><b>Ann', country="DE")
    assert field(answer, "name") == '"><b>Ann' and '<option value="DE" selected>' in answer.text


def test_an_unknown_country_of_former_times_is_shown_and_has_to_be_changed(alice: Browser) -> None:
    send(alice)
    (address_id,) = db.session.scalars(select(Address.id))
    change_settings(countries=("DE",))
    page = alice.get(f"{PAGE}/{address_id}")
    assert '<option value="US" selected>United States' in page.text
    assert send(alice, f"{PAGE}/{address_id}").status_code == 422


def test_a_full_book_says_so(alice: Browser) -> None:
    user_id = accounts.find_by_email(email_of("alice")) or 0
    for number in range(addresses.MOST):
        addresses.add(user_id, Entry(**HOME | {"line1": f"Street {number}"}), now=utcnow())
    answer = send(alice)
    assert answer.status_code == 409 and "at most 50 addresses" in words(answer)
    assert field(answer, "line1") == "41 Alder Street"


def test_one_address_does_not_become_another(alice: Browser) -> None:
    send(alice)
    send(alice, line1="9 Harbour Road")
    second = db.session.scalars(select(Address.id).where(Address.line1 == "9 Harbour Road")).one()
    answer = send(alice, f"{PAGE}/{second}")
    assert answer.status_code == 409 and "Another of your addresses has this street" in words(answer)


@pytest.mark.parametrize("end", ["", "/default", "/removal"])
def test_other_peoples_addresses_are_not_found(alice: Browser, end: str) -> None:
    theirs = of_another()
    for address_id in (theirs, 2**63 - 1):
        assert send(alice, f"{PAGE}/{address_id}{end}").status_code == 404
    for no_id in (2**63, 2**64, 0, "x"):
        assert send(alice, f"{PAGE}/{no_id}{end}").status_code in (404, 405)
    assert alice.get(f"{PAGE}/{2**63}").status_code == 404
    assert alice.get(f"{PAGE}/{theirs}").status_code == 404
    assert book() == [("9 Harbour Road", True)]


def test_nobody_writes_into_another_accounts_book(alice: Browser) -> None:
    theirs = of_another()
    send(alice, user_id=str(accounts.find_by_email(email_of("bob"))), id=str(theirs), created_at="1990-01-01")
    owners = db.session.execute(select(Address.line1, Address.user_id).order_by(Address.id)).all()
    assert [line1 for line1, _ in owners] == ["9 Harbour Road", "41 Alder Street"]
    assert owners[1].user_id == accounts.find_by_email(email_of("alice"))


def test_a_guest_signs_in_first_and_comes_back(app: Flask) -> None:
    make_shop()
    browser = Browser(app)
    answer = browser.get(PAGE)
    assert answer.status_code == 303 and answer.headers["Location"] == "/auth/signin?next=/settings/addresses"
    assert field(browser.get(answer.headers["Location"]), "next") == PAGE
    assert browser.htmx("GET", PAGE).headers["HX-Redirect"] == "/auth/signin?next=/settings/addresses"
    browser.get("/orders?page=2")
    assert browser.post(PAGE, HOME).headers["Location"] == "/auth/signin?next=/orders?page%3D2"
    assert book() == []


def test_the_pages_of_an_account_lead_to_each_other(alice: Browser) -> None:
    for path in ("/orders", PAGE):
        text = alice.get(path).text
        assert f'<a href="{path}" aria-current="page">' in text
        for other in ("/orders", PAGE, "/settings"):
            assert f'href="{other}"' in text
        assert '<form method="post" action="/auth/signout">' in text
        assert "Cache-Control" in alice.get(path).headers and "no-store" in alice.get(path).headers["Cache-Control"]

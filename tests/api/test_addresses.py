"""The address book as JSON."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.cast import sign_in
from tests.factories import make_shop
from tests.web import Browser, field

BOOK = "/api/user/addresses"
HOME: dict[str, Any] = {
    "name": "Alice Alder",
    "line1": "41 Alder Street",
    "city": "Portland",
    "postalCode": "97205",
    "country": "US",
}


class Client:
    """Somebody who is signed in, and sends the token with each change."""

    def __init__(self, app: Flask, name: str) -> None:
        self.browser = Browser(app)
        sign_in(self.browser, name)
        self.token = field(self.browser.get("/settings/addresses"), "csrf_token")

    def send(self, method: str, path: str = BOOK, body: Any = None) -> Any:
        return self.browser.send(method, path, body, **{"X-CSRFToken": self.token})

    @property
    def book(self) -> list[dict[str, Any]]:
        return list(self.browser.get(BOOK).json["addresses"])


@pytest.fixture
def alice(app: Flask) -> Client:
    make_shop()
    return Client(app, "alice")


def test_a_book_is_filled_changed_and_emptied(alice: Client) -> None:
    assert alice.book == []
    added = alice.send("POST", body=HOME)
    assert added.status_code == 201
    first = added.json["address"]
    assert {name: first[name] for name in HOME} == HOME
    assert (first["isDefault"], first["line2"], first["state"], first["phone"]) == (True, None, None, None)
    second = alice.send("POST", body=HOME | {"line1": "9 Harbour Road", "state": "OR", "isDefault": True}).json[
        "address"
    ]
    assert [address["id"] for address in alice.book] == [second["id"], first["id"]]
    changed = alice.send("PUT", f"{BOOK}/{first['id']}", HOME | {"city": "Salem", "isDefault": True})
    assert changed.status_code == 200 and changed.json["address"]["city"] == "Salem"
    assert [address["isDefault"] for address in alice.book] == [True, False]
    gone = alice.send("DELETE", f"{BOOK}/{first['id']}")
    assert gone.status_code == 200 and gone.json == {"success": True, "deleted": first["id"]}
    assert [(address["id"], address["isDefault"]) for address in alice.book] == [(second["id"], True)]
    assert alice.send("DELETE", f"{BOOK}/{first['id']}").status_code == 404


def test_the_same_street_and_code_updates_the_row(alice: Client) -> None:
    first = alice.send("POST", body=HOME).json["address"]["id"]
    again = alice.send("POST", body=HOME | {"name": "A. Alder", "phone": None})
    assert (again.status_code, again.json["address"]["id"]) == (201, first)
    assert [address["name"] for address in alice.book] == ["A. Alder"]
    other = alice.send("POST", body=HOME | {"line1": "B"}).json["address"]["id"]
    assert alice.send("PUT", f"{BOOK}/{other}", HOME).status_code == 409


@pytest.mark.parametrize("name", [*HOME, "line2", "state", "phone"])
@pytest.mark.parametrize("value", [5, True, [], {}, "x" * 300, "a\x00b", "\ud800"], ids=repr)
def test_what_is_no_address_is_refused_with_its_field(alice: Client, name: str, value: Any) -> None:
    answer = alice.send("POST", body=HOME | {name: value})
    assert answer.status_code == 400 and list(answer.json["fields"]) == [name], answer.json
    assert alice.book == []


@pytest.mark.parametrize("value", ["true", 1, 0, "", [], "yes"], ids=repr)
def test_a_default_is_true_or_false(alice: Client, value: Any) -> None:
    answer = alice.send("POST", body=HOME | {"isDefault": value})
    assert answer.status_code == 400 and answer.json["fields"] == {"isDefault": ["This must be true or false."]}
    assert alice.send("POST", body=HOME | {"isDefault": False}).json["address"]["isDefault"] is True
    other = alice.send("POST", body=HOME | {"line1": "B", "isDefault": False})
    assert other.json["address"]["isDefault"] is False


@pytest.mark.parametrize("body", [None, [], "x", 5, {}])
def test_a_body_that_is_no_address_is_refused(alice: Client, body: Any) -> None:
    assert alice.send("POST", body=body).status_code in (400, 415)
    assert alice.book == []


def test_another_accounts_addresses_are_not_found(alice: Client, app: Flask) -> None:
    mine = alice.send("POST", body=HOME).json["address"]["id"]
    mallory = Client(app, "mallory")
    for address_id, refused in ((mine, {404}), (2**63 - 1, {404}), (2**63, {404, 405}), (0, {404, 405})):
        assert mallory.send("PUT", f"{BOOK}/{address_id}", HOME | {"city": "Elsewhere"}).status_code in refused
        assert mallory.send("DELETE", f"{BOOK}/{address_id}").status_code in refused
    assert mallory.book == [] and alice.book[0]["city"] == "Portland"


def test_a_guest_has_no_book(app: Flask) -> None:
    guest = Browser(app)
    assert guest.get(BOOK).status_code == 401
    for method, path in (("POST", BOOK), ("PUT", f"{BOOK}/1"), ("DELETE", f"{BOOK}/1")):
        assert guest.send(method, path, HOME).status_code == 401

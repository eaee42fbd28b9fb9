"""Rate limits of accounts: by address and by account, by page and by API together, and never for a typo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from mountify.app import create_app
from mountify.config import Config
from mountify.gateways import Gateways
from tests.cast import PASSWORD, email_of, is_signed_in, make_account, token_of
from tests.factories import make_product, make_shop
from tests.letters import letters
from tests.web import Browser

ALICE = email_of("alice")


@pytest.fixture
def limited(config: Config, gateways: Gateways, database: None, redis: Redis) -> Flask:
    make_shop()
    app = create_app(replace(config, rate_limits=True, trusted_proxies=1), gateways)
    app.testing = True
    return app


class Client(Browser):
    """A browser behind the trusted proxy, which says where it comes from."""

    def __init__(self, app: Flask, address: str = "203.0.113.7") -> None:
        super().__init__(app)
        self.address = address
        self.client.environ_base["HTTP_X_FORWARDED_FOR"] = address

    def try_password(self, email: str = ALICE, password: str = "wrong", forged: str = "") -> TestResponse:
        if forged:
            self.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"{forged}, {self.address}"
        return self.post("/auth/signin", {"email": email, "password": password})

    def try_by_api(self, email: str = ALICE, password: str = "wrong") -> TestResponse:
        return self.send("POST", "/api/auth/login", {"email": email, "password": password})


def statuses(answers: list[TestResponse]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_ten_wrong_passwords_are_the_most_for_one_account_wherever_they_come_from(limited: Flask) -> None:
    make_account("alice")
    tries = [Client(limited, f"203.0.113.{number}").try_password() for number in range(10)]
    assert statuses(tries) == [401] * 10
    locked = Client(limited, "198.51.100.1").try_password(password=PASSWORD)
    assert locked.status_code == 429 and 1 <= int(locked.headers["Retry-After"]) <= 300
    by_api = Client(limited, "198.51.100.2").try_by_api(ALICE.upper(), PASSWORD)
    assert by_api.status_code == 429 and by_api.get_json()["retryAfter"] >= 1
    make_account("bob")
    assert Client(limited, "198.51.100.3").try_password(email_of("bob"), PASSWORD).status_code == 303


def test_ten_wrong_passwords_are_the_most_for_one_address_whoever_they_are_about(limited: Flask) -> None:
    client = Client(limited)
    tries = [client.try_password(f"guess{number}@example.com") for number in range(5)]
    tries += [client.try_by_api(f"guess{number}@example.com") for number in range(5, 10)]
    assert statuses(tries) == [401] * 10
    assert client.try_password("guess11@example.com").status_code == 429


def test_who_has_no_tries_left_takes_none_from_the_accounts_they_name(limited: Flask) -> None:
    """Else one client locks out one account after the other."""
    make_account("alice")
    mallory = Client(limited)
    for number in range(10):
        mallory.try_password(f"guess{number}@example.com")
    assert statuses([mallory.try_password() for _ in range(12)]) == [429] * 12
    assert Client(limited, "198.51.100.1").try_password(password=PASSWORD).status_code == 303


def test_another_spelling_of_an_account_has_no_tries_of_its_own(limited: Flask) -> None:
    make_account("vic")
    tries = [Client(limited, f"203.0.113.{number}").try_password("vİc@example.com") for number in range(12)]
    assert statuses(tries) == [422] * 12


def test_strangers_tries_keep_nobody_from_showing_that_it_is_them(limited: Flask) -> None:
    make_account("alice")
    alice = Client(limited, "198.51.100.1")
    alice.try_password(password=PASSWORD)
    for number in range(12):
        Client(limited, f"203.0.113.{number}").try_password()
    form = {"password": PASSWORD, "next": "/settings/email", "csrf_token": token_of(alice)}
    assert alice.post("/auth/proof", form).status_code == 303


def test_a_password_that_is_too_easy_is_no_try(limited: Flask) -> None:
    make_account("alice")
    client = Client(limited)
    easy = [client.post("/auth/register", {"email": "sam@example.com", "password": "sam12345"}) for _ in range(6)]
    client.try_password(password=PASSWORD)
    form = {"current_password": PASSWORD, "new_password": "alice1234"}
    easy += [client.post("/settings/password", {**form, "csrf_token": token_of(client)}) for _ in range(6)]
    assert statuses(easy) == [422] * 12


def test_what_a_client_says_about_its_address_changes_nothing(limited: Flask) -> None:
    client = Client(limited)
    for number in range(10):
        client.try_password(f"guess{number}@example.com", forged=f"192.0.2.{number}")
    assert client.try_password("guess11@example.com", forged="192.0.2.99").status_code == 429


def test_others_on_the_same_address_still_shop(limited: Flask) -> None:
    client = Client(limited)
    for number in range(11):
        client.try_password(f"guess{number}@example.com")
    part, other = make_product(), Client(limited)
    assert other.post("/cart/items", {"product_id": part.id, "quantity": 1}).status_code == 303


def test_a_typo_is_no_try(limited: Flask) -> None:
    """An earlier shop locked whoever mistyped an address for ten minutes."""
    make_account("alice")
    client = Client(limited)
    for _ in range(30):
        assert client.try_password("no address", "").status_code == 422
        assert client.post("/auth/register", {"email": "no", "password": "short"}).status_code == 422
        assert client.post("/auth/forgot-password", {"email": "no"}).status_code == 422
    assert client.try_password(password=PASSWORD).status_code == 303


@pytest.mark.parametrize(
    ("page", "api", "form", "most"),
    [
        ("/auth/register", "/api/auth/register", {"email": "{}@example.com", "password": PASSWORD}, 5),
        ("/auth/forgot-password", "/api/auth/forgot-password", {"email": "{}@example.com"}, 10),
        ("/auth/reset-password", "/api/auth/reset-password", {"token": "x" * 43, "password": PASSWORD}, 10),
    ],
)
def test_page_and_api_count_together(limited: Flask, page: str, api: str, form: dict[str, str], most: int) -> None:
    client = Client(limited)

    def values(number: int) -> dict[str, Any]:
        return {name: value.format(f"somebody{number}") for name, value in form.items()}

    answers = [
        client.post(page, values(number)) if number % 2 else client.send("POST", api, values(number))
        for number in range(most)
    ]
    assert 429 not in statuses(answers)
    assert client.post(page, values(99)).status_code == client.send("POST", api, values(98)).status_code == 429
    assert Client(limited, "198.51.100.9").post(page, values(97)).status_code != 429


def test_a_password_is_changed_three_times_in_a_quarter_of_an_hour_at_most(limited: Flask) -> None:
    make_account("alice")
    client = Client(limited)
    client.try_password(password=PASSWORD)
    form = {"current_password": "wrong", "new_password": "another long and boring one"}
    tries = [client.post("/settings/password", {**form, "csrf_token": token_of(client)}) for _ in range(4)]
    assert statuses(tries) == [422, 422, 422, 429]


def test_the_fourth_link_for_one_address_is_not_sent_and_nobody_is_told(
    limited: Flask, run_jobs: Callable[[], int]
) -> None:
    make_account("alice")
    told = {
        Client(limited, f"203.0.113.{number}").post("/auth/forgot-password", {"email": ALICE}).status_code
        for number in range(5)
    }
    run_jobs()
    assert told == {303} and len(letters("reset_password")) == 3


def test_a_right_password_after_nine_wrong_ones_is_let_in(limited: Flask) -> None:
    make_account("alice")
    client = Client(limited)
    for _ in range(9):
        client.try_password()
    assert client.try_password(password=PASSWORD).status_code == 303 and is_signed_in(client)

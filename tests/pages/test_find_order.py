"""Whoever has lost the mail gets the links again, and nobody learns who has ordered."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.models.email import Email
from tests.factories import make_shop
from tests.fakes import FakeMailer, FakePayments
from tests.queries import queries
from tests.web import ORIGIN, Browser, words

from .test_orders import addresses, check_out

NEUTRAL = "If there are orders with that address, their links are on the way to it."


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def ask(browser: Browser, email: str) -> str:
    answer = browser.post("/find-my-order", {"email": email})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/find-my-order")
    return words(browser.get("/find-my-order"))


def link_mails() -> int:
    return db.session.scalar(select(func.count()).select_from(Email).where(Email.kind == "order_links")) or 0


def test_the_links_lead_to_the_orders_of_that_address(
    browser: Browser, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    session_id = check_out(browser, "sam@example.com")
    payments.pay(session_id)
    browser.get(addresses(payments, session_id)[0])
    run_jobs()
    mailer.sent.clear()
    assert NEUTRAL in ask(browser, "  SAM@example.com ")
    assert run_jobs() == 1  # looks
    assert run_jobs() == 1  # writes
    letter = next(iter(mailer.sent.values()))
    assert letter["to"] == "sam@example.com" and letter["subject"] == "Your orders at Mountify"
    links = re.findall(rf"{ORIGIN}(/orders/\d+\?key=\w+)", str(letter["text"]))
    assert len(links) == 1
    stranger = Browser(browser.client.application)
    assert stranger.get(links[0]).status_code == 200
    assert f"{ORIGIN}{links[0]}" in str(letter["html"])


def test_asking_again_at_once_sends_nothing_more(
    browser: Browser, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    session_id = check_out(browser)
    payments.pay(session_id)
    browser.get(addresses(payments, session_id)[0])
    for _ in range(3):
        assert NEUTRAL in ask(browser, "sam@example.com")
    run_jobs()
    assert link_mails() == 1


def test_an_address_without_a_paid_order_gets_the_same_answer_and_no_mail(
    browser: Browser, run_jobs: Callable[[], int]
) -> None:
    check_out(browser, "sam@example.com")
    for address in ("sam@example.com", "nobody@example.com"):
        assert NEUTRAL in ask(browser, address)
    run_jobs()
    assert link_mails() == 0


def test_the_shop_does_the_same_whoever_is_asked_about(browser: Browser, payments: FakePayments) -> None:
    """How long an answer takes tells nothing, because nobody has looked yet."""
    session_id = check_out(browser, "sam@example.com")
    payments.pay(session_id)
    browser.get(addresses(payments, session_id)[0])
    browser.get("/find-my-order")
    asked = [
        queries(lambda address=address: browser.post("/find-my-order", {"email": address}))
        for address in ("sam@example.com", "nobody@example.com")
    ]
    assert asked[0] == asked[1] and not any("FROM orders" in query for query in asked[0])


@pytest.mark.parametrize("typed", ["", "sam", "sam@", "a" * 300 + "@example.com", "sam\x00@example.com"])
def test_what_is_no_address_is_said_beside_the_field(browser: Browser, typed: str) -> None:
    answer = browser.post("/find-my-order", {"email": typed})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'aria-invalid="true"' in text and 'aria-describedby="email-d"' in text

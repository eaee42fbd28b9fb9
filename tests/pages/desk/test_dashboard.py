"""The desk's first page: an empty shop, a busy one, and who lands there."""

from __future__ import annotations

import pytest
from flask import Flask

from mountify.core.clock import utcnow
from mountify.models.attention import AttentionKind
from mountify.services import attention_notes
from mountify.services.checkout import Started
from mountify.transaction import transaction
from tests.cast import PASSWORD, email_of, make_account
from tests.desk import Desk
from tests.web import Browser, words

PAGE = "/admin"


@pytest.mark.parametrize("days", ["", "1", "7", "30", "90", "365", "-1", "abc", "9" * 30, "%00"])
def test_an_empty_shop_has_zeros_in_every_period(ada: Desk, days: str) -> None:
    answer = ada.get(f"{PAGE}?days={days}")
    page = words(answer)
    assert answer.status_code == 200 and "Revenue $0.00" in page and "Orders 0" in page and "<svg" in answer.text


def test_a_busy_shop_shows_what_came_in_and_what_waits(app: Flask, paid: Started) -> None:
    ada, now = Desk(app), utcnow()
    with transaction() as session:
        attention_notes.note(session, AttentionKind.DISPUTE, "du_1", "A bank asks.", order_id=paid.order_id, now=now)
    page = words(ada.get(PAGE))
    assert "Revenue $32.50" in page and "Orders 1" in page and "To ship 1" in page
    assert "sam @example.com" in page and "A bank asks." in page and "mountify attention done" in page
    assert "Ledge Phone Stand" in page  # three of five are left, which is low


def test_the_office_lands_at_the_desk_and_shoppers_in_the_shop(app: Flask) -> None:
    for name, where in (("ada", PAGE), ("stan", PAGE), ("alice", "/")):
        browser = Browser(app)
        make_account(name)
        browser.get("/auth/signin")
        answer = browser.post("/auth/signin", {"email": email_of(name), "password": PASSWORD})
        assert answer.headers["Location"] == where, name
        assert ("Desk" in words(browser.get("/settings"))) is (where == PAGE)
        assert browser.get("/auth/signin").headers["Location"] == (where if where == PAGE else "/orders")

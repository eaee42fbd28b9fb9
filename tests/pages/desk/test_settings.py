"""The shop's settings: for admins who have just shown who they are, each change in the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from mountify import db
from mountify.core.money import Money
from mountify.models.account import UserSession
from mountify.services.settings import Shop, get_shop
from mountify.store import ask
from tests.desk import Desk, log_of
from tests.factories import change_settings
from tests.fakes import FakePayments
from tests.web import field, words

PAGE = "/admin/settings"
SETTINGS = {
    "name": "Bolt & Co",
    "claim": "Made to hold.",
    "lead": "",
    "about": "",
    "sender_name": "Bolt & Co, orders",
    "contact_email": "hello@bolt.example",
    "address": "1 Main Street",
    "returns_in_short": "30 days",
    "countries": ["US", "DE"],
    "low_stock": "6",
    "shipping_flat": "5.00",
    "shipping_free_from": "",
}


def shop() -> Shop:
    db.release()
    return get_shop()


def logged() -> list[tuple[str, dict[str, Any]]]:
    """What was changed since the shop was set up."""
    return log_of("settings")[1:]


def grow_old() -> None:
    """Let it be eleven minutes ago that anybody showed who they are."""
    db.session.execute(update(UserSession).values(created_at=UserSession.created_at - timedelta(minutes=11)))
    db.session.commit()
    ask(lambda redis: redis.flushdb())


def test_the_settings_are_saved_and_the_log_says_what_they_were(ada: Desk) -> None:
    assert ada.do(PAGE, **SETTINGS).status_code == 303
    page = words(ada.get(PAGE))
    assert "The settings are saved." in page and "Ada: changed the settings" in page
    assert "Bolt & Co" in words(ada.get("/"))
    now = shop()
    assert (now.name, now.countries, now.low_stock) == ("Bolt & Co", ("US", "DE"), 6)
    assert (now.shipping_flat, now.shipping_free_from) == (Money.of("5.00"), None)
    ((action, changes),) = logged()
    assert action == "settings.changed" and changes["shipping_flat"] == ["4.50", "5.00"]
    assert changes["name"] == ["Mountify", "Bolt & Co"] and "countries" not in changes


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("name", " ", "Enter the shop's name."),
        ("name", "x" * 61, "This has room for 60 characters."),
        ("name", "a\x00b", "characters that cannot be used"),
        ("sender_name", "x" * 61, "This has room for 60 characters."),
        ("sender_name", "a\r\nBcc: b@x.example", "characters that cannot be used"),
        ("contact_email", "nobody", "Enter an email address"),
        ("low_stock", "-1", "between 0 and 10000"),
        ("low_stock", "4.5", "Enter a whole number."),
        ("shipping_flat", "", "Enter what shipping costs"),
        ("shipping_flat", " ", "Enter what shipping costs"),
        ("shipping_flat", "1.299,00", "with a point"),
        ("shipping_flat", "-4.50", "with a point"),
        ("shipping_flat", "4.505", "with a point"),
        ("shipping_free_from", "99999999", "with a point"),
        ("countries", ["US", "XX"], "Choose countries of the list."),
        ("countries", [], "Choose one country at least."),
    ],
)
def test_what_does_not_hold_is_said_and_nothing_is_changed(
    ada: Desk, name: str, typed: str | list[str], said: str
) -> None:
    answer = ada.do(PAGE, **{**SETTINGS, name: typed})
    assert answer.status_code == 422 and said in words(answer) and 'aria-invalid="true"' in answer.text
    assert shop().name == "Mountify" and logged() == []


def test_the_same_countries_in_another_order_are_no_change(ada: Desk) -> None:
    ada.do(PAGE, **{**SETTINGS, "countries": ["DE", "US"]})
    ((_action, changes),) = logged()
    assert changes and "countries" not in changes


def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten_unseen(ada: Desk) -> None:
    settings, terms = field(ada.get(PAGE), "seen"), field(ada.get(f"{PAGE}/pages/terms"), "seen")
    change_settings(name="Bracketeer", pages={"terms": "Theirs."})
    late = ada.do(PAGE, **SETTINGS, seen=settings)
    assert (
        late.status_code == 409
        and "Somebody else has changed this" in words(late)
        and field(late, "name") == "Bolt & Co"
    )
    later = ada.do(f"{PAGE}/pages/terms", text="Ours.", seen=terms)
    assert later.status_code == 409 and "Somebody else has changed this" in words(later) and "Ours." in words(later)
    assert (shop().name, shop().pages["terms"]) == ("Bracketeer", "Theirs.")
    assert ada.do(PAGE, **SETTINGS, seen=field(late, "seen")).status_code == 303
    assert ada.do(f"{PAGE}/pages/terms", text="Ours.", seen=field(later, "seen")).status_code == 303
    assert (shop().name, shop().pages["terms"]) == ("Bolt & Co", "Ours.")


def test_a_page_of_text_is_looked_at_first_and_never_runs(ada: Desk) -> None:
    text = "## Our *terms*\n\n<script>alert(1)</script> [here](javascript:alert(1))"
    for preview in (
        ada.do(f"{PAGE}/pages/terms", text=text, op="preview"),
        ada.swap(f"{PAGE}/pages/terms", text=text, op="preview"),
    ):
        assert preview.status_code == 200 and "<em>terms</em>" in preview.text
        assert "<script>alert" not in preview.text and 'href="javascript' not in preview.text
    assert "Our" not in words(ada.get("/terms"))
    assert ada.do(f"{PAGE}/pages/terms", text=text).status_code == 303
    assert "Our terms" in words(ada.get("/terms"))
    assert ada.do(f"{PAGE}/pages/terms", text="x" * 50_001).status_code == 422
    assert ada.do(f"{PAGE}/pages/terms", text="").status_code == 303
    assert ada.get("/terms").status_code == 404
    assert ada.do(f"{PAGE}/pages/nothing", text="x").status_code == 404
    assert [set(changes) for _action, changes in logged()] == [{"terms"}, {"terms"}]


def test_a_test_call_says_what_the_service_said(ada: Desk, payments: FakePayments) -> None:
    ada.do(f"{PAGE}/services/stripe/call")
    assert "Stripe answered and takes our key." in words(ada.get(PAGE))
    payments.is_down = True
    ada.do(f"{PAGE}/services/stripe/call")
    assert "Stripe did not answer." in words(ada.get(PAGE))
    assert "Not set up" in words(ada.get(PAGE))
    assert ada.do(f"{PAGE}/services/17track/call").status_code == 404
    before = len(log_of("services"))
    assert ada.do(f"{PAGE}/services/google/call").status_code == 303
    assert len(log_of("services")) == before


class TestWithoutImageService:
    @pytest.fixture
    def images(self) -> None:
        return None

    def test_what_is_not_set_up_is_not_called(self, ada: Desk) -> None:
        assert ada.do(f"{PAGE}/services/cloudinary/call").status_code == 303
        assert log_of("services") == []


def test_the_password_is_asked_for_again_after_ten_minutes(ada: Desk) -> None:
    grow_old()
    asked = ada.get(PAGE)
    assert asked.status_code == 303 and asked.headers["Location"].startswith("/auth/proof?next=/admin/settings")
    for path, values in ((PAGE, SETTINGS), (f"{PAGE}/pages/terms", {"text": "New."})):
        assert "/auth/proof" in ada.do(path, **values).headers["Location"]
    assert shop().name == "Mountify" and logged() == []


def test_the_settings_are_the_admins(app: Flask, ada: Desk) -> None:
    stan = Desk(app, "stan")
    assert stan.get(PAGE).status_code == 403 and "Settings" not in words(stan.get("/admin"))
    assert stan.do(PAGE, **SETTINGS).status_code == 403 and shop().name == "Mountify"
    assert "Settings" in words(ada.get("/admin"))

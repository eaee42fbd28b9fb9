"""The first page of the desk and its settings, with and without script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop
from .test_desk import expect_open_to_everybody, sit_down

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_the_figures_of_another_period_are_one_choice_away(page: Page, look: Callable[[str], None]) -> None:
    sit_down(page)
    page.goto("/admin")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    page.get_by_label("Period").select_option("Last 7 days")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url("/admin?days=7")
    expect(page.get_by_role("heading", name="Revenue per day")).to_be_visible()
    page.get_by_text("Show as a table").click()
    expect(page.get_by_role("row").filter(has=page.get_by_role("columnheader", name="Revenue"))).to_be_visible()
    look("week")
    page.get_by_role("link", name="All orders").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")


def test_settings_are_corrected_beside_their_field_and_saved(
    page: Page, shop: Shop, look: Callable[[str], None]
) -> None:
    sit_down(page)
    page.goto("/admin/settings")
    shipping, sender = page.get_by_label("Shipping, in USD"), page.get_by_label("Sender")
    old = shipping.input_value()
    sender.fill("Mountify orders")
    shipping.fill("4,50")
    page.get_by_role("button", name="Save settings").click()
    expect(page.locator("#shipping_flat-d")).to_contain_text("with a point")
    expect(shipping).to_have_value("4,50")
    expect(sender).to_have_value("Mountify orders")
    expect_open_to_everybody(page)
    look("refused")
    for name in ("Mountify orders", ""):  # and back, for the tests that share the shop
        sender.fill(name)
        shipping.fill(old)
        page.get_by_role("button", name="Save settings").click()
        expect(page.locator("#flash")).to_contain_text("The settings are saved.")
        stored = "SELECT value->>'value' FROM settings WHERE key = 'sender_name'"
        assert shop.one(stored) == name


def test_a_text_is_looked_at_before_it_is_saved_and_a_service_is_called(
    page: Page, look: Callable[[str], None]
) -> None:
    sit_down(page)
    page.goto("/admin/settings")
    page.get_by_role("row").filter(has_text="Resend").get_by_role("button", name="Test call").click()
    expect(page.locator("#flash")).to_contain_text("Resend answered and takes our key.")
    page.get_by_role("link", name="Returns").first.click()
    text = page.get_by_label("Text in Markdown")
    old = text.input_value()
    text.fill("## Within *thirty* days")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview h2").last).to_have_text("Within thirty days")
    expect(text).to_have_value("## Within *thirty* days")
    expect_open_to_everybody(page)
    look("preview")
    text.fill(old)
    page.get_by_role("button", name="Save page").click()
    expect(page.locator("#flash")).to_contain_text("Returns is saved.")

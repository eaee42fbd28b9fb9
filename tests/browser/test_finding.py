"""Finding a part: by words, by words misspelt, by filters, there and back, with and without script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import has_script

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_misspelt_search_leads_to_the_part(page: Page, look: Callable[[str], None]) -> None:
    page.goto("/")
    page.get_by_label("Search parts").fill("hedphone stnd")
    page.get_by_label("Search parts").press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=hedphone\+stnd$"))
    expect(page.locator("#results")).to_contain_text("These come close")
    look("misspelt")
    page.get_by_role("link", name="Arch Headphone Stand", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Arch Headphone Stand")


def test_filters_combine_and_the_back_button_undoes_them_one_by_one(page: Page, look: Callable[[str], None]) -> None:
    page.goto("/products")
    status = page.locator("#heading").get_by_role("status")
    everything = status.inner_text()
    script = has_script(page)

    def apply() -> None:
        if not script:
            page.get_by_role("button", name="Show parts").click()

    if not page.get_by_label("In stock only").is_visible():
        page.get_by_text("Filter and sort").click()
    page.get_by_label("Wall & shelf").check()
    apply()
    expect(page).to_have_url(re.compile(r"category=wall-shelf"))
    expect(status).to_have_text("5 parts")
    expect(page).to_have_title(re.compile("^Wall & shelf"))
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Wall & shelf")
    if not page.get_by_label("In stock only").is_visible():
        page.get_by_text("Filter and sort").click()
    page.locator("#max_price").fill("20")
    page.locator("#max_price").press("Enter")
    expect(page).to_have_url(re.compile(r"category=wall-shelf&max_price=20|max_price=20"))
    expect(page.get_by_role("link", name=re.compile("Up to"))).to_be_visible()
    look("combined")
    narrow = status.inner_text()
    page.go_back()
    expect(status).to_have_text("5 parts")
    page.go_back()
    expect(status).to_have_text(everything)
    page.go_forward()
    page.go_forward()
    expect(status).to_have_text(narrow)
    page.get_by_role("link", name=re.compile("Up to")).click()
    expect(status).to_have_text("5 parts")


def test_suggestions_are_walked_with_arrow_keys_and_closed_with_escape(page: Page, look: Callable[[str], None]) -> None:
    page.goto("/")
    if not has_script(page):
        expect(page.locator("#suggest")).to_be_hidden()
        return
    field = page.get_by_label("Search parts")
    field.press_sequentially("hook", delay=20)
    expect(page.locator("#suggest-count")).to_have_text("6 suggestions for hook")
    look("suggestions")
    field.press("ArrowDown")
    first = page.locator("#suggest a").first
    expect(first).to_be_focused()
    first.press("ArrowUp")
    expect(field).to_be_focused()
    field.press("ArrowUp")
    expect(page.locator("#suggest a").last).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_be_focused()
    expect(page.locator("#suggest")).to_be_hidden()
    field.press_sequentially("s")
    expect(page.locator("#suggest-count")).to_contain_text("for hooks")
    expect(page.locator("#suggest")).to_be_visible()
    page.locator("#suggest a").first.click()
    expect(page).to_have_url(re.compile(r"/products/\d+-"))


def test_escape_shuts_suggestions_that_are_still_on_their_way(page: Page) -> None:
    page.goto("/")
    if not has_script(page):
        return
    field = page.get_by_label("Search parts")
    with page.expect_response(lambda answer: "/search?q=hook" in answer.url):
        field.press_sequentially("hook")
        field.press("Escape")
    expect(page.locator("#suggest-count")).to_have_text("6 suggestions for hook")
    expect(page.locator("#suggest")).to_be_hidden()
    field.press_sequentially("s")
    expect(page.locator("#suggest")).to_be_visible()


def test_the_head_of_a_listing_follows_its_filters(page: Page) -> None:
    page.goto("/products")
    page.get_by_text("Filter and sort").click()
    page.get_by_label("Bike").check()
    if not has_script(page):
        page.get_by_role("button", name="Show parts").click()
    expect(page).to_have_title("Bike · Mountify")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bike")
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Bike")
    expect(page.locator("#sheet")).to_have_text("Bike")


def test_a_lost_order_is_asked_for(page: Page, look: Callable[[str], None]) -> None:
    page.goto("/")
    page.locator("footer").get_by_role("link", name="Find my order").click()
    page.get_by_label("Email").fill("nobody-here@example.com")
    page.get_by_role("button", name="Send the links").click()
    expect(page.locator("#flash")).to_contain_text("If there are orders with that address")
    look("asked")


@pytest.mark.parametrize("name", ["Delivery", "Returns", "Privacy", "Terms", "Contact"])
def test_the_footer_leads_to_the_merchants_pages(page: Page, look: Callable[[str], None], name: str) -> None:
    page.goto("/products")
    page.locator("footer").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    look(name.lower())

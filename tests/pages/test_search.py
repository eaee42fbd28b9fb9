"""Search: whole words, words spelt almost right, and suggestions while typing."""

from __future__ import annotations

import pytest

from mountify.models.catalogue import ProductStatus
from tests.factories import make_product, make_shop
from tests.web import Browser, words


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()
    make_product("Arch headphone stand", price="19.00", stock=0)
    make_product("Bow coat hook", price="9.00")
    make_product("Perch headphone hook", price="13.50", description="For a desk edge")
    make_product("100% ruler_stop", price="3.00")
    make_product("Secret hook", status=ProductStatus.DRAFT)


def results(browser: Browser, query: str) -> str:
    return words(browser.get(f"/search?q={query}")).split("Results")[1]


@pytest.mark.parametrize("typed", ["hedphone", "headfone", "haedphone", "headphnoe+stand"])
def test_a_typing_error_finds_what_was_meant(browser: Browser, typed: str) -> None:
    page = results(browser, typed)
    assert "Arch headphone stand" in page and "Bow coat hook" not in page
    assert "These come close" in page


def test_words_that_exist_find_only_what_has_them(browser: Browser) -> None:
    page = results(browser, "hook")
    assert "Bow coat hook" in page and "Perch headphone hook" in page and "Arch" not in page
    assert "Secret hook" not in page and "These come close" not in page


def test_percent_and_underscore_are_letters(browser: Browser) -> None:
    assert "ruler_stop" in results(browser, "100%25")
    assert "ruler_stop" in results(browser, "r_stop")
    for wildcard in ("%25%25", "h__k", "___"):
        assert "Bow coat hook" not in results(browser, wildcard).split("No part matches")[0].split("come close")[0]


def test_the_best_match_comes_first(browser: Browser) -> None:
    make_product("Desk tray", description="With a hook and a hook", detailed_description="hook " * 20)
    page = results(browser, "hook")
    assert page.index("coat hook") < page.index("Desk tray") and page.index("headphone hook") < page.index("Desk tray")


def test_another_order_can_be_chosen_for_a_search(browser: Browser) -> None:
    page = words(browser.get("/products?search=hook&sort=price_desc")).split("Results")[1]
    assert page.index("Perch") < page.index("Bow coat")
    assert 'value="relevance" selected' in browser.get("/products?search=hook").get_data(as_text=True)
    assert "relevance" not in browser.get("/products?sort=relevance").get_data(as_text=True)


def test_a_search_that_finds_nothing_says_so(browser: Browser) -> None:
    assert "No part matches “zebra crossing”." in words(browser.get("/search?q=zebra+crossing"))


def test_suggestions_come_with_price_picture_and_count(browser: Browser) -> None:
    answer = browser.htmx("GET", "/search?q=hook")
    text = answer.get_data(as_text=True)
    assert "<html" not in text and "2 suggestions for hook" in text and "$13.50" in text
    assert "coat <mark>hook</mark>" in text and 'href="/search?q=hook"' in text


def test_suggestions_forgive_typing_errors_and_name_six_at_most(browser: Browser) -> None:
    for number in range(8):
        make_product(f"Cable comb {number}")
    text = browser.htmx("GET", "/search?q=cabel").get_data(as_text=True)
    assert text.count("/products/") == 6 and "All that come close to" in text


@pytest.mark.parametrize("typed", ["", "h", "%20%20h%20", "x" * 65])
def test_too_short_and_too_long_suggest_nothing(browser: Browser, typed: str) -> None:
    answer = browser.htmx("GET", f"/search?q={typed}")
    assert answer.status_code == 200 and "/products/" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    [
        "q=%00", "q=%ED%A0%80", "q=" + "a" * 10_000, "q=a&q=b", "q=%27%3B--", "q=%3A*%26%7C!(", "q=%22", "q[]=1",
        "q=hook&page=999999999999999999999", "q=hook&page=-1", "q=%F0%9F%94%A5", "q=<script>alert(1)</script>",
        "q=" + "hook " * 300, "nonsense=1",
    ],
)  # fmt: skip
def test_a_search_survives_every_address(browser: Browser, query: str) -> None:
    for answer in (browser.get(f"/search?{query}"), browser.htmx("GET", f"/search?{query}")):
        assert answer.status_code == 200
        assert "<script>alert" not in answer.get_data(as_text=True)

"""Home, listing and product pages, as pages and as fragments."""

from __future__ import annotations

import re

import pytest

from tests.cast import sign_in
from tests.factories import make_category, make_product, make_shop
from tests.web import ORIGIN, Browser, words


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def test_an_empty_shop_is_a_page_too(browser: Browser) -> None:
    assert "Shop 0 parts" in words(browser.get("/"))
    assert "Nothing drawn yet" in words(browser.get("/products"))


def test_home_shows_what_is_new_and_can_be_had(browser: Browser) -> None:
    make_product("Old stand", stock=1)
    make_product("Gone stand", stock=0)
    page = words(browser.get("/"))
    assert "Old stand" in page and "Gone stand" not in page


def test_filters_narrow_and_their_chips_undo_them(browser: Browser) -> None:
    bike = make_category("Bike")
    make_product("Bottle cage", category_id=bike, price="18.00", stock=2)
    make_product("Wheel hook", category_id=bike, price="30.00", stock=0)
    make_product("Phone stand", price="14.00")
    slug = browser.get("/").get_data(as_text=True).split("category=")[1].split('"')[0]
    page = browser.get(f"/products?category={slug}&max_price=20&in_stock=1")
    assert "Bottle cage" in words(page) and "Wheel hook" not in words(page) and "Phone stand" not in words(page)
    assert "Up to $20 " in words(page) and "2 left" in words(page)
    assert f'href="/products?category={slug}&amp;in_stock=1"' in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("sort", "order"),
    [("price_asc", "ABC"), ("price_desc", "CBA"), ("name", "ABC"), ("newest", "CBA"), ("oldest", "ABC")],
)
def test_parts_come_in_the_order_that_was_asked_for(browser: Browser, sort: str, order: str) -> None:
    for name, price in (("Alpha", "1.00"), ("Beta", "2.00"), ("Gamma", "3.00")):
        make_product(name, price=price)
    page = words(browser.get(f"/products?sort={sort}")).split("Results")[1]
    places = {"A": page.index("Alpha"), "B": page.index("Beta"), "C": page.index("Gamma")}
    assert "".join(sorted(places, key=places.__getitem__)) == order


def test_words_are_found_in_names_and_texts(browser: Browser) -> None:
    make_product("Comb", description="Holds five cables at a desk edge")
    make_product("Hook")
    assert "Comb" in words(browser.get("/products?search=cable")).split("Results")[1]
    nothing = browser.get("/products?search=bicycle+bell")
    assert "No part matches “bicycle bell”." in words(nothing)
    assert "<script>" not in browser.get("/products?search=<script>alert(1)</script>").get_data(as_text=True)


def test_a_search_without_results_shows_what_comes_closest(browser: Browser) -> None:
    bike = make_category("Bike")
    make_product("Wheel hook", category_id=bike, price="30.00")
    make_product("Comb", description="Holds five cables at a desk edge")
    for address in ("/products?search=cable+zebra", "/products?search=hook&max_price=20"):
        results = words(browser.get(address)).split("Results")[1]
        assert "Nothing drawn yet" in results and "Closest parts 1 part" in results
        assert ("Comb" in results) == ("cable" in address) and ("Wheel hook" in results) == ("hook" in address)
    assert "Closest parts" not in words(browser.get("/products?search=zebra"))
    assert "Closest parts" not in words(browser.get("/products?max_price=1"))


def test_words_that_were_searched_are_a_chip_beside_other_filters_only(browser: Browser) -> None:
    make_product("Wheel hook")
    assert "Active filters" not in words(browser.get("/products?search=hook"))
    assert "“hook” remove In stock remove" in words(browser.get("/products?search=hook&in_stock=1"))


def test_a_category_without_parts_is_a_filter_that_can_be_removed(browser: Browser) -> None:
    make_category("Bike")
    make_product("Phone stand")
    slug = browser.get("/").get_data(as_text=True).split("category=")[1].split('"')[0]
    for category, name, title in ((slug, "Bike", "Bike"), ("nope", "“nope”", "Unknown category")):
        page = browser.get(f"/products?category={category}")
        assert f"Active filters: {name} remove Clear all" in words(page) and f"<h1>{title}</h1>" in page.text
        assert "Remove one of them to see more." in words(page)
        assert ('name="robots" content="noindex"' in page.text) == (category == "nope")
        assert ('rel="canonical"' in page.text) == (category != "nope")
        narrowed = browser.get(f"/products?category={category}&in_stock=1")
        assert f"Active filters: {name} remove In stock remove" in words(narrowed)


def test_a_category_alone_is_said_by_the_heading(browser: Browser) -> None:
    make_product("Bottle cage", category_id=make_category("Bike"))
    slug = browser.get("/").get_data(as_text=True).split("category=")[1].split('"')[0]
    assert "Active filters" not in words(browser.get(f"/products?category={slug}"))
    assert "Active filters: Bike remove “cage” remove" in words(browser.get(f"/products?category={slug}&search=cage"))


@pytest.mark.parametrize(
    "typed", ["1_0", "１０", "10.0000000000000000garbage", "-0", "+1", "1e1", "10.123", "0x1", " ", ".5", "1000000"]
)
def test_a_price_that_is_none_is_left_out(browser: Browser, typed: str) -> None:
    make_product("Bottle cage", price="18.00")
    page = browser.client.get("/products", query_string={"min_price": typed, "max_price": typed}, base_url=ORIGIN)
    assert "Bottle cage" in words(page) and "Active filters" not in words(page)
    api = browser.client.get("/api/products", query_string={"min_price": typed}, base_url=ORIGIN)
    assert api.status_code == 400


@pytest.mark.parametrize("sort", ["newest", "oldest", "price_asc", "price_desc", "name"])
def test_the_order_that_was_asked_for_is_the_one_selected(browser: Browser, sort: str) -> None:
    assert f'<option value="{sort}" selected>' in browser.get(f"/products?sort={sort}").text


def test_the_price_fields_say_what_there_is(browser: Browser) -> None:
    assert "placeholder" not in browser.get("/products").get_data(as_text=True).split("min_price")[1]
    make_product("Cheap", price="7.50")
    make_product("Dear", price="25.10")
    fields = browser.get("/products?category=none").get_data(as_text=True).split('name="min_price"')[1]
    assert 'placeholder="7"' in fields and 'placeholder="26"' in fields


def test_pages_hold_24_and_lead_on(browser: Browser) -> None:
    for number in range(26):
        make_product(f"Part {number}")
    first = browser.get("/products")
    assert "26 parts, 24 shown" in words(first) and "Next 2 parts" in words(first)
    assert first.get_data(as_text=True).count('class="card"') == 24
    second = browser.get("/products?page=2")
    assert second.get_data(as_text=True).count('class="card"') == 2 and "26 parts, 25 to 26 shown" in words(second)
    assert "This page is past the end" in words(browser.get("/products?page=3"))


def test_htmx_gets_the_results_only_and_the_address_that_shows_them(browser: Browser) -> None:
    make_product("Phone stand")
    part = browser.htmx("GET", "/products?category=&min_price=&max_price=&in_stock=1&sort=newest")
    text = part.get_data(as_text=True)
    assert "<html" not in text and 'id="results"' in text and 'hx-target="#heading"' in text
    assert "<title>All parts · Mountify</title>" in text and 'id="crumbs" aria-label="Breadcrumb" hidden' in text
    assert part.headers["HX-Push-Url"] == "/products?in_stock=1"


def test_a_product_page_says_what_there_is(browser: Browser) -> None:
    product = make_product(
        "Phone stand",
        stock=3,
        description="A sloped back",
        detailed_description="First.\n\nSecond.",
        attributes={"width_mm": 72, "height_mm": 100},
        images=[("/static/img/demo/ledge-phone-stand-960.webp", "Orange stand")],
    )
    page = browser.get(f"/products/{product.id}-{product.slug}")
    for text in ("$14.00", "3 left", "72 mm wide", "100 mm high", product.number, "$4.50, free from $40"):
        assert text in words(page), text
    assert 'alt="Orange stand"' in page.get_data(as_text=True) and "<p>Second.</p>" in page.get_data(as_text=True)


def test_the_wrong_name_and_the_bare_number_lead_to_the_right_address(browser: Browser) -> None:
    product = make_product()
    for path in (f"/products/{product.id}", f"/products/{product.id}-wrong"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (301, f"/products/{product.id}-{product.slug}")


def test_the_stepper_stays_within_what_there_is(browser: Browser) -> None:
    product = make_product(stock=3)
    for query, value in (
        ("quantity=1&op=inc", 2),
        ("quantity=1&op=dec", 1),
        ("quantity=3&op=inc", 3),
        ("quantity=x", 1),
    ):
        page = browser.get(f"/products/{product.id}-{product.slug}?{query}").get_data(as_text=True)
        assert f'name="quantity" value="{value}"' in page


def test_a_sold_out_part_cannot_be_put_in_the_cart(browser: Browser) -> None:
    product = make_product(stock=0)
    page = browser.get(f"/products/{product.id}-{product.slug}")
    assert "Sold out" in words(page) and "bar-buy" not in page.get_data(as_text=True)
    browser.get(f"/products/{product.id}-{product.slug}")
    answer = browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    assert answer.status_code == 303
    assert "is sold out." in words(browser.get("/cart"))


def test_a_tone_stands_in_for_each_picture_until_it_is_there(browser: Browser) -> None:
    photo = ("/static/img/demo/ledge-phone-stand-960.webp", "A stand", None, 960, 1200, "#d8d0be")
    product = make_product("Phone stand", images=[photo])
    make_product("Wall hook", images=[("/static/img/demo/bow-coat-hook-960.webp", "A hook")])
    listing = browser.get("/products").get_data(as_text=True)
    assert listing.count('<img class="pi" src') == 1 and listing.count("<img src") == 1
    page = browser.get(f"/products/{product.id}-{product.slug}").get_data(as_text=True)
    assert '<img class="pi" src' in page


def test_a_part_without_a_picture_is_drawn_dashed(browser: Browser) -> None:
    product = make_product()
    for path in ("/", "/products", f"/products/{product.id}-{product.slug}"):
        shown = browser.get(path).text
        assert '<span class="blank"></span>' in shown and "<img" not in shown, path
    assert "Photos" not in shown


def test_a_picture_keeps_the_shape_it_has(browser: Browser) -> None:
    wide = ("https://res.cloudinary.com/x/image/upload/v1/wide.jpg", "A rail", "wide", 3000, 1000)
    product = make_product(images=[wide])
    shown = browser.get(f"/products/{product.id}-{product.slug}").text
    assert 'width="960" height="320"' in shown
    assert f'<a href="{wide[0]}" aria-label="Full picture: A rail">' in shown


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_empty_line_makes_a_paragraph(browser: Browser, end: str) -> None:
    product = make_product(detailed_description=f"First,{end}still first.{end}{end} {end}Second.{end}")
    shown = browser.get(f"/products/{product.id}-{product.slug}").text
    assert shown.count("<p>First,") == 1 and "<p>Second.</p>" in shown


def test_what_nobody_measured_is_no_empty_table(browser: Browser) -> None:
    product = make_product(attributes={"colour_code": 7})
    assert "Specification" not in words(browser.get(f"/products/{product.id}-{product.slug}"))


def test_the_token_of_a_session_never_stands_in_an_address(browser: Browser) -> None:
    sign_in(browser, "alice")
    product = make_product()
    shown = browser.get(f"/products/{product.id}-{product.slug}").text
    (form,) = re.findall(r'(?s)<form class="row bar-buy".*?</form>', shown)
    assert 'formmethod="get"' in form and "csrf_token" not in form
    assert browser.post("/cart/items", {"product_id": product.id, "quantity": 1}).status_code == 303

"""The merchant's own pages, and what machines are told about the shop."""

from __future__ import annotations

import json
import re
from html import unescape
from xml.etree import ElementTree

import pytest

from mountify import db
from mountify.models.account import Setting
from mountify.models.catalogue import ProductSlug, ProductStatus
from mountify.transaction import transaction
from tests.factories import change_settings, make_category, make_product, make_shop
from tests.web import ORIGIN, Browser, words


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def head(browser: Browser, path: str) -> str:
    return browser.get(path).get_data(as_text=True).split("</head>")[0]


def description(browser: Browser, path: str) -> str:
    found = re.search(r'<meta name="description" content="([^"]*)">', head(browser, path))
    return unescape(found[1]) if found else ""


def test_markdown_becomes_a_page_and_html_stays_text(browser: Browser) -> None:
    text = browser.get("/terms").get_data(as_text=True)
    assert "<h2>The contract</h2>" in text and "<em>offer</em>" in text
    assert "<script>alert" not in text and "&lt;script&gt;" in text and 'href="javascript:' not in text


def test_a_page_nobody_has_written_is_not_there_and_not_linked(browser: Browser) -> None:
    assert browser.get("/privacy").status_code == 404
    foot = browser.get("/").get_data(as_text=True).split("<footer")[1]
    assert 'href="/terms"' in foot and 'href="/privacy"' not in foot and 'href="/find-my-order"' in foot


def test_delivery_says_what_the_settings_say(browser: Browser) -> None:
    change_settings(pages={"delivery": "Soon."})
    page = words(browser.get("/delivery"))
    assert "$4.50, free from $40" in page and "Germany, United States" in page and "Soon." in page


def test_each_shared_page_names_its_one_address(browser: Browser) -> None:
    bike = make_category("Bike")
    product = make_product("Bottle cage", category_id=bike)
    slug = browser.get("/").get_data(as_text=True).split("category=")[1].split('"')[0]
    for path, canonical in (
        ("/?utm_source=x", "/"),
        (f"/products?category={slug}&sort=name&in_stock=1", f"/products?category={slug}"),
        ("/products?page=7", "/products"),
        (f"/products/{product.id}-{product.slug}?quantity=2", f"/products/{product.id}-{product.slug}"),
        ("/terms", "/terms"),
        ("/find-my-order", "/find-my-order"),
    ):
        assert f'<link rel="canonical" href="{ORIGIN}{canonical}">' in head(browser, path), path


@pytest.mark.parametrize("path", ["/cart", "/search?q=x", "/products?search=x", "/auth/signin", "/nothing"])
def test_what_is_nobody_elses_or_endless_is_not_indexed(browser: Browser, path: str) -> None:
    assert 'content="noindex"' in head(browser, path) and "canonical" not in head(browser, path)


def test_a_product_describes_itself_to_search_engines(browser: Browser) -> None:
    product = make_product(
        'The "</script>" stand', stock=0, description="A sloped back", images=[("/static/img/demo/a-960.webp", "A")]
    )
    text = head(browser, f"/products/{product.id}-{product.slug}")
    found = re.search(r'(?s)<script type="application/ld\+json">(.*?)</script>', text)
    assert found is not None
    data = json.loads(found[1])
    assert data["name"] == product.name and data["sku"] == product.number
    assert data["image"] == [f"{ORIGIN}/static/img/demo/a-960.webp"]
    assert data["offers"] == {
        "@type": "Offer",
        "url": f"{ORIGIN}/products/{product.id}-{product.slug}",
        "price": "14.00",
        "priceCurrency": "USD",
        "availability": "https://schema.org/OutOfStock",
    }
    assert data["description"] == "A sloped back"
    assert '<meta name="description" content="A sloped back">' in text


def test_details_describe_a_product_without_a_short_text_below_its_own_title(browser: Browser) -> None:
    product = make_product(detailed_description="# Sloped\n\nA *back*.\n\n## Twice")
    text = browser.get(f"/products/{product.id}-{product.slug}").get_data(as_text=True)
    found = re.search(r'(?s)<script type="application/ld\+json">(.*?)</script>', text)
    assert found and json.loads(found[1])["description"] == "A back."
    assert text.count("<h1>") == 1 and "<h2>Sloped</h2>" in text and "<h3>Twice</h3>" in text


def test_the_sitemap_lists_what_can_be_seen_and_nothing_else(browser: Browser) -> None:
    bike = make_category("Bike & more")
    shown = make_product("Bottle cage", category_id=bike)
    hidden = make_product("Draft", status=ProductStatus.DRAFT)
    answer = browser.get("/sitemap.xml")
    assert answer.mimetype == "application/xml"
    tree = ElementTree.fromstring(answer.get_data(as_text=True))
    places = [place.text for place in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert f"{ORIGIN}/products/{shown.id}-{shown.slug}" in places and f"{ORIGIN}/terms" in places
    assert not any(f"/{hidden.id}-" in str(place) for place in places) and f"{ORIGIN}/privacy" not in places
    assert f"Sitemap: {ORIGIN}/sitemap.xml" in browser.get("/robots.txt").get_data(as_text=True)


def test_a_page_by_a_name_the_shop_does_not_know_is_refused_and_listed_nowhere(browser: Browser) -> None:
    with pytest.raises(KeyError, match="imprint"):
        change_settings(pages={"terms": "Soon.", "imprint": "Soon."})
    assert "Soon." not in words(browser.get("/terms"))
    with transaction() as session:  # as a shop of another release may have left it
        session.get_one(Setting, "pages").value = {"value": {"terms": "Soon.", "imprint": "Soon."}}
    answer = browser.get("/sitemap.xml")
    assert answer.status_code == 200 and f"{ORIGIN}/terms" in answer.text and "imprint" not in answer.text


PLAIN = [
    ("## The contract\n\nAn *offer*, <b>bold</b> [here](/x).\nAnd `more`.", "An offer, <b>bold</b> here. And more."),
    ("# Only a heading", "Only a heading"),
    ("- one\n- **two**", "one two"),
    ("", "Terms"),
]


@pytest.mark.parametrize(("text", "described"), PLAIN)
def test_a_page_describes_itself_in_plain_words(browser: Browser, text: str, described: str) -> None:
    change_settings(pages={"terms": text})
    assert description(browser, "/terms") == described


def test_a_long_description_ends_with_a_whole_word(browser: Browser) -> None:
    change_settings(pages={"terms": "word " * 60})
    assert description(browser, "/terms") == ("word " * 31).strip() + " …"


def test_what_has_no_text_is_described_by_what_is_known_of_it(browser: Browser) -> None:
    assert description(browser, "/") == description(browser, "/products") == "0 parts at Mountify."
    product = make_product("Bottle cage", price="18.00", category_id=make_category("Bike"))
    slug = browser.get("/").text.split("category=")[1].split('"')[0]
    assert description(browser, f"/products?category={slug}") == "Bike: 1 part at Mountify."
    assert description(browser, f"/products/{product.id}-{product.slug}") == "Bottle cage for $18.00 at Mountify."
    detailed = make_product("Wall hook", detailed_description="Holds a coat.\n\nOr two.")
    assert description(browser, f"/products/{detailed.id}-{detailed.slug}") == "Holds a coat."
    assert description(browser, "/find-my-order")


def test_each_page_of_a_listing_has_a_title_of_its_own(browser: Browser) -> None:
    for number in range(25):
        make_product(f"Part {number}")
    first, second = browser.get("/products").text, browser.get("/products?page=2").text
    assert "<title>All parts · Mountify</title>" in first and "<title>All parts, page 2 · Mountify</title>" in second
    assert "<h1>All parts</h1>" in second


def test_an_earlier_or_bare_name_leads_to_the_product(browser: Browser) -> None:
    product = make_product("Bottle cage")
    db.session.add(ProductSlug(slug="cage-of-old", product_id=product.id))
    db.session.commit()
    for name in ("cage-of-old", product.slug, f"{product.id}-cage-of-old", str(product.id)):
        answer = browser.get(f"/products/{name}")
        assert (answer.status_code, answer.headers["Location"]) == (301, f"/products/{product.id}-{product.slug}")
    assert browser.get("/products/never-made").status_code == 404
    assert browser.get("/products/%00").status_code == 404


def test_a_product_page_opens_what_the_merchant_wrote_about_delivery(browser: Browser) -> None:
    product = make_product()
    path = f"/products/{product.id}-{product.slug}"
    assert "Returns" not in words(browser.get(path))
    change_settings(
        returns_in_short="30 days, any reason",
        pages={
            "delivery": "## Soon\r\n\r\nLeaves the *bench* today.\r\n\r\n## Customs\r\n\r\nMay ask.",
            "returns": "## X",
        },
    )
    text = browser.get(path).get_data(as_text=True)
    assert "Delivery</summary>" in text and "<p>Leaves the <em>bench</em> today.</p>" in text and "May ask" not in text
    assert "30 days, any reason" in text and 'href="/returns">All about returns' in text

"""Shared pages are kept ten minutes, dropped with any change that shows, and made anew when Redis is down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.gateways import Gateways
from mountify.models.catalogue import Category, Product, ProductStatus
from mountify.services import inventory
from mountify.transaction import transaction
from mountify.web.release import fingerprint
from tests.factories import change_settings, make_category, make_product, make_shop
from tests.queries import queries
from tests.web import ORIGIN, Browser, words


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def test_a_page_that_was_read_before_asks_the_database_nothing(browser: Browser) -> None:
    product = make_product("Phone stand", category_id=make_category("Desk"))
    for path in ("/", "/products", "/products?in_stock=1&sort=name", f"/products/{product.id}-{product.slug}"):
        first = browser.get(path)
        asked = queries(lambda path=path: browser.get(path))
        assert asked == [], path
        again = browser.get(path)
        assert again.get_data() == first.get_data() and again.headers["Cache-Control"].startswith("public")


def test_what_machines_read_is_kept_too(browser: Browser) -> None:
    product = make_product("Phone stand")
    for path, mimetype in (("/sitemap.xml", "application/xml"), (f"/api/products/{product.id}", "application/json")):
        first, again = browser.get(path), browser.get(path)
        assert first.get_data() == again.get_data() and first.mimetype == again.mimetype == mimetype
        assert queries(lambda path=path: browser.get(path)) == [], path
    with transaction() as session:
        session.get_one(Product, product.id).status = ProductStatus.ARCHIVED
    assert browser.get(f"/api/products/{product.id}").status_code == 404
    assert f"/products/{product.id}-" not in browser.get("/sitemap.xml").text


def test_products_that_are_none_keep_nothing(browser: Browser, redis: Redis) -> None:
    for number in range(1, 9):
        browser.get(f"/api/products/{number}")
        browser.get(f"/products/{number}-x")
    assert redis.keys("page:*") == []


def changes(product_id: int, category_id: int) -> dict[str, Callable[[sa.orm.Session], object]]:
    return {
        "price": lambda session: setattr(session.get_one(Product, product_id), "price", Money.of("99.00")),
        "received": lambda session: inventory.receive(session, product_id, 1, reason="opening", now=utcnow()),
        "archived": lambda session: setattr(session.get_one(Product, product_id), "status", ProductStatus.ARCHIVED),
        "category": lambda session: setattr(session.get_one(Category, category_id), "name", "Bench"),
    }


@pytest.mark.parametrize("change", ["price", "received", "archived", "category"])
def test_a_change_shows_at_once(browser: Browser, change: str) -> None:
    category = make_category("Desk")
    product = make_product("Phone stand", stock=1, category_id=category)
    before = browser.get("/products").get_data()
    with transaction() as session:
        changes(product.id, category)[change](session)
    assert browser.get("/products").get_data() != before


def test_changes_do_not_fill_redis(browser: Browser, redis: Redis) -> None:
    product = make_product("Phone stand")
    for price in ("1.00", "2.00", "3.00"):
        with transaction() as session:
            session.get_one(Product, product.id).price = Money.of(price)
        assert f"${price}" in words(browser.get("/products"))
    assert len(redis.keys("page:*")) == 1


def test_a_reservation_shows_at_once(browser: Browser) -> None:
    product = make_product("Phone stand", stock=3)
    assert "3 left" in words(browser.get("/products"))
    with transaction() as session:
        inventory.reserve(session, {product.id: 3})
    assert "Sold out" in words(browser.get("/products"))
    with transaction() as session:
        inventory.release(session, {product.id: 3})
    assert "3 left" in words(browser.get("/products"))


def test_a_setting_shows_at_once(browser: Browser) -> None:
    assert "Mountify" in words(browser.get("/"))
    change_settings(name="Bracketeer")
    assert "Bracketeer" in words(browser.get("/"))


def test_what_was_rolled_back_drops_nothing(browser: Browser, redis: Redis) -> None:
    product = make_product("Phone stand")
    browser.get("/products")
    version = redis.get("catalogue:version")
    with pytest.raises(ZeroDivisionError), transaction() as session:
        session.get_one(Product, product.id).price = Money.of("1.00")
        session.flush()
        raise ZeroDivisionError
    with transaction():
        pass
    assert redis.get("catalogue:version") == version


def test_a_savepoint_is_no_commit(browser: Browser, redis: Redis) -> None:
    product = make_product("Phone stand", stock=3)
    browser.get("/products")
    version = redis.get("catalogue:version")
    with transaction() as session:
        with session.begin_nested():
            inventory.receive(session, product.id, 2, reason="correction", now=utcnow())
        assert redis.get("catalogue:version") == version
    assert redis.get("catalogue:version") != version


def test_a_savepoint_that_is_rolled_back_forgets_nothing_else(browser: Browser, redis: Redis) -> None:
    product = make_product("Phone stand", stock=3)
    browser.get("/products")
    version = redis.get("catalogue:version")
    with transaction() as session:
        inventory.receive(session, product.id, 2, reason="correction", now=utcnow())
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            raise ZeroDivisionError
    assert redis.get("catalogue:version") != version


def test_while_a_change_is_being_committed_pages_are_neither_kept_nor_taken(browser: Browser, redis: Redis) -> None:
    make_product("Phone stand")
    version = redis.get("catalogue:version")
    browser.get("/products")
    for moment, asks in ((time.time_ns() + 10**10, True), (version, False)):
        redis.set("catalogue:version", moment)
        assert bool(queries(lambda: browser.get("/products"))) is asks
    assert len(redis.keys("page:*")) == 1


def test_names_nobody_knows_keep_nothing(browser: Browser, redis: Redis) -> None:
    make_product("Phone stand")
    browser.get("/products")
    kept = len(redis.keys("page:*"))
    assert kept == 1
    for query in ("utm_source=1", "x=1&y=2", "page=1&page=2", "category=", "category=all", "sort=nonsense"):
        browser.get(f"/products?{query}")
    assert len(redis.keys("page:*")) == kept
    for query in ("category=never", "page=77", "search=stand", "min_price=1.01", "max_price=77", "search=zebra"):
        browser.get(f"/products?{query}")
    assert len(redis.keys("page:*")) == kept
    assert all(0 < redis.ttl(key) <= 600 for key in redis.keys("page:*"))


def test_a_category_is_kept_once_however_it_is_spelt(browser: Browser, redis: Redis) -> None:
    make_product("Phone stand", category_id=make_category("Desk"))
    slug = browser.get("/").text.split("category=")[1].split('"')[0]
    browser.get(f"/products?category={slug}")
    kept = len(redis.keys("page:*"))
    for spelt in (slug.upper(), slug.title(), slug.replace("c", "C")):
        page = browser.get(f"/products?category={spelt}")
        assert "<h1>Desk</h1>" in page.text and f'value="{slug}" checked' in page.text
        assert f'<link rel="canonical" href="{ORIGIN}/products?category={slug}">' in page.text
    assert len(redis.keys("page:*")) == kept


def test_a_reader_with_a_cookie_gets_a_page_of_their_own(browser: Browser, redis: Redis) -> None:
    product = make_product("Phone stand")
    browser.get("/products")
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    mine = browser.get("/products")
    assert "2 in it" in words(mine) and "ETag" not in mine.headers
    stranger = Browser(browser.client.application)
    assert "2 in it" not in words(stranger.get("/products"))


@pytest.mark.parametrize(
    ("path", "most"), [("/terms", 0), ("/", 0), ("/products", 0), ("/products?search=x", 3), ("{product}", 2)]
)
def test_what_everybody_sees_is_not_read_for_every_reader(browser: Browser, path: str, most: int) -> None:
    """What is left is the product that a page is about, and what nobody else may have searched for."""
    product = make_product("Phone stand", category_id=make_category("Desk"))
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    path = path.format(product=f"/products/{product.id}-{product.slug}")
    browser.get(path)
    asked = queries(lambda: browser.get(path))
    assert len(asked) <= most, asked
    assert "1 in it" in words(browser.get(path))


def test_pages_of_nothing_are_not_remembered(browser: Browser) -> None:
    make_product("Phone stand")
    browser.client.set_cookie("theme", "dark", domain="127.0.0.1")
    for path in ("/products?page=77", "/products?min_price=3", "/products?search=stand"):
        browser.get(path)
        assert queries(lambda path=path: browser.get(path)), path


def test_a_change_shows_at_once_to_a_reader_with_a_cart(browser: Browser) -> None:
    category = make_category("Desk")
    product = make_product("Phone stand", category_id=category)
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    assert "Desk 1" in words(browser.get("/products"))
    make_product("Pen tray", category_id=category)
    assert "Desk 2" in words(browser.get("/products")) and "Pen tray" in words(browser.get("/"))
    change_settings(name="Bracketeer")
    assert "Bracketeer" in words(browser.get("/products"))


def test_who_has_the_page_already_is_told_so(browser: Browser) -> None:
    product = make_product("Phone stand")
    path = f"/products/{product.id}-{product.slug}"
    first = browser.get(path)
    tag = first.headers["ETag"]
    again = browser.get(path, headers={"If-None-Match": tag})
    assert again.status_code == 304 and again.get_data() == b"" and again.headers["ETag"] == tag
    assert again.headers["Cache-Control"].startswith("public")
    assert browser.get(path, headers={"If-None-Match": '"another"'}).status_code == 200
    with transaction() as session:
        session.get_one(Product, product.id).price = Money.of("15.00")
    assert browser.get(path, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/", "/products", "/products?search=stand", "/products?min_price=1", "/search?q=stand", "/terms",
        "/find-my-order", "/robots.txt", "/sitemap.xml", "/api/products", "/api/products?search=stand",
        "/api/products/search?q=stand", "/api/categories", "{product}", "/api{bare}",
    ],
)  # fmt: skip
def test_every_shared_answer_says_when_it_changed_and_what_it_is(browser: Browser, redis: Redis, path: str) -> None:
    product = make_product("Phone stand")
    redis.set("catalogue:version", time.time_ns() - 60 * 10**9)
    path = path.format(product=f"/products/{product.id}-{product.slug}", bare=f"/products/{product.id}")
    answer = browser.get(path)
    assert answer.status_code == 200 and answer.headers["Cache-Control"].startswith("public")
    for name, value in (
        ("If-None-Match", answer.headers["ETag"]),
        ("If-Modified-Since", answer.headers["Last-Modified"]),
    ):
        assert browser.get(path, headers={name: value}).status_code == 304, name


def test_two_changes_in_one_second_are_two(browser: Browser) -> None:
    """HTTP tells times by the second: what may still change in this one does not say when it has changed."""
    product = make_product("Phone stand")
    path = f"/products/{product.id}-{product.slug}"
    for price in range(1, 6):
        for cents in ("00", "50"):
            with transaction() as session:
                session.get_one(Product, product.id).price = Money.of(f"{price}.{cents}")
            if cents == "00":
                sent = browser.get(path).headers.get("Last-Modified", "")
        assert browser.get(path, headers={"If-Modified-Since": sent}).status_code == 200


def test_without_redis_every_page_comes_from_the_database(config: Config, gateways: Gateways, database: None) -> None:
    product = make_product("Phone stand")
    values = {**config.__dict__, "redis_url": "redis://127.0.0.1:1/0"}
    app: Flask = create_app(Config(**values), gateways)
    browser = Browser(app)
    for _ in range(2):
        assert "Phone stand" in words(browser.get("/products"))
    with transaction() as session:
        session.get_one(Product, product.id).name = "Phone rest"
    page = browser.get("/products")
    assert "Phone rest" in words(page) and page.headers["Cache-Control"].startswith("public") and "ETag" in page.headers


@pytest.mark.parametrize(
    "change", [{"currency": "EUR"}, {"timezone": "Asia/Tokyo"}, {"static_url": "https://s.example"}]
)
def test_another_configuration_takes_no_pages_of_this_one(
    browser: Browser, config: Config, gateways: Gateways, change: dict[str, str]
) -> None:
    make_product("Phone stand")
    browser.get("/products")
    assert queries(lambda: browser.get("/products")) == []
    other = Browser(create_app(replace(config, **change), gateways))
    assert queries(lambda: other.get("/products")) != []


@pytest.mark.parametrize("name", ["web/x.py", "templates/x.html", "templates/x.xml", "static/js/x.js", "static/x.svg"])
def test_another_release_takes_no_pages_of_this_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text("one")
    (tmp_path / "picture.webp").write_text("one")
    before = fingerprint(tmp_path)
    (tmp_path / "picture.webp").write_text("two")
    assert fingerprint(tmp_path) == before
    path.write_text("two")
    assert fingerprint(tmp_path) != before


def test_no_page_asks_more_than_eight_questions(browser: Browser, redis: Redis) -> None:
    categories = [make_category() for _ in range(4)]
    shown = [make_product(f"Part {n}", category_id=categories[n % 4], stock=9) for n in range(30)]
    for product in shown:
        browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    one = f"/products/{shown[0].id}-{shown[0].slug}"
    for path in (
        "/", "/products", "/products?page=2", "/products?search=part", "/products?search=prat", "/search?q=part", one,
        "/cart", "/checkout", "/terms", "/find-my-order", "/sitemap.xml", "/auth/signin", "/nothing-here",
    ):  # fmt: skip
        db.release()
        redis.flushdb()
        asked = queries(lambda path=path: browser.get(path))
        assert len(asked) <= 8, (path, asked)

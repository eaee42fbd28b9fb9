"""Products, suggestions, categories and stock as JSON: names, types and refusals of the contract."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from mountify.models.catalogue import ProductStatus
from tests.factories import make_category, make_product, make_shop
from tests.web import Browser


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def get(browser: Browser, path: str, status: int = 200) -> Any:
    answer = browser.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/json"
    return answer.json


def test_a_list_holds_what_the_contract_names(browser: Browser) -> None:
    desk = make_category("Desk")
    product = make_product(
        "Phone stand", price="14.50", stock=3, category_id=desk, images=[("/a.webp", "A"), ("/b.webp", "B")]
    )
    answer = get(browser, "/api/products")
    assert answer["products"] == [
        {
            "id": product.id,
            "name": "Phone stand",
            "price": 14.5,
            "description": "",
            "detailed_description": "",
            "image_url": "/a.webp",
            "image_url_hover": "/b.webp",
            "category_id": desk,
            "category_name": "Desk",
            "category_slug": answer["products"][0]["category_slug"],
            "available": 3,
        }
    ]
    assert answer["pagination"] == {"page": 1, "limit": 12, "total": 1, "totalPages": 1, "hasMore": False}
    assert answer["source"] == "database" and get(browser, "/api/products")["source"] == "cache"


def test_where_a_list_comes_from_makes_it_no_other_list(browser: Browser) -> None:
    make_product("Phone stand")
    first = browser.get("/api/products")
    again = browser.get("/api/products")
    assert (first.json["source"], again.json["source"]) == ("database", "cache")
    assert first.headers["ETag"] == again.headers["ETag"]
    make_product("Wall hook")
    assert browser.get("/api/products", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_only_usual_lists_are_kept(browser: Browser, redis: Redis) -> None:
    for number in range(60):
        make_product(f"Part {number}")
    kept = "limit=12", "limit=24&page=2", "limit=50&sort=name", "in_stock=1"
    not_kept = "limit=11", "limit=1&page=3", "limit=5&page=11", "search=part", "min_price=1", "category=NOPE"
    for queries, count in ((kept, len(kept)), (not_kept, 0)):
        redis.delete(*(redis.keys("page:*") or ["nothing"]))
        for query in queries:
            get(browser, f"/api/products?{query}")
        assert len(redis.keys("page:*")) == count


def test_a_list_comes_newest_first_also_when_it_was_searched_for(browser: Browser) -> None:
    """The pages show the best match first; clients of the API have always got the newest."""
    make_product("Coat hook")
    make_product("Desk tray", description="With a hook")
    for query in ("search=hook", "search=hook&sort=", "search=hook&sort=newest", "sort=newest", ""):
        found = get(browser, f"/api/products?{query}")["products"]
        assert [product["name"] for product in found] == ["Desk tray", "Coat hook"], query


def test_a_list_pages_and_sorts(browser: Browser) -> None:
    for number in range(5):
        make_product(f"Part {number}", price=f"{number + 1}.00")
    answer = get(browser, "/api/products?limit=2&page=2&sort=price_desc")
    assert [product["price"] for product in answer["products"]] == [3.0, 2.0]
    assert answer["pagination"] == {"page": 2, "limit": 2, "total": 5, "totalPages": 3, "hasMore": True}
    assert get(browser, "/api/products?limit=2&page=9")["pagination"]["total"] == 5


def test_a_list_is_filtered_as_the_page_is(browser: Browser) -> None:
    make_product("Hook", price="3.00", stock=0)
    make_product("Stand", price="9.00")
    for query in ("search=stnad", "in_stock=1", "min_price=5", "max_price=9&min_price=4", "search=Stand&category=all"):
        assert [product["name"] for product in get(browser, f"/api/products?{query}")["products"]] == ["Stand"], query
    assert len(get(browser, "/api/products?search=h")["products"]) == 2
    assert get(browser, "/api/products?category=never")["products"] == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("page=0", "page"), ("page=x", "page"), ("page=99999999999999999999", "page"), ("page=-1", "page"),
        ("limit=51", "limit"), ("limit=0", "limit"), ("limit=1.5", "limit"), ("limit=%D9%A3", "limit"),
        ("sort=price", "sort"), ("sort=relevance", "sort"), ("min_price=cheap", "min_price"),
        ("max_price=-1", "max_price"), ("max_price=NaN", "max_price"), ("min_price=1e400", "min_price"),
    ],
)  # fmt: skip
def test_a_program_is_told_what_it_asked_wrongly(browser: Browser, query: str, name: str) -> None:
    answer = get(browser, f"/api/products?{query}", 400)
    assert list(answer["fields"]) == [name] and answer["error"] == answer["fields"][name][0]


@pytest.mark.parametrize("query", ["search=%00", "category=%00%ED%A0%80", "search=" + "a" * 10_000, "page=1&page=x"])
def test_odd_bytes_break_nothing(browser: Browser, query: str) -> None:
    get(browser, f"/api/products?{query}")
    get(browser, f"/api/products/search?q={query.split('=')[1]}")


def test_suggestions_forgive_and_are_five_unless_asked(browser: Browser) -> None:
    for number in range(7):
        make_product(f"Cable comb {number}", price="5.00", images=[("/c.webp", "C")])
    found = get(browser, "/api/products/search?q=%20cabel%20%20")["suggestions"]
    assert len(found) == 5 and set(found[0]) == {"id", "name", "price", "imageUrl"} and found[0]["price"] == 5.0
    assert len(get(browser, "/api/products/search?q=cable&limit=7")["suggestions"]) == 7
    for typed in ("", "c", "c" * 65):
        assert get(browser, f"/api/products/search?q={typed}")["suggestions"] == []
    assert "limit" in get(browser, "/api/products/search?q=cable&limit=51", 400)["fields"]


def test_one_product_with_its_pictures(browser: Browser) -> None:
    product = make_product("Phone stand", stock=2, images=[("/a.webp", "A"), ("/b.webp", "B")])
    answer = get(browser, f"/api/products/{product.id}")
    assert answer["product"] == {
        "id": product.id,
        "name": "Phone stand",
        "price": 14.0,
        "description": "",
        "detailed_description": "",
        "imageUrl": "/a.webp",
        "imageUrlHover": "/b.webp",
        "imagePublicId": None,
        "imageHoverPublicId": None,
        "categoryId": None,
        "available": 2,
    }
    assert answer["images"][1] == {
        "url": "/b.webp",
        "publicId": None,
        "displayOrder": 1,
        "isPrimary": False,
        "alt": "B",
    }


@pytest.mark.parametrize("status", [ProductStatus.DRAFT, ProductStatus.ARCHIVED])
def test_what_is_not_shown_is_not_told(browser: Browser, status: ProductStatus) -> None:
    product = make_product("Secret", status=status)
    assert "error" in get(browser, f"/api/products/{product.id}", 404)
    assert get(browser, "/api/products")["products"] == []
    assert get(browser, f"/api/inventory?ids={product.id}")["inventory"] == {}


@pytest.mark.parametrize("wrong", ["0", "99999999999999999999", "x", "1.5", "-1"])
def test_a_number_that_is_none_is_unknown(browser: Browser, wrong: str) -> None:
    assert "error" in get(browser, f"/api/products/{wrong}", 404)


def test_categories_come_in_the_merchants_order(browser: Browser) -> None:
    second, first = make_category("Beta"), make_category("Alpha")
    answer = get(browser, "/api/categories")["categories"]
    assert [category["id"] for category in answer] == [second, first]
    assert set(answer[0]) == {"id", "name", "slug", "description", "display_order"}


def test_stock_is_what_can_be_had(browser: Browser) -> None:
    one, two = make_product(stock=5), make_product(stock=0)
    assert get(browser, f"/api/inventory?ids={one.id},{two.id},987654")["inventory"] == {
        str(one.id): 5,
        str(two.id): 0,
    }


@pytest.mark.parametrize("ids", ["", "x", "1,x", "0", "-1", "1;2", "99999999999999999999", ",".join(["1"] * 201)])
def test_stock_of_nonsense_is_refused(browser: Browser, ids: str) -> None:
    assert "ids" in get(browser, f"/api/inventory?ids={ids}", 400)["fields"]

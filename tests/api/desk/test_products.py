"""Products, kept by programs."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from mountify import db
from mountify.models.catalogue import ProductStatus
from mountify.services import product_records
from tests.desk import Desk, log_of
from tests.factories import make_category, make_product
from tests.web import ORIGIN

PATH = "/api/admin/products"
FULL = {
    "name": "Bow Hook",
    "price": 14.1,
    "description": "Holds a coat.",
    "detailedDescription": "Two lines:\nof text.",
    "imageUrl": "https://pictures.example/1.jpg",
    "imagePublicId": "shop/1",
    "imageUrlHover": "https://pictures.example/2.jpg",
    "imageHoverPublicId": "shop/2",
}
AS_GIVEN = {**FULL, "detailed_description": FULL["detailedDescription"]}
AS_GIVEN.pop("detailedDescription")


def send(ada: Desk, method: str, path: str, text: str) -> Any:
    """Send a body as it is written."""
    headers = {"Sec-Fetch-Site": "same-origin", "X-CSRFToken": ada.token}
    return ada.client.open(
        path, method=method, base_url=ORIGIN, data=text, headers=headers, content_type="application/json"
    )


def added(ada: Desk, **more: object) -> dict[str, Any]:
    answer = ada.ask("POST", PATH, {**FULL, **more})
    assert answer.status_code == 201, answer.json
    return dict(answer.json["product"])


def test_a_product_is_made_with_all_that_was_sent(ada: Desk) -> None:
    wall = make_category("Wall")
    answer = ada.ask("POST", PATH, {**FULL, "categoryId": wall, "onHand": 7, "id": 1, "role": "admin"})
    product = answer.json["product"]
    assert answer.status_code == 201 and answer.json["message"]
    assert product.items() >= {
        **AS_GIVEN, "slug": "bow-hook", "status": "published", "categoryId": wall, "categoryName": "Wall",
        "onHand": 7, "reserved": 0, "available": 7,
    }.items()  # fmt: skip
    assert ada.ask("GET", f"{PATH}/{product['id']}").json == {"product": product}
    public = ada.get(f"/api/products/{product['id']}").json["product"]
    assert product.items() >= public.items() and b'"price":14.1' in ada.get(f"{PATH}/{product['id']}").data
    assert log_of("products") == [("product.added", {"name": [None, "Bow Hook"]})]


def test_patch_changes_what_is_named_and_nothing_else(ada: Desk) -> None:
    before = added(ada, onHand=2)
    changed = ada.ask("PATCH", f"{PATH}/{before['id']}", {"price": 15, "status": "draft"}).json["product"]
    assert changed == {**before, "price": 15.0, "status": "draft", "updatedAt": changed["updatedAt"]}
    assert log_of("products")[1:] == [
        ("product.changed", {"price": ["14.10", "15.00"], "status": ["published", "draft"]})
    ]
    same = ada.ask("PATCH", f"{PATH}/{before['id']}", {"unknown": 1}).json["product"]
    assert same == changed and len(log_of("products")) == 2


def test_put_replaces_all_but_the_pictures_that_it_does_not_name(ada: Desk) -> None:
    before = added(ada, categoryId=make_category(), onHand=2, status="draft")
    changed = ada.ask("PUT", f"{PATH}/{before['id']}", {"name": "Bar", "price": 3.5}).json["product"]
    assert changed == {
        **before, "categoryId": None, "name": "Bar", "price": 3.5, "description": "", "detailed_description": "",
        "categoryName": None, "updatedAt": changed["updatedAt"],
    }  # fmt: skip


def test_what_was_read_can_be_put_back_as_it_is(ada: Desk) -> None:
    product = added(ada, onHand=2)
    body = {**product, "detailedDescription": product["detailed_description"]}
    again = ada.ask("PUT", f"{PATH}/{product['id']}", body)
    assert again.status_code == 200 and again.json["product"] == product
    assert [action for action, _changes in log_of("products")] == ["product.added"]


def test_stock_is_not_changed_along_with_the_rest(ada: Desk) -> None:
    product = added(ada, onHand=2)
    answer = ada.ask("PATCH", f"{PATH}/{product['id']}", {"onHand": 3, "name": "x"})
    assert answer.status_code == 409 and "/api/admin/inventory" in answer.json["error"]
    assert ada.ask("GET", f"{PATH}/{product['id']}").json["product"] == product


def test_the_tone_of_a_picture_goes_with_it(ada: Desk) -> None:
    product = make_product(images=[("https://x.example/1.jpg", "Front", "products/a1", 960, 1200, "#d8d0c0")])
    ada.ask("PATCH", f"{PATH}/{product.id}", {"imageUrl": "https://x.example/1.jpg"})
    assert product_records.get(product.id).image_color == "#d8d0c0"
    ada.ask("PATCH", f"{PATH}/{product.id}", {"imageUrl": "https://x.example/2.jpg"})
    assert product_records.get(product.id).image_color is None


def test_a_cover_is_the_first_of_the_gallery_and_the_one_before_is_let_go(ada: Desk) -> None:
    images = [("https://x.example/1.jpg", "Front", "products/a1"), ("https://x.example/2.jpg", "Side", "products/a2")]
    product = make_product(images=images)
    ada.ask("PATCH", f"{PATH}/{product.id}", {"imageUrl": "https://x.example/9.jpg", "imagePublicId": "products/a9"})
    stored = product_records.get(product.id)
    assert [image.cloudinary_public_id for image in stored.images] == ["products/a9", "products/a2"]
    assert (stored.image_public_id, stored.image_hover_public_id) == ("products/a9", "products/a2")
    jobs = text("SELECT args->>'public_id' FROM procrastinate_jobs WHERE task_name = 'destroy_picture'")
    assert db.session.scalars(jobs).all() == ["products/a1"]
    ada.ask("PATCH", f"{PATH}/{product.id}", {"imageUrl": None})
    assert product_records.get(product.id).image_public_id == "products/a2"


def test_a_picture_of_the_shops_own_is_known_by_its_address(ada: Desk) -> None:
    product = make_product()
    address = "https://res.cloudinary.com/shop/image/upload/v1/products/abc-1.webp"
    ada.ask("PATCH", f"{PATH}/{product.id}", {"imageUrl": address})
    assert product_records.get(product.id).image_public_id == "products/abc-1"
    ada.ask("PATCH", f"{PATH}/{product.id}", {"imageUrl": "https://x.example/products/abc-1.webp"})
    assert product_records.get(product.id).image_public_id is None


def test_delete_says_what_it_did(ada: Desk, browser: Any) -> None:
    never, ordered = make_product().id, make_product().id
    browser.post("/cart/items", {"product_id": ordered, "quantity": 1})
    assert browser.send("POST", "/api/checkout", {"email": "sam@example.com"}).status_code == 200
    assert ada.ask("DELETE", f"{PATH}/{never}").json == {"success": True, "deleted": never}
    assert ada.ask("DELETE", f"{PATH}/{ordered}").json == {"success": True, "archived": ordered}
    assert ada.ask("GET", f"{PATH}/{never}").status_code == ada.ask("DELETE", f"{PATH}/{never}").status_code == 404
    assert ada.ask("GET", f"{PATH}/{ordered}").json["product"]["status"] == "archived"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("price", '"14.00"'),
        ("price", "true"),
        ("price", "null"),
        ("price", "0"),
        ("price", "-0.0"),
        ("price", "-1"),
        ("price", "12.345"),
        ("price", "14.000000000000000001"),
        ("price", "1e-3"),
        ("price", "1000000"),
        ("price", "1e400"),
        ("price", "9" * 400),
        ("price", "[14]"),
        ("name", '""'),
        ("name", '" "'),
        ("name", "7"),
        ("name", '"a\\nb"'),
        ("name", f'"{"x" * 201}"'),
        ("description", "null"),
        ("description", '"a\\u0007b"'),
        ("detailedDescription", f'"{"x" * 20_001}"'),
        ("categoryId", "999999"),
        ("categoryId", "9223372036854775808"),
        ("categoryId", "0"),
        ("categoryId", '"1"'),
        ("categoryId", "1.5"),
        ("categoryId", "true"),
        ("status", '"sold"'),
        ("status", "[]"),
        ("slug", '"Not A Slug"'),
        ("slug", "null"),
        ("onHand", "-1"),
        ("onHand", "1.0"),
        ("onHand", "1e12"),
        ("imageUrl", '"javascript:alert(1)"'),
        ("imageUrl", '"data:image/png;base64,x"'),
        ("imageUrl", '"//x.example/1.jpg"'),
        ("imageUrl", '"https://"'),
        ("imageUrl", '"https://[x/1.jpg"'),
        ("imageUrl", f'"https://x.example/{"x" * 2000}"'),
        ("imageUrlHover", "7"),
        ("imagePublicId", f'"{"x" * 256}"'),
    ],
)
def test_what_does_not_hold_is_refused_by_field(ada: Desk, field: str, text: str) -> None:
    product = added(ada)
    others = {"name": '"x"', "price": "1", field: text}
    body = "{" + ", ".join(f'"{name}": {value}' for name, value in others.items()) + "}"
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/{product['id']}"), ("PATCH", f"{PATH}/{product['id']}")):
        answer = send(ada, method, path, body)
        assert answer.status_code == 400, answer.json
        assert field in answer.json.get("fields", {}) or text == "999999"
    assert ada.ask("GET", PATH).json["products"] == [product] and len(log_of("products")) == 1


@pytest.mark.parametrize(
    "text",
    ["", "[]", "7", "{", '{"price": NaN}', '{"name": "a\\u0000b"}', '{"name": "\\ud800"}', '{"name": 1, "name": 2}'],
)
def test_a_body_that_is_no_object_of_json_is_refused(ada: Desk, text: str) -> None:
    product = added(ada)
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/{product['id']}"), ("PATCH", f"{PATH}/{product['id']}")):
        assert send(ada, method, path, text).status_code == 400


def test_name_and_price_are_asked_for(ada: Desk) -> None:
    answer = ada.ask("POST", PATH, {})
    assert answer.status_code == 400 and set(answer.json["fields"]) == {"name", "price"}


def test_prices_are_read_as_they_are_written(ada: Desk) -> None:
    product = added(ada)
    for typed, price in (("0.1", "0.10"), ("1e3", "1000.00"), ("19.990", "19.99"), ("999999.99", "999999.99")):
        assert send(ada, "PATCH", f"{PATH}/{product['id']}", f'{{"price": {typed}}}').status_code == 200
        assert str(product_records.get(product["id"]).price) == price


def test_an_address_that_is_taken_is_a_conflict(ada: Desk) -> None:
    added(ada)
    other = make_product()
    assert ada.ask("POST", PATH, {**FULL, "slug": "bow-hook"}).status_code == 409
    assert ada.ask("PATCH", f"{PATH}/{other.id}", {"slug": "bow-hook"}).status_code == 409


def test_the_list_is_paged_filtered_and_sorted(ada: Desk) -> None:
    wall = make_category("Wall")
    hook = make_product("Bow Hook", price="9.00", category_id=wall, status=ProductStatus.DRAFT).id
    bar = make_product("Bar", price="3.00").id
    answer = ada.ask("GET", PATH).json
    assert [product["id"] for product in answer["products"]] == [bar, hook]
    assert answer["pagination"] == {"page": 1, "limit": 12, "total": 2, "totalPages": 1, "hasMore": False}
    for query, ids in {
        "search=hook": [hook],
        f"category={wall}": [hook],
        "status=published": [bar],
        "sort=price": [bar, hook],
        "sort=name&limit=1": [bar],
        "sort=name&limit=1&page=2": [hook],
    }.items():
        assert [product["id"] for product in ada.ask("GET", f"{PATH}?{query}").json["products"]] == ids, query


@pytest.mark.parametrize(
    "query", ["page=0", "limit=51", "limit=x", "sort=evil", "status=sold", "category=wall", "page=-1"]
)
def test_a_list_that_cannot_be_is_refused(ada: Desk, query: str) -> None:
    answer = ada.ask("GET", f"{PATH}?{query}")
    assert answer.status_code == 400 and query.split("=")[0] in answer.json["fields"]


@pytest.mark.parametrize("product_id", ["999999", "9223372036854775807", "9223372036854775808", "x"])
def test_what_is_not_there_is_not_found(ada: Desk, product_id: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert ada.ask(method, f"{PATH}/{product_id}", {"name": "x", "price": 1}).status_code in {404, 405}

"""The form of a product: made, changed, looked at, deleted; what does not hold is said and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from mountify.models.catalogue import Product, ProductStatus
from mountify.services import products
from tests.desk import Desk, log_of
from tests.factories import make_category, make_product
from tests.web import Browser, field, words

NEW = "/admin/products/new"


def typed(**changes: Any) -> dict[str, Any]:
    """What the form sends, with what somebody has typed over it."""
    drawn = {"name": "Peg Hook", "price": "9.00", "category": "", "description": "", "detailed_description": ""}
    return {**drawn, "slug": "", "status": "draft", "low_stock_level": "4", **changes}


def page_of(product: Product) -> str:
    return f"/admin/products/{product.id}/edit"


def add(ada: Desk, **changes: Any) -> Product:
    answer = ada.do(NEW, **typed(**changes))
    assert answer.status_code == 303, words(answer)
    return products.get_whole(int(answer.headers["Location"].split("/")[3]))


def test_a_product_is_added_as_a_draft_that_nobody_sees_in_the_shop(ada: Desk) -> None:
    category = make_category("Desk")
    product = add(ada, category=str(category), width_mm="72", weight_g="", on_hand="3", low_stock_level="2")
    assert (product.slug, product.status, product.category_id) == ("peg-hook", ProductStatus.DRAFT, category)
    assert (product.attributes, product.available, product.low_stock_level) == ({"width_mm": 72}, 3, 2)
    assert "Peg Hook is added." in words(ada.get(page_of(product)))
    guest = Browser(ada.client.application)
    assert guest.get(f"/products/{product.id}-peg-hook").status_code == 404
    for path in ("/products", "/sitemap.xml", "/search?q=peg", "/api/products"):
        assert "peg-hook" not in guest.get(path).text.lower() and "Peg Hook" not in guest.get(path).text, path


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_a_preview_shows_to_the_office_alone_what_cannot_be_bought(ada: Desk, status: str) -> None:
    product = add(ada, status=status, detailed_description="Holds **everything**.", on_hand="3")
    path = f"/admin/products/{product.id}/preview"
    preview = ada.get(path)
    assert preview.status_code == 200 and "<strong>everything</strong>" in preview.text
    assert "Not on sale" in words(preview) and f'value="{product.id}"' not in preview.text
    assert preview.headers["Cache-Control"].startswith("private")
    assert "View in shop" not in words(ada.get(page_of(product))) and path in ada.get(page_of(product)).text
    assert Browser(ada.client.application).get(path).status_code == 303
    assert Desk(ada.client.application, "alice").get(path).status_code == 403


def test_what_is_typed_is_saved_and_the_history_says_so(ada: Desk) -> None:
    product = make_product(attributes={"width_mm": 70, "thread": "M4"})
    answer = ada.do(page_of(product), **typed(name="Ledge", price="15.50", status="published", height_mm="100"))
    assert (answer.status_code, answer.headers["Location"]) == (303, page_of(product))
    saved = products.get_whole(product.id)
    assert (saved.name, str(saved.price), saved.slug) == ("Ledge", "15.50", product.slug)
    assert saved.attributes == {"thread": "M4", "height_mm": 100}
    page = words(ada.get(page_of(product)))
    assert "Ledge is saved." in page and "name Ledge Phone Stand → Ledge" in page and "View in shop" in page


def test_saving_what_is_so_already_leaves_no_trace(ada: Desk) -> None:
    product = add(ada, detailed_description="One\nTwo", width_mm="72")
    before = log_of("products")
    ada.do(page_of(product), **typed(detailed_description="One\r\nTwo", width_mm="72", slug="peg-hook"))
    assert log_of("products") == before


def test_an_earlier_address_leads_to_the_new_one(ada: Desk) -> None:
    page = page_of(add(ada, status="published"))
    ada.do(page, **typed(status="published", slug="wall-hook"))
    moved = ada.get("/products/peg-hook")
    assert moved.status_code == 301 and moved.headers["Location"].endswith("-wall-hook")


BAD = [
    ({"name": " "}, 422, "name", "Enter a name."),
    ({"name": "x" * 201}, 422, "name", "at most 200 characters"),
    ({"name": "a\x00b"}, 422, "name", "characters that cannot be used"),
    ({"price": ""}, 422, "price", "Enter a price such as 19.50."),
    ({"price": " "}, 422, "price", "Enter a price such as 19.50."),
    ({"price": "1.299,00"}, 422, "price", "Write it as 19.50"),
    ({"price": "14,00"}, 422, "price", "Write it as 19.50"),
    ({"price": "-1"}, 422, "price", "Write it as 19.50"),
    ({"price": "0"}, 422, "price", "is no price"),
    ({"price": "9999999"}, 422, "price", "is no price"),
    ({"category": "99"}, 422, "category", "Choose one of the categories."),
    ({"category": "x"}, 422, "category", "Choose one of the categories."),
    ({"category": "9" * 30}, 422, "category", "Choose one of the categories."),
    ({"slug": "Not A Slug"}, 422, "slug", "small letters"),
    ({"slug": "taken"}, 409, "slug", "Another product has, or had, this address."),
    ({"status": "sold"}, 422, "status", "Choose whether it is on sale."),
    ({"low_stock_level": "-1"}, 422, "low_stock_level", "Enter a whole number between 0 and 10000."),
    ({"depth_mm": "-4"}, 422, "depth_mm", "Use a number above 0"),
    ({"depth_mm": "0"}, 422, "depth_mm", "Use a number above 0"),
    ({"depth_mm": "1.5"}, 422, "depth_mm", "Use a whole number above 0."),
    ({"depth_mm": "10001"}, 422, "depth_mm", "at most 10000"),
    ({"weight_g": "100001"}, 422, "weight_g", "at most 100000"),
    ({"weight_g": "9" * 40}, 422, "weight_g", "above 0"),
    ({"detailed_description": "x" * 20_001}, 422, "detailed_description", "at most 20000 characters"),
]


@pytest.mark.parametrize(("values", "status", "name", "said"), BAD)
def test_what_does_not_hold_is_said_above_and_beside_and_all_that_was_typed_stays(
    ada: Desk, values: dict[str, str], status: int, name: str, said: str
) -> None:
    make_product("Other", slug="taken")
    product = make_product()
    before = log_of("products")
    for path in (NEW, page_of(product)):
        answer = ada.do(path, **typed(**{"height_mm": "77", **values}))
        assert answer.status_code == status and words(answer).count(said) >= 2, path
        assert f'href="#{name}"' in answer.text and field(answer, "height_mm") == "77"
        if name not in {"detailed_description", "category", "status", "name"}:
            assert field(answer, name) == values[name]
    assert log_of("products") == before and products.get_whole(product.id).name == "Ledge Phone Stand"


def test_markup_in_a_text_stays_text(ada: Desk) -> None:
    payload = '<script>alert(1)</script><img src=x onerror="alert(1)"> [x](javascript:alert(1))'
    product = add(ada, name=payload, description=payload, detailed_description=payload, status="published")
    for path in (page_of(product), f"/products/{product.id}-{product.slug}", f"/admin/products/{product.id}/preview"):
        page = ada.get(path)
        assert page.status_code == 200 and "<script>alert" not in page.text and "<img src=x" not in page.text
        assert 'href="javascript' not in page.text


def test_what_is_said_of_details_elsewhere_are_plain_words(ada: Desk) -> None:
    product = add(ada, status="published", detailed_description="Holds **everything**, *always*.")
    page = ada.get(f"/products/{product.id}-{product.slug}").text
    assert '<meta name="description" content="Holds everything, always.">' in page
    assert "<strong>everything</strong>" in page


def test_the_details_are_looked_at_before_they_are_saved(ada: Desk) -> None:
    product = make_product()
    for path in (NEW, page_of(product)):
        values = typed(detailed_description="So **much**", price="1,5", look="1")
        part, page = ada.swap(path, **values), ada.do(path, **values)
        assert "<html" not in part.text and "<strong>much</strong>" in part.text
        assert "<strong>much</strong>" in page.text and field(page, "price") == "1,5"
    assert log_of("products") == []


@pytest.mark.parametrize("odd", ["0", "99999", "9223372036854775807", "9223372036854775808", "x"])
def test_what_is_no_product_is_not_found(ada: Desk, odd: str) -> None:
    for part in ("edit", "preview"):
        assert ada.get(f"/admin/products/{odd}/{part}").status_code == 404
    assert ada.do(f"/admin/products/{odd}/edit", **typed()).status_code in {404, 405}


def test_of_two_who_have_opened_it_the_second_is_told(ada: Desk) -> None:
    product = make_product()
    seen = field(ada.get(page_of(product)), "seen")
    assert ada.do(page_of(product), **typed(name="First", seen=seen)).status_code == 303
    late = ada.do(page_of(product), **typed(name="Second", seen=seen))
    assert late.status_code == 409 and "Somebody else has changed this since you opened it." in words(late)
    assert field(late, "name") == "Second" and "First" in words(ada.get(page_of(product)))
    assert ada.do(page_of(product), **typed(name="Second", seen=field(late, "seen"))).status_code == 303
    assert field(ada.get(page_of(product)), "name") == "Second"

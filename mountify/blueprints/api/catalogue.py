"""Products, suggestions, categories, stock."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_babel import gettext as _

from mountify.core.errors import Gone, NotFound
from mountify.core.ids import BIGGEST_ID
from mountify.core.texts import without_control_characters
from mountify.forms.listing import (
    MOST_A_PAGE,
    USUAL_A_PAGE,
    check,
    invalid_fields,
    name_of,
    read_filters,
    read_number,
    read_page,
)
from mountify.services import products
from mountify.services.cards import Card
from mountify.services.products import SHORTEST_SEARCH, Filters, Sort
from mountify.web.page_cache import kept_data, worth_keeping

from .body import amount, gallery, pagination, product_facts, shared

bp = Blueprint("catalogue", __name__)

MOST_IDS = 200
SUGGESTIONS = 5
KEPT_LENGTHS, KEPT_PAGES = frozenset({USUAL_A_PAGE, 24, MOST_A_PAGE}), 10


@bp.get("/products")
def list_products() -> Response:
    check(request.args)
    filters, number = _filters(), read_page(request.args)
    limit = read_number(request.args.get("limit", ""), MOST_A_PAGE) or USUAL_A_PAGE
    data, was_kept = kept_data(_key(filters, number, limit), lambda: _page(filters, number, limit))
    return shared(data, source="cache" if was_kept else "database")


@bp.get("/products/search")
def suggest() -> Response:
    limit = read_number(request.args.get("limit", ""), MOST_A_PAGE)
    if request.args.get("limit") and limit is None:
        raise invalid_fields({"limit": [_("Enter a whole number between 1 and %(most)s.", most=MOST_A_PAGE)]})
    # Not cut to 64 characters: more than those find nothing, and fewer would find something else.
    found = products.suggest(without_control_characters(request.args.get("q", "")[:1000]), limit or SUGGESTIONS)
    return shared(
        {
            "suggestions": [
                {"id": product.id, "name": product.name, "price": amount(product.price), "imageUrl": product.image_url}
                for product in found.items
            ]
        }
    )


@bp.get("/products/<id:product_id>")
def show_product(product_id: int) -> Response:
    data, _was_kept = kept_data(f"api-product:{product_id}", lambda: _show(product_id))
    return shared(data)


@bp.get("/categories")
def list_categories() -> Response:
    data, _was_kept = kept_data("api-categories", _categories)
    return shared(data)


@bp.get("/inventory")
def list_stock() -> Response:
    texts = [text for text in request.args.get("ids", "").split(",") if text]
    ids = {read_number(text, BIGGEST_ID) for text in texts[: MOST_IDS + 1]}
    if not ids or None in ids or len(texts) > MOST_IDS:
        raise invalid_fields({"ids": [_("Name 1 to %(most)s products, such as 1,2.", most=MOST_IDS)]})
    stock = products.list_stock({known for known in ids if known is not None})
    return jsonify(inventory={str(product_id): max(0, available) for product_id, available in stock.items()})


def _filters() -> Filters:
    """The filters of the listing, newest first unless told; words too short to search for are no words."""
    query = request.args.copy()
    query["sort"] = query.get("sort") or Sort.NEWEST
    if len(query.get("search", "").strip()) < SHORTEST_SEARCH:
        query.poplist("search")
    return read_filters(query)


def _key(filters: Filters, number: int, limit: int) -> str | None:
    """Only lists that many ask for are kept: every length times every page would be as many as one likes."""
    if limit not in KEPT_LENGTHS or number > KEPT_PAGES:
        return None
    name = name_of(filters, number)
    return f"api-products:{name}:{limit}" if name else None


def _page(filters: Filters, number: int, limit: int) -> dict[str, Any]:
    found = products.list_products(filters, number, limit)
    if found.items:
        worth_keeping()
    return {
        "products": [_in_list(product) for product in found.items],
        "pagination": pagination(found),
    }


def _in_list(product: Card) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name,
        "price": amount(product.price),
        "description": product.description,
        "detailed_description": product.detailed_description,
        "image_url": product.image_url,
        "image_url_hover": product.image_url_hover,
        "category_id": product.category_id,
        "category_name": product.category_name,
        "category_slug": product.category_slug,
        "available": max(0, product.available),
    }


def _show(product_id: int) -> dict[str, Any]:
    try:
        product = products.get_product(product_id)
    except Gone:
        raise NotFound from None  # the contract knows no 410
    worth_keeping()
    return {
        "product": {**product_facts(product), "available": max(0, product.available)},
        "images": gallery(product.images),
    }


def _categories() -> dict[str, Any]:
    worth_keeping()
    return {
        "categories": [
            {
                "id": category.id,
                "name": category.name,
                "slug": category.slug,
                "description": category.description,
                "display_order": category.display_order,
            }
            for category in products.list_categories()
        ]
    }

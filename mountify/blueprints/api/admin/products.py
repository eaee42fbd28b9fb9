"""Products, kept by programs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request

from mountify.blueprints.api.body import exact_json_object, gallery, pagination, product_facts
from mountify.core.clock import utcnow
from mountify.core.paging import Page
from mountify.forms.listing import MOST_A_PAGE, USUAL_A_PAGE, read_number, read_page
from mountify.forms.product_json import read, to_new
from mountify.forms.product_table import check_query, read_filters
from mountify.models.catalogue import Product
from mountify.services import product_changes, product_records, product_table
from mountify.web.auth import actor, settings

bp = Blueprint("products", __name__, url_prefix="/products")


@bp.get("")
def index() -> Response:
    check_query(request.args)
    query = request.args.copy()
    query["q"] = query.get("search", "")
    limit = read_number(request.args.get("limit", ""), MOST_A_PAGE) or USUAL_A_PAGE
    found: Page[int] = product_table.list_ids(read_filters(query), read_page(request.args), limit)
    products = product_records.list_these(found.items)
    return jsonify(products=[_show(product) for product in products], pagination=pagination(found))


@bp.post("")
def add() -> Response:
    """A product that programs add is on sale at once unless they say otherwise: older ones know of no drafts."""
    values = read(exact_json_object(), required=("name", "price"))
    on_hand = values.pop("on_hand", 0)
    product_id = product_records.add(
        actor(), to_new(values), values, on_hand=int(str(on_hand)), currency=settings().currency, now=utcnow()
    )
    body = jsonify(message="Product created", product=_show(product_records.get(product_id)))
    return make_response(body, 201)


@bp.get("/<id:product_id>")
def show(product_id: int) -> Response:
    return jsonify(product=_show(product_records.get(product_id)))


@bp.put("/<id:product_id>")
def replace(product_id: int) -> Response:
    """What is not named goes, but for status and address, which older programs know nothing of."""
    product_records.get(product_id)
    return _change(product_id, product_records.WHOLE | read(exact_json_object(), required=("name", "price")))


@bp.patch("/<id:product_id>")
def change(product_id: int) -> Response:
    product_records.get(product_id)
    return _change(product_id, read(exact_json_object()))


@bp.delete("/<id:product_id>")
def delete(product_id: int) -> Response:
    is_deleted = product_changes.delete(actor(), product_id, now=utcnow())
    return jsonify(success=True, **{"deleted" if is_deleted else "archived": product_id})


def _change(product_id: int, values: dict[str, object]) -> Response:
    product_records.change(actor(), product_id, values, currency=settings().currency, now=utcnow())
    return jsonify(message="Product updated", product=_show(product_records.get(product_id)))


def _show(product: Product) -> dict[str, Any]:
    return {
        **product_facts(product),
        "slug": product.slug,
        "status": product.status,
        "categoryName": product.category.name if product.category else None,
        "onHand": product.stock.on_hand,
        "reserved": product.stock.reserved,
        "available": product.available,
        "createdAt": product.created_at.isoformat(),
        "updatedAt": product.updated_at.isoformat(),
        "images": gallery(product.images),
    }

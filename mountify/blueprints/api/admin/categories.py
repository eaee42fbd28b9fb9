"""Categories, kept by programs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response

from mountify.blueprints.api.body import json_object
from mountify.core.clock import utcnow
from mountify.forms.category import CategoryForm
from mountify.services import categories
from mountify.services.products import CategoryCount
from mountify.web.auth import actor

bp = Blueprint("categories", __name__, url_prefix="/categories")


@bp.get("")
def index() -> Response:
    return jsonify(categories=[_show(row) for row in categories.list_rows()])


@bp.post("")
def add() -> Response:
    form = CategoryForm.from_json(json_object())
    category_id = categories.add(actor(), form.named, display_order=form.display_order.data, now=utcnow())
    return make_response(jsonify(category=_show(categories.get_row(category_id))), 201)


@bp.put("/<id:category_id>")
def change(category_id: int) -> Response:
    categories.get_row(category_id)
    form = CategoryForm.from_json(json_object())
    categories.change(actor(), category_id, form.named, display_order=form.display_order.data, now=utcnow())
    return jsonify(category=_show(categories.get_row(category_id)))


@bp.delete("/<id:category_id>")
def delete(category_id: int) -> Response:
    left = categories.delete(actor(), category_id, now=utcnow())
    return jsonify(success=True, deleted=category_id, productsWithoutCategory=left)


def _show(row: CategoryCount) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "slug": row.slug,
        "description": row.description,
        "display_order": row.display_order,
        "product_count": row.count,
    }

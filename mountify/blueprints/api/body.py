"""Reading JSON bodies, writing amounts, moments and whatever more than one route tells in the same shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import Response, json, jsonify, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from mountify.core import strict_json
from mountify.core.errors import N_, InvalidInput
from mountify.core.money import Money
from mountify.core.paging import Page
from mountify.models.catalogue import Product, ProductImage
from mountify.models.order import Order
from mountify.services.order_table import Row
from mountify.web.page_cache import for_everybody


def json_object(*, may_be_empty: bool = False) -> dict[str, Any]:
    """Give the body, which must be one JSON object. Raises InvalidInput or UnsupportedMediaType."""
    if may_be_empty and not (request.get_data() or request.form or request.files):
        return {}
    return _read_object(request.get_json)


def exact_json_object() -> dict[str, Any]:
    """Give the body as json_object() does, but amounts as they are written: as Decimal."""
    return _read_object(lambda: strict_json.loads(request.get_data().decode(), exact=True))


def _read_object(read: Callable[[], Any]) -> dict[str, Any]:
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        body = read()
    except (BadRequest, ValueError, RecursionError):
        raise InvalidInput(N_("The body must be a JSON object.")) from None
    if not isinstance(body, dict):
        raise InvalidInput(N_("The body must be a JSON object."))
    return body


def shared(data: dict[str, Any], **beside: object) -> Response:
    """Answer everybody alike. What is said beside the data makes it no other answer."""
    for_everybody(json.dumps(data, sort_keys=True).encode())
    return jsonify(**data, **beside)


def amount(money: Money) -> float:
    """The amount as a JSON number; nothing is ever added up in this form."""
    return float(money.amount)


def moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def product_facts(product: Product) -> dict[str, Any]:
    """What the shop and the desk alike tell of a product."""
    return {
        "id": product.id,
        "name": product.name,
        "price": amount(product.price),
        "description": product.description,
        "detailed_description": product.detailed_description,
        "imageUrl": product.image_url,
        "imageUrlHover": product.image_url_hover,
        "imagePublicId": product.image_public_id,
        "imageHoverPublicId": product.image_hover_public_id,
        "categoryId": product.category_id,
    }


def gallery(images: Sequence[ProductImage]) -> list[dict[str, Any]]:
    """The pictures of a product."""
    return [
        {
            "url": image.image_url,
            "publicId": image.cloudinary_public_id,
            "displayOrder": image.display_order,
            "isPrimary": image.is_primary,
            "alt": image.alt,
        }
        for image in images
    ]


def order_facts(order: Order | Row) -> dict[str, Any]:
    """What the shop and the desk alike tell of an order."""
    return {
        "id": order.id,
        "number": order.number,
        "email": order.email,
        "total": amount(order.total),
        "status": order.status,
        "createdAt": moment(order.created_at),
    }


def order_row(row: Row) -> dict[str, Any]:
    """An order in a list of the desk."""
    return {**order_facts(row), "itemCount": row.parts}


def pagination(page: Page[Any]) -> dict[str, object]:
    """Say which page of how many an answer is."""
    return {
        "page": page.number,
        "limit": page.size,
        "total": page.total,
        "totalPages": page.pages if page.total else 0,
        "hasMore": page.has_more,
    }

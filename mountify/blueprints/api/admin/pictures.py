"""The pictures of products, kept by programs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from mountify.blueprints.api.body import gallery, json_object
from mountify.core.clock import utcnow
from mountify.forms.pictures import content_of, let_in_more, one_file, read_gallery, read_public_id
from mountify.services import picture_files, product_pictures, products
from mountify.web.auth import actor
from mountify.web.gateways import gateways

bp = Blueprint("pictures", __name__)


@bp.url_value_preprocessor
def take_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before anything of a request is read."""
    if (endpoint or "").endswith(".upload"):
        let_in_more()


@bp.get("/products/<id:product_id>/images")
def index(product_id: int) -> Response:
    return _show(product_id)


@bp.post("/products/<id:product_id>/images")
def replace(product_id: int) -> Response:
    """These pictures and no others."""
    products.get_whole(product_id)
    product_pictures.replace(actor(), product_id, read_gallery(json_object()), now=utcnow())
    return _show(product_id)


@bp.post("/upload-image")
def upload() -> Response:
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType
    stored = picture_files.upload(actor(), content_of(one_file()), images=gateways().images, now=utcnow())
    return jsonify(url=stored.url, publicId=stored.public_id, width=stored.width, height=stored.height)


@bp.post("/delete-image")
def delete() -> Response:
    """Whatever a product still shows stays: take it out of the gallery, and it goes by itself."""
    picture_files.delete(actor(), read_public_id(json_object()), images=gateways().images, now=utcnow())
    return jsonify(success=True)


def _show(product_id: int) -> Response:
    return jsonify(images=gallery(products.get_whole(product_id).images))

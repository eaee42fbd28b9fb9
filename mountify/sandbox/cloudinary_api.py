"""Cloudinary's upload API: upload and destroy. Of its admin API: ping.

https://cloudinary.com/documentation/image_upload_api_reference
https://cloudinary.com/documentation/admin_api#ping_cloudinary_servers
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

from flask import Blueprint, Response, jsonify, request

from . import cloudinary_painter, faults
from . import cloudinary_pictures as pictures
from .cloudinary_account import CloudinaryError, check_password, sign, signed_form, with_cloudinary_error
from .cloudinary_delivery import add_delivery, derived_folder, original_path, picture_id
from .context import the_sandbox
from .ids import new_id
from .store import Doc

LARGEST_BYTES = 10 * 1024 * 1024  # of an image, on the free plan
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_\-./ ]{1,200}")
_DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,", re.ASCII)
_PLAYED_NAMES = """
api_key cloud_name discard_original_filename file invalidate overwrite public_id resource_type signature tags timestamp
type
"""
_PLAYED = frozenset(_PLAYED_NAMES.split())
_NO = frozenset({"0", "false", "False"})
_HIDDEN = frozenset({"id", "content", "cloud", "transparent"})


def create_blueprint() -> Blueprint:
    """Put the upload and delivery routes together."""
    bp = Blueprint("cloudinary", __name__)
    bp.register_error_handler(CloudinaryError, with_cloudinary_error)
    bp.add_url_rule("/v1_1/<cloud>/image/upload", "upload", _upload, methods=["POST"])
    bp.add_url_rule("/v1_1/<cloud>/image/destroy", "destroy", _destroy, methods=["POST"])
    bp.add_url_rule("/v1_1/<cloud>/ping", "ping", _ping, methods=["GET"])
    add_delivery(bp)
    return bp


def _upload(cloud: str) -> Response:
    form = signed_form(cloud)
    _refuse_unplayed(form)
    faults.pause()
    content, filename = _file(form)
    try:
        measured = pictures.measure(content)
    except pictures.NoPicture:
        raise CloudinaryError(400, "Invalid image file") from None
    public_id = form.get("public_id") or new_id("")[-20:]
    if not _PUBLIC_ID.fullmatch(public_id) or ".." in public_id or public_id.strip("/ ") != public_id:
        raise CloudinaryError(400, f"public_id ({public_id[:80]}) is invalid")
    doc = _document(cloud, public_id, content, measured, form, filename)
    return jsonify(_keep(doc, content, overwrites=form.get("overwrite") not in _NO))


def _ping(cloud: str) -> Response:
    check_password(cloud)
    faults.pause()
    return jsonify(status="ok")


def _refuse_unplayed(form: dict[str, str]) -> None:
    """Cloudinary would act on these; a stand-in that says yes and does nothing misleads."""
    unplayed = sorted(set(form) - _PLAYED)
    if unplayed:
        raise CloudinaryError(400, f"The sandbox does not play the parameter {unplayed[0][:40]}")
    if form.get("type", "upload") != "upload":
        raise CloudinaryError(400, f"The sandbox does not play the type {form['type'][:40]}")


def _file(form: dict[str, str]) -> tuple[bytes, str]:
    sent = request.files.get("file")
    if sent is not None:
        content, filename = sent.read(), sent.filename or "file"
    else:
        content, filename = _from_data_uri(form.get("file", "")), "file"
    if not content:
        raise CloudinaryError(400, "Empty file")
    if len(content) > LARGEST_BYTES:
        raise CloudinaryError(400, f"File size too large. Got {len(content)}. Maximum is {LARGEST_BYTES}.")
    return content, filename


def _from_data_uri(text: str) -> bytes:
    if not text:
        raise CloudinaryError(400, "Missing required parameter - file")
    head = _DATA_URI.match(text)
    if head is None:
        raise CloudinaryError(400, "The sandbox fetches nothing: send the picture itself, or a data URI")
    try:
        return base64.b64decode(text[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise CloudinaryError(400, "Invalid image file") from None


def _document(
    cloud: str, public_id: str, content: bytes, measured: pictures.Measured, form: dict[str, str], filename: str
) -> Doc:
    version = int(the_sandbox().clock.now())
    return {
        "id": picture_id(cloud, public_id),
        "asset_id": hashlib.sha256(f"{cloud}/{public_id}".encode()).hexdigest()[:32],
        "public_id": public_id,
        "version": version,
        "version_id": hashlib.sha256(f"{version}/{public_id}".encode()).hexdigest()[:32],
        "signature": sign({"public_id": public_id, "version": str(version)}),
        "width": measured.width,
        "height": measured.height,
        "format": {"JPEG": "jpg"}.get(measured.kind, measured.kind.lower()),
        "resource_type": "image",
        "type": "upload",
        "created_at": datetime.fromtimestamp(version, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tags": [tag.strip() for tag in form.get("tags", "").split(",") if tag.strip()],
        "bytes": len(content),
        "etag": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "placeholder": False,
        "asset_folder": "",
        "display_name": public_id.rpartition("/")[2],
        "original_filename": Path(filename).stem,
        "content": hashlib.sha256(content).hexdigest(),
        "cloud": cloud,
        "transparent": measured.transparent,
    }


def _keep(doc: Doc, content: bytes, *, overwrites: bool) -> Doc:
    """Put file and record on the disk before anybody is told; an asset in the way is replaced, or told instead."""
    store = the_sandbox().store
    pictures.write(original_path(doc["content"]), content)
    with store.transaction():
        before = store.find("picture", doc["id"])
        if before is not None and not overwrites:
            return {**_told(before), "existing": True}
        store.save(doc, "picture")
    cloudinary_painter.paint_ahead(original_path(doc["content"]), derived_folder(doc["content"]))
    return _told(doc) | ({"overwritten": True} if before is not None else {})


def _destroy(cloud: str) -> Response:
    form = signed_form(cloud)
    if not form.get("public_id"):
        raise CloudinaryError(400, "Missing required parameter - public_id")
    faults.pause()
    store = the_sandbox().store
    doc_id = picture_id(cloud, form["public_id"])
    with store.transaction():
        found = store.find("picture", doc_id)
        store.change("DELETE FROM objects WHERE id = ? AND kind = 'picture'", (doc_id,))
    return jsonify(result="ok" if found else "not found")


def _told(doc: Doc) -> Doc:
    path = f"/{doc['cloud']}/image/upload/v{doc['version']}/{doc['public_id']}.{doc['format']}"
    url = the_sandbox().public_url + path
    return {**{name: value for name, value in doc.items() if name not in _HIDDEN}, "url": url, "secure_url": url}

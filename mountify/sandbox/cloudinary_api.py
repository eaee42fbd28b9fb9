"""Cloudinary's upload API and its delivery of pictures, for any cloud name and the one account below.

https://cloudinary.com/documentation/image_upload_api_reference, https://cloudinary.com/documentation/signatures
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from . import cloudinary_pictures as pictures
from . import faults
from .context import the_sandbox
from .ids import new_id
from .store import Doc

API_KEY, API_SECRET = "100000000000017", "sandbox-secret"
OLDEST_S = 3600
YEAR_S = 365 * 24 * 3600
_UNSIGNED = frozenset({"file", "api_key", "signature", "resource_type", "cloud_name"})
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_\-./ ]{1,200}")
_VERSION = re.compile(r"v\d{1,12}")


class CloudinaryError(Exception):
    """A refusal in Cloudinary's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def create_blueprint() -> Blueprint:
    """Put the upload and delivery routes together."""
    bp = Blueprint("cloudinary", __name__)
    bp.register_error_handler(CloudinaryError, _with_error)
    bp.register_error_handler(HTTPException, lambda error: _with_error(CloudinaryError(error.code or 500, error.name)))
    bp.add_url_rule("/v1_1/<cloud>/image/upload", "upload", _upload, methods=["POST"])
    bp.add_url_rule("/v1_1/<cloud>/image/destroy", "destroy", _destroy, methods=["POST"])
    bp.add_url_rule("/v1_1/<path:rest>", "unknown", _unknown, methods=["GET", "POST", "PUT", "DELETE"])
    bp.add_url_rule("/<cloud>/image/upload/<path:rest>", "deliver", _deliver, methods=["GET"])
    return bp


def _upload(cloud: str) -> Response:
    form = _signed()
    faults.pause()
    file = request.files.get("file")
    if file is None:
        raise CloudinaryError(400, "Missing required parameter - file")
    content = file.read()
    try:
        width, height, kind = pictures.measure(content)
    except pictures.NoPicture:
        raise CloudinaryError(400, "Invalid image file") from None
    public_id = form.get("public_id") or new_id("")[-20:]
    if not _PUBLIC_ID.fullmatch(public_id) or ".." in public_id or public_id.strip("/ ") != public_id:
        raise CloudinaryError(400, f"public_id ({public_id[:80]}) is invalid")
    sandbox = the_sandbox()
    version = int(sandbox.clock.now())
    digest = hashlib.sha256(content).hexdigest()
    doc: Doc = {
        "id": _doc_id(cloud, public_id),
        "asset_id": hashlib.sha256(f"{cloud}/{public_id}".encode()).hexdigest()[:32],
        "public_id": public_id,
        "version": version,
        "signature": _sign({"public_id": public_id, "version": str(version)}),
        "width": width,
        "height": height,
        "format": {"JPEG": "jpg"}.get(kind, kind.lower()),
        "resource_type": "image",
        "type": "upload",
        "created_at": datetime.fromtimestamp(version, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "bytes": len(content),
        "etag": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "original_filename": Path(file.filename or "file").stem,
        "content": digest,
        "cloud": cloud,
    }
    pictures.write(_original(digest), content)
    with sandbox.store.transaction():
        was_there = sandbox.store.find("picture", doc["id"]) is not None
        sandbox.store.save(doc, "picture")
    return jsonify(_told(doc) | ({"overwritten": True} if was_there else {}))


def _destroy(cloud: str) -> Response:
    form = _signed()
    faults.pause()
    sandbox = the_sandbox()
    doc_id = _doc_id(cloud, form.get("public_id", ""))
    with sandbox.store.transaction():
        found = sandbox.store.find("picture", doc_id)
        sandbox.store.change("DELETE FROM objects WHERE id = ? AND kind = 'picture'", (doc_id,))
    return jsonify(result="ok" if found else "not found")


def _deliver(cloud: str, rest: str) -> Response:
    faults.pause()
    segments = rest.split("/")
    count = next((at for at, each in enumerate(segments) if _VERSION.fullmatch(each)), None)
    if count is None:
        count = next((at for at, each in enumerate(segments[:-1]) if not pictures.is_transformation(each)), -1)
        count = len(segments) - 1 if count < 0 else count
        name = "/".join(segments[count:])
    else:
        name = "/".join(segments[count + 1 :])
    try:
        asked = pictures.read(segments[:count])
    except pictures.BadTransformation as error:
        raise CloudinaryError(400, str(error)) from None
    doc, extension = _find(cloud, name)
    return _rendered(doc, _in_format(asked, extension, doc))


def _find(cloud: str, name: str) -> tuple[Doc, str]:
    """Find a picture by its name, which may carry the extension of the format wanted."""
    store = the_sandbox().store
    stem, _, extension = name.rpartition(".")
    doc = store.find("picture", _doc_id(cloud, name))
    if doc is not None:
        return doc, ""
    doc = store.find("picture", _doc_id(cloud, stem)) if extension in pictures.FORMATS else None
    if doc is None:
        raise CloudinaryError(404, f"Resource not found - {name[:100]}")
    return doc, extension


def _in_format(asked: pictures.Transformation, extension: str, doc: Doc) -> pictures.Transformation:
    if asked.is_auto_format:
        accepted = request.headers.get("Accept", "")
        best = "AVIF" if "image/avif" in accepted else "WEBP" if "image/webp" in accepted else "JPEG"
        return replace(asked, format=best)
    return asked if asked.format else replace(asked, format=pictures.FORMATS[extension or doc["format"]])


def _rendered(doc: Doc, asked: pictures.Transformation) -> Response:
    derived = the_sandbox().data_dir / "pictures" / "derived" / doc["content"] / asked.key
    if not derived.exists():
        pictures.write(derived, pictures.render(_original(doc["content"]).read_bytes(), asked))
    response = make_response(derived.read_bytes())
    response.mimetype = pictures.TYPES[asked.format]
    response.headers["Cache-Control"] = f"public, no-transform, immutable, max-age={YEAR_S}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    if asked.is_auto_format:
        response.vary.add("Accept")
    response.add_etag()
    response.make_conditional(request)
    return response


def _signed() -> dict[str, str]:
    """The form of a request that its account has signed within the last hour. Raises CloudinaryError."""
    form = {name: ",".join(values) for name, values in request.form.lists()}
    if not form.get("api_key"):
        raise CloudinaryError(401, "Must supply api_key")
    if form["api_key"] != API_KEY:
        raise CloudinaryError(401, "Invalid api_key " + form["api_key"][:40])
    signature, asked = form.get("signature", ""), {k.removesuffix("[]"): v for k, v in form.items()}
    wanted = _sign({name: value for name, value in asked.items() if name not in _UNSIGNED})
    if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
        raise CloudinaryError(401, f"Invalid Signature {signature[:64]}. String to sign is not what was signed.")
    stamp = form.get("timestamp", "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise CloudinaryError(400, "Missing required parameter - timestamp")
    if abs(the_sandbox().clock.now() - int(stamp)) > OLDEST_S:
        raise CloudinaryError(400, f"Stale request - reported time is {stamp} which is more than 1 hour ago")
    return form


def _sign(params: dict[str, Any]) -> str:
    pairs = (f"{name}={value}".replace("&", "%26") for name, value in params.items() if value)
    return hashlib.sha1(("&".join(sorted(pairs)) + API_SECRET).encode(), usedforsecurity=False).hexdigest()


def _told(doc: Doc) -> Doc:
    path = f"/{doc['cloud']}/image/upload/v{doc['version']}/{doc['public_id']}.{doc['format']}"
    url = the_sandbox().public_url + path
    told = {name: value for name, value in doc.items() if name not in {"id", "content", "cloud"}}
    return {**told, "tags": [], "url": url, "secure_url": url}


def _doc_id(cloud: str, public_id: str) -> str:
    return f"picture:{cloud}/{public_id}"


def _original(digest: str) -> Path:
    return the_sandbox().data_dir / "pictures" / "originals" / digest


def _unknown(rest: str) -> Response:
    if rest.endswith(("/image/upload", "/image/destroy")):
        raise MethodNotAllowed
    raise CloudinaryError(404, f"Unknown path - {rest[:100]}")


def _with_error(error: CloudinaryError) -> Response:
    response = make_response(jsonify(error={"message": error.message}), error.status)
    response.headers["X-Cld-Error"] = " ".join(error.message.split())
    return response

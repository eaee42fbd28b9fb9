"""Cloudinary's delivery: a picture in the size, quality and format its address asks for.

https://cloudinary.com/documentation/image_transformations#transformation_url_structure
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from flask import Blueprint, Response, make_response, request

from . import cloudinary_pictures as pictures
from . import faults
from .cloudinary_account import CloudinaryError
from .context import the_sandbox
from .store import Doc

YEAR_S = 365 * 24 * 3600
_LONE_PICTURE = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"  # browsers style the page around it
_VERSION = re.compile(r"v\d{1,12}", re.ASCII)


def add_delivery(bp: Blueprint) -> None:
    """Add the route that browsers ask."""
    bp.add_url_rule("/<cloud>/image/upload/<path:rest>", "deliver", _deliver, methods=["GET"])


def picture_id(cloud: str, public_id: str) -> str:
    """Return the key of a picture's record."""
    return f"picture:{cloud}/{public_id}"


def original_path(digest: str) -> Path:
    """Return where the uploaded bytes lie."""
    return the_sandbox().data_dir / "pictures" / "originals" / digest


def derived_folder(digest: str) -> Path:
    """Return where the renderings of one upload lie."""
    return the_sandbox().data_dir / "pictures" / "derived" / digest


def _deliver(cloud: str, rest: str) -> Response:
    faults.pause()
    steps, name = _split(rest.split("/"))
    try:
        asked = pictures.read(steps)
    except pictures.BadTransformation as error:
        raise CloudinaryError(400, str(error)) from None
    doc, extension = _find(cloud, name)
    chosen = _in_format(asked, extension, doc)
    if not steps and chosen.format == pictures.FORMATS[doc["format"]]:
        return _answer(original_path(doc["content"]).read_bytes(), chosen)
    return _answer(_rendered(doc, chosen), chosen)


def _split(segments: list[str]) -> tuple[list[str], str]:
    """Tell the transformations of an address from the name, which begins after the version, if there is one."""
    for place, segment in enumerate(segments):
        if _VERSION.fullmatch(segment):
            return segments[:place], "/".join(segments[place + 1 :])
    first = next((at for at, each in enumerate(segments[:-1]) if not pictures.is_transformation(each)), None)
    count = len(segments) - 1 if first is None else first
    return segments[:count], "/".join(segments[count:])


def _find(cloud: str, name: str) -> tuple[Doc, str]:
    """Find a picture by its name, which may carry the extension of the format wanted."""
    store = the_sandbox().store
    stem, _, extension = name.rpartition(".")
    doc = store.find("picture", picture_id(cloud, name))
    if doc is not None:
        return doc, ""
    doc = store.find("picture", picture_id(cloud, stem)) if extension in pictures.FORMATS else None
    if doc is None:
        raise CloudinaryError(404, f"Resource not found - {name[:100]}")
    return doc, extension


def _in_format(asked: pictures.Transformation, extension: str, doc: Doc) -> pictures.Transformation:
    if asked.is_auto_format:
        return replace(asked, format=_best_format(doc))
    return asked if asked.format else replace(asked, format=pictures.FORMATS[extension or doc["format"]])


def _best_format(doc: Doc) -> str:
    """The smallest the browser names; who names none gets JPEG, or PNG for a picture one can see through."""
    accepted = {kind.lower() for kind, weight in request.accept_mimetypes if weight > 0}
    for kind in ("AVIF", "WEBP"):
        if pictures.TYPES[kind] in accepted:
            return kind
    return "PNG" if doc.get("transparent") else "JPEG"


def _rendered(doc: Doc, asked: pictures.Transformation) -> bytes:
    derived = derived_folder(doc["content"]) / asked.key
    if not derived.exists():
        pictures.write(derived, pictures.render(original_path(doc["content"]).read_bytes(), asked))
    return derived.read_bytes()


def _answer(content: bytes, asked: pictures.Transformation) -> Response:
    response = make_response(content)
    response.mimetype = pictures.TYPES[asked.format]
    response.headers["Cache-Control"] = f"public, no-transform, immutable, max-age={YEAR_S}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Content-Security-Policy"] = _LONE_PICTURE
    if asked.is_auto_format:
        response.vary.add("Accept")
    response.add_etag()
    response.make_conditional(request)
    return response

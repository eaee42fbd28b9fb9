"""Pictures, as a page and as a program send them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage, MultiDict

from mountify.core.errors import N_, InvalidInput
from mountify.core.texts import read_whole, without_control_characters
from mountify.forms.listing import invalid_fields
from mountify.services.pictures import MOST_BYTES
from mountify.services.product_pictures import MOST, Shown
from mountify.web.auth import identity

MOST_FILES = 6  # that a page without script can send at once
MOST_AT_ONCE = MOST_FILES * MOST_BYTES + 256 * 1024
MOST_WORDS = 300
LONGEST_ADDRESS, LONGEST_ID = 2000, 255

T = TypeVar("T")


def let_in_more() -> None:
    """Let a request of the office be as big as pictures are; anybody else's stays small."""
    who = identity()
    if who is not None and who.is_staff:
        request.max_content_length = MOST_AT_ONCE


def read_files(name: str) -> list[FileStorage]:
    """List the files that were chosen: a browser sends a nameless one for none."""
    return [file for file in request.files.getlist(name) if file.filename]


def content_of(file: FileStorage) -> bytes:
    """Read a file, not further than tells that it is too big."""
    return file.stream.read(MOST_BYTES + 1)


def read_texts(form: MultiDict[str, str]) -> dict[int, str]:
    """Read what is said of each picture: fields named alt-<id>."""
    texts = {read_whole(name.removeprefix("alt-")): text for name, text in form.items() if name.startswith("alt-")}
    return {number: _words(text) for number, text in texts.items() if number is not None}


def _words(text: str) -> str:
    return " ".join(without_control_characters(text).split())[:MOST_WORDS]


def read_gallery(body: Mapping[str, Any]) -> list[Shown]:
    """Read pictures in their order, the primary one first. Raises InvalidInput."""
    images = body.get("images")
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        raise invalid_fields({"images": [_("This must be a list of pictures.")]})
    if len(images) > MOST:
        raise invalid_fields({"images": [_("A product has at most %(most)s pictures.", most=MOST)]})
    if sum(image.get("isPrimary") is True for image in images) > 1:
        raise invalid_fields({"images": [_("Exactly one picture is the primary one.")]})
    orders = [_typed(image, "displayOrder", int, place) for place, image in enumerate(images)]
    ordered = sorted(zip(orders, images, strict=True), key=lambda pair: (not _is_primary(pair[1]), pair[0]))
    shown = [_shown(image) for _order, image in ordered]
    named = [each.public_id for each in shown if each.public_id]
    if len(set(named)) < len(named):
        raise invalid_fields({"images": [_("Each picture is shown once.")]})
    return shown


def read_public_id(body: Mapping[str, Any]) -> str:
    """Read the one picture that is meant. Raises InvalidInput."""
    public_id = _public_id(body)
    if public_id is None:
        raise invalid_fields({"publicId": [_("Say which picture.")]})
    return public_id


def _is_primary(image: Mapping[str, Any]) -> bool:
    return _typed(image, "isPrimary", bool, False)


def _shown(image: Mapping[str, Any]) -> Shown:
    url = _typed(image, "url", str, "")
    if not is_address(url):
        raise invalid_fields({"url": [_("Enter an address that begins with https:// or http://.")]})
    return Shown(url, _public_id(image), _words(_typed(image, "alt", str, "")))


def is_address(url: str) -> bool:
    """Say whether a picture can be shown from there: somewhere in the web, or the shop's own."""
    if len(url) > LONGEST_ADDRESS or url != without_control_characters(url) or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_ours = url.startswith("/") and not url.startswith("//")
    return is_ours or (parts.scheme in {"http", "https"} and bool(parts.hostname))


def _public_id(image: Mapping[str, Any]) -> str | None:
    public_id = _typed(image, "publicId", str, "")
    if len(public_id) > LONGEST_ID or public_id != without_control_characters(public_id):
        raise invalid_fields({"publicId": [_("This is no name of a picture.")]})
    return public_id or None


def _typed(image: Mapping[str, Any], name: str, kind: Callable[..., T], default: T) -> T:
    value = image.get(name)
    if value is None:
        return default
    if type(value) is not kind:
        raise invalid_fields({name: [_("This has the wrong type.")]})
    return value


def one_file() -> FileStorage:
    """Give the file that a program sends. Raises InvalidInput."""
    files = read_files("file")
    if len(files) != 1:
        raise InvalidInput(N_("Send one picture as the field named file."))
    return files[0]

"""Static files: one joined, hashed and precompressed style sheet, and addresses that may be kept for a year."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache, lru_cache
from pathlib import Path

import brotli
from flask import Blueprint, Flask, Response, current_app, make_response, request
from werkzeug.exceptions import NotFound

from mountify.core.pictures import sized, tone

STATIC = Path(__file__).parent.parent / "static"
YEAR_S = 365 * 24 * 3600
DAY_S = 24 * 3600
MINUTE_S = 60

# The style sheet of each front. The order of the files is the order of the rules.
_SHOP = (
    "layers", "reset", "tokens", "base", "layout", "header", "search", "footer", "wide", "icon", "dimension",
    "button", "progress", "price", "stock", "card", "home", "facts", "form", "stepper", "filters", "navigation",
    "product", "cart", "box", "message", "steps", "status", "table", "dialog", "utilities",
)  # fmt: skip
_DESK = ("layers", "desk", "kpis", "chart", "panel", "dense", "tools", "pictures", "print")
BUNDLES = {"shop": _SHOP, "admin": _DESK}

bp = Blueprint("assets", __name__)


def init_assets(app: Flask) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = DAY_S
    app.register_blueprint(bp)
    app.jinja_env.globals.update(bundle_url=bundle_url, static_url=static_url, picture=picture, tone=tone)
    app.after_request(_keep_for_ever)


def bundle_url(name: str = "shop") -> str:
    """The address of a front's style sheet; it changes with every change of the rules."""
    return f"{current_app.config['STATIC_URL']}/bundle/{name}-{bundle_fingerprint(name)}.css"


def bundle_fingerprint(name: str = "shop") -> str:
    return _fingerprint(_bundle(name))


def static_url(path: str) -> str:
    """The address of one static file with its fingerprint."""
    return f"{current_app.config['STATIC_URL']}/{path}?v={_file_fingerprint(path)}"


def picture(url: str | None, width: int) -> str:
    """The address of a picture of ours in another width (320, 640 or 960 px); any other picture as it is."""
    if url and (uploaded := sized(url, width)):
        return uploaded
    return re.sub(r"^/static/(.+)-960\.webp$", rf"{current_app.config['STATIC_URL']}/\1-{width}.webp", url or "")


@bp.get("/static/bundle/<name>-<fingerprint>.css")
def bundle(name: str, fingerprint: str) -> Response:
    if name not in BUNDLES or fingerprint != bundle_fingerprint(name):
        raise NotFound
    encoding = request.accept_encodings.best_match(["br", "gzip", "identity"]) or "identity"
    response = make_response(_encoded(name, encoding))
    response.mimetype = "text/css"
    if encoding != "identity":
        response.headers["Content-Encoding"] = encoding
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response


@cache
def _bundle(name: str) -> bytes:
    sheets = ((STATIC / "css" / f"{sheet}.css").read_text("utf-8") for sheet in BUNDLES[name])
    lines = (line.strip() for sheet in sheets for line in re.sub(r"(?s)/\*.*?\*/", "", sheet).splitlines())
    return "\n".join(line for line in lines if line).encode()


@cache
def _encoded(name: str, encoding: str) -> bytes:
    match encoding:
        case "br":
            return bytes(brotli.compress(_bundle(name)))
        case "gzip":
            return gzip.compress(_bundle(name), 9, mtime=0)
        case _:
            return _bundle(name)


@lru_cache(maxsize=500)  # a file can be asked for by many paths
def _file_fingerprint(path: str) -> str:
    return _fingerprint((STATIC / path).read_bytes())


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def _keep_for_ever(response: Response) -> Response:
    """A file may be kept for a year under its own fingerprint only: another release may have it under that one."""
    if request.endpoint == "static" and response.status_code in {200, 304} and "v" in request.args:
        path = str((request.view_args or {})["filename"])
        is_its_own = request.args["v"] == _file_fingerprint(path)
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR_S}, immutable" if is_its_own else f"public, max-age={MINUTE_S}"
        )
    return response

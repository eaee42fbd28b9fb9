"""One shop, one name: BASE_URL's. Links and cookies of another name would lead astray."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from flask import Flask, redirect, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from mountify.config import LOOPBACK, Config


def init_hosts(app: Flask, config: Config) -> None:
    ours = urlsplit(config.base_url).netloc

    @app.before_request
    def insist() -> Response | None:
        """Lead a reader from localhost to 127.0.0.1 or the other way round; refuse names that are not ours."""
        if request.host == ours or request.blueprint == "health":
            return None
        if urlsplit(f"//{request.host}").hostname not in LOOPBACK or config.is_production:
            raise BadRequest
        if request.method not in {"GET", "HEAD"}:
            return None  # the same-origin rule refuses it
        query = f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
        return redirect(config.origin + quote(request.path) + query, 308)

"""A browser without script for page tests: keeps cookies, says where it comes from, reads pages as people do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

ORIGIN = "http://127.0.0.1:3999"


class Browser:
    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.where = "/"

    def get(self, path: str, **options: Any) -> TestResponse:
        response = self.client.get(path, base_url=ORIGIN, buffered=True, **options)
        self.where = path
        return response

    def post(self, path: str, data: Mapping[str, Any] | bytes | None = None, **options: Any) -> TestResponse:
        """Post a form from the page the browser shows."""
        headers = {"Sec-Fetch-Site": "same-origin", "Referer": ORIGIN + self.where, **options.pop("headers", {})}
        method = options.pop("method", "POST")
        return self.client.open(path, method=method, base_url=ORIGIN, data=data or {}, headers=headers, **options)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send JSON as a client of the API does."""
        headers = {"Sec-Fetch-Site": "same-origin", **headers}
        return self.client.open(path, method=method, base_url=ORIGIN, json=body, headers=headers)

    def htmx(self, method: str, path: str, data: Mapping[str, Any] | None = None) -> TestResponse:
        headers = {
            "Sec-Fetch-Site": "same-origin",
            "Referer": ORIGIN + self.where,
            "HX-Request": "true",
            "HX-Request-Type": "partial",
        }
        return self.client.open(path, method=method, base_url=ORIGIN, data=data, headers=headers)

    def cookies(self) -> set[str]:
        return {name for name in ("mountify", "cart", "theme") if self.client.get_cookie(name, domain="127.0.0.1")}


def words(response: TestResponse) -> str:
    """What a page says, without its markup."""
    text = re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", response.get_data(as_text=True))
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def field(response: TestResponse, name: str) -> str:
    """The value of a form's field."""
    for tag in re.findall(r"<input[^>]*>", response.get_data(as_text=True)):
        if f'name="{name}"' in tag:
            found = re.search(r'value="([^"]*)"', tag)
            return unescape(found[1]) if found else ""
    raise AssertionError(f"no field {name}")

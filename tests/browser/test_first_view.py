"""The first view: small enough for one round trip, and open to everybody's eyes and hands."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import brotli
import pytest
from playwright.sync_api import Browser

from tests.axe import complaints

from .conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ONE_ROUND_TRIP_BYTES = 14_000
AS_NGINX, AS_BUILT = 6, 11  # nginx compresses pages as they go; the style sheet was compressed before

PAGES = {
    "home": "/",
    "listing": "/products",
    "filtered": "/products?category=wall-shelf&max_price=20&in_stock=1",
    "empty": "/products?search=bicycle+bell",
    "misspelt": "/search?q=hedphone",
    "past-the-end": "/products?page=99",
    "product": "/products/36",
    "cart-empty": "/cart",
    "sign-in": "/auth/signin",
    "delivery": "/delivery",
    "contact": "/contact",
    "find-my-order": "/find-my-order",
    "not-found": "/nothing-here",
}


def read(url: str, cookie: str = "") -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookie} if cookie else {})) as answer:
        return str(answer.read().decode())


def fill_cart(shop: Shop, lines: int) -> str:
    """Put different parts in a stranger's cart; gives the cookie."""
    cookie = ""
    for product_id in range(1, 40):
        data = f"product_id={product_id}&quantity=1".encode()
        asked = urllib.request.Request(f"{shop.url}/cart/items", data, {"Origin": shop.url, "Cookie": cookie})
        with urllib.request.build_opener(_Stay()).open(asked) as answer:
            cookie = cookie or next(
                (value.split(";")[0] for value in answer.headers.get_all("Set-Cookie", []) if value[:5] == "cart="), ""
            )
        lines -= 1
        if lines == 0:
            break
    return cookie


class _Stay(urllib.request.HTTPRedirectHandler):
    """Take a redirection as the answer."""

    def http_error_303(self, _request: Any, answer: Any, *_rest: Any) -> Any:
        return answer


@pytest.mark.parametrize("path", ["/", "/products", "/products/36", "/cart"])
def test_a_first_view_fits_into_one_round_trip(shop: Shop, path: str) -> None:
    html = read(shop.url + path, fill_cart(shop, 5) if path == "/cart" else "")
    sheet = re.search(r'<link rel="stylesheet" href="([^"]+)"', html)
    assert sheet is not None
    css = read(shop.url + sheet[1])
    size = len(brotli.compress(html.encode(), quality=AS_NGINX)) + len(brotli.compress(css.encode(), quality=AS_BUILT))
    assert size <= ONE_ROUND_TRIP_BYTES, f"{path}: {size} bytes"


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_axe_finds_nothing_to_complain_about(chromium: Browser, shop: Shop, width: int, scheme: str) -> None:
    """https://github.com/dequelabs/axe-core, with everything it knows of WCAG 2.2 AA and good practice."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=shop.url, reduced_motion="reduce"
    )
    name, value = fill_cart(shop, 3).split("=")
    page = context.new_page()
    troubles = {}
    for title, path in {**PAGES, "cart": "/cart", "checkout": "/checkout"}.items():
        if title == "cart":
            context.add_cookies([{"name": name, "value": value, "url": shop.url}])
        page.goto(path)
        if found := complaints(page):
            troubles[title] = found
    context.close()
    assert troubles == {}, json.dumps(troubles, indent=1)

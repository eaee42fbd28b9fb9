"""Static files, and the promise that the first view fits into one round trip."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import brotli
import pytest

from mountify.core.clock import utcnow
from mountify.services import demo
from mountify.web.assets import BUNDLES, STATIC
from tests.web import Browser

ROUND_TRIP_BYTES = 14_336


def bundle_of(browser: Browser) -> str:
    found = re.search(r'href="(/static/bundle/shop-[0-9a-f]{8}\.css)"', browser.get("/").get_data(as_text=True))
    assert found
    return found[1]


@pytest.mark.parametrize("path", ["/", "/products", "/products/36-ledge-phone-stand", "/cart"])
def test_the_first_view_fits_into_one_round_trip(browser: Browser, path: str) -> None:
    demo.seed({}, now=utcnow())
    page = browser.get(path, follow_redirects=True).get_data()
    style = browser.get(bundle_of(browser), headers={"Accept-Encoding": "gzip"}).get_data()
    assert len(gzip.compress(page, 9)) + len(style) <= ROUND_TRIP_BYTES


def test_the_style_sheet_comes_compressed_and_is_kept_for_ever(browser: Browser) -> None:
    address = bundle_of(browser)
    plain = browser.get(address)
    assert "Content-Encoding" not in plain.headers
    for encoding, expand in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        packed = browser.get(address, headers={"Accept-Encoding": encoding})
        assert packed.headers["Content-Encoding"] == encoding
        assert expand(packed.get_data()) == plain.get_data()
        assert "immutable" in packed.headers["Cache-Control"] and "Accept-Encoding" in packed.headers["Vary"]
    assert browser.get(re.sub(r"-[0-9a-f]{8}", "-00000000", address)).status_code == 404


def test_every_style_sheet_is_in_a_bundle() -> None:
    bundled = {sheet for sheets in BUNDLES.values() for sheet in sheets}
    assert bundled == {path.stem for path in (STATIC / "css").glob("*.css")}


def test_the_code_of_others_is_what_its_table_says() -> None:
    for folder in (STATIC / "vendor", Path(__file__).parent.parent / "vendor"):
        table = (folder / "README.md").read_text()
        for path in folder.glob("*.js"):
            assert path.name in table and hashlib.sha256(path.read_bytes()).hexdigest() in table


@pytest.mark.parametrize("asked", ["00000000", "", "x", "1&v=2"])
def test_a_file_is_not_kept_for_long_under_the_fingerprint_of_another(browser: Browser, asked: str) -> None:
    """While a release is rolled out, a new page may ask an old process for a file, and a cache would keep it."""
    (address,) = set(re.findall(r'"(/static/favicon[^"#]+\?v=[0-9a-f]{8})', browser.get("/").text))
    tag = browser.get(address).headers["ETag"]
    for headers in ({}, {"If-None-Match": tag}):
        right = browser.get(address, headers=headers)
        wrong = browser.get(f"/static/favicon.svg?v={asked}", headers=headers)
        assert "immutable" in right.headers["Cache-Control"]
        assert wrong.headers["Cache-Control"] == "public, max-age=60"
    assert "max-age=86400" in browser.get("/static/favicon.svg").headers["Cache-Control"]


def test_a_page_names_static_files_by_their_content(browser: Browser) -> None:
    page = browser.get("/").get_data(as_text=True)
    for address in re.findall(r'"(/static/[^"#]+\?v=[0-9a-f]{8})', page):
        answer = browser.get(address)
        assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
    assert page.count("?v=") > 5

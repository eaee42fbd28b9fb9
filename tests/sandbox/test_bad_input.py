"""Whatever goes wrong is told in the vendor's own shape: wrong keys, malformed and huge bodies, methods, addresses."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from cloudinary.utils import api_sign_request

from mountify.sandbox.cloudinary_account import API_KEY, API_SECRET, CLOUD

from .support import Page, Running

STRIPE = {"Authorization": "Bearer sk_test_x", "Content-Type": "application/x-www-form-urlencoded"}
RESEND = {"Authorization": "Bearer re_x", "Content-Type": "application/json"}
UPLOAD = f"/v1_1/{CLOUD}/image/upload"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HUGE = 20 * 1024 * 1024 + 1


def signed(**params: str) -> bytes:
    """A form that Cloudinary's account has signed now."""
    params = {"timestamp": str(int(time.time())), **params}
    signature = api_sign_request({name: value for name, value in params.items() if name != "file"}, API_SECRET)
    return urlencode({**params, "signature": signature, "api_key": API_KEY}).encode()


def speaks_as(vendor: str, page: Page) -> str:
    """Check the shape and return the sentence in it."""
    body: Any = json.loads(page.text)
    if vendor == "resend":
        assert set(body) == {"statusCode", "name", "message"} and body["statusCode"] == page.status
        return str(body["message"])
    if vendor == "cloudinary":
        assert set(body) == {"error"} and page.headers["X-Cld-Error"] == " ".join(body["error"]["message"].split())
    else:
        assert body["error"]["type"] in ("invalid_request_error", "api_error")
        assert page.headers["Request-Id"].startswith("req_")
    return str(body["error"]["message"])


@pytest.mark.parametrize(
    ("vendor", "path", "body", "headers", "words"),
    [
        ("stripe", "/v1/refunds", b"", {"Authorization": "Bearer sk_live_0123456789abcdef"}, "Invalid API Key"),
        ("stripe", "/v1/refunds", b"", {"Authorization": "Bearer re_x"}, "Invalid API Key"),
        ("stripe", "/v1/refunds", b"", {"Authorization": "Basic !"}, "did not provide an API key"),
        ("stripe", "/v1/refunds", b"", {}, "did not provide an API key"),
        ("resend", "/emails", b"{}", {"Content-Type": "application/json"}, "Missing API Key"),
        ("resend", "/emails/batch", b"[]", {**RESEND, "Authorization": "Bearer sk_test_x"}, "API key is invalid"),
        ("cloudinary", UPLOAD, b"timestamp=1", FORM, "Must supply api_key"),
        ("cloudinary", UPLOAD, b"api_key=999&timestamp=1&signature=a", FORM, "Invalid api_key 999"),
        ("cloudinary", UPLOAD, f"api_key={API_KEY}&timestamp=1&signature=a".encode(), FORM, "Invalid Signature a."),
        ("cloudinary", "/v1_1/other/image/upload", f"api_key={API_KEY}".encode(), FORM, "cloud_name mismatch"),
    ],
)
def test_wrong_keys_are_401(
    sandbox: Running, vendor: str, path: str, body: bytes, headers: dict[str, str], words: str
) -> None:
    page = sandbox.request("POST", path, body, headers)
    assert page.status == 401 and words in speaks_as(vendor, page)


@pytest.mark.parametrize(
    ("vendor", "path", "body", "headers"),
    [
        ("stripe", "/v1/checkout/sessions", b'{"mode": "payment"}', {**STRIPE, "Content-Type": "application/json"}),
        ("stripe", "/v1/checkout/sessions", b"mode=payment", {**STRIPE, "Content-Type": "text/plain"}),
        ("stripe", "/v1/checkout/sessions", b"mode=%ff", STRIPE),
        ("resend", "/emails", b"{", RESEND),
        ("resend", "/emails", b"", RESEND),
        ("resend", "/emails", b"\xff", RESEND),
        ("resend", "/emails", b"[" * 100_000, RESEND),
        ("resend", "/emails", b'{"subject": "\\ud800"}', RESEND),
        ("resend", "/emails", b"from=a", {**RESEND, **FORM}),
        ("cloudinary", UPLOAD, f"api_key={API_KEY}&timestamp=1".encode(), FORM),
    ],
)
def test_malformed_bodies_are_400(
    sandbox: Running, vendor: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    page = sandbox.request("POST", path, body, headers)
    assert page.status == 400 and speaks_as(vendor, page)


@pytest.mark.parametrize(
    ("path", "params", "words"),
    [
        ("upload", {}, "Missing required parameter - file"),
        ("upload", {"file": ""}, "Missing required parameter - file"),
        ("upload", {"file": "https://shop.example/a.webp"}, "fetches nothing"),
        ("upload", {"timestamp": "soon"}, "Missing required parameter - timestamp"),
        ("upload", {"timestamp": "99999999999"}, "Stale request - reported time is 5138-11-16"),
        ("destroy", {}, "Missing required parameter - public_id"),
    ],
)
def test_what_is_signed_and_still_makes_no_sense_is_400(
    sandbox: Running, path: str, params: dict[str, str], words: str
) -> None:
    page = sandbox.request("POST", f"/v1_1/{CLOUD}/image/{path}", signed(**params), FORM)
    assert page.status == 400 and words in speaks_as("cloudinary", page)


@pytest.mark.parametrize(
    ("vendor", "path", "headers"),
    [
        ("stripe", "/v1/checkout/sessions", STRIPE),
        ("resend", "/emails", RESEND),
        ("cloudinary", UPLOAD, FORM),
    ],
)
def test_huge_bodies_are_413(sandbox: Running, vendor: str, path: str, headers: dict[str, str]) -> None:
    page = sandbox.request("POST", path, b"x" * HUGE, headers)
    assert page.status == 413 and speaks_as(vendor, page)


@pytest.mark.parametrize(
    ("vendor", "method", "path", "allowed"),
    [
        ("stripe", "PUT", "/v1/checkout/sessions", "POST"),
        ("stripe", "DELETE", "/v1/refunds/re_x", "GET"),
        ("stripe", "GET", "/v1/checkout/sessions/cs_x/expire", "POST"),
        ("stripe", "POST", "/v1/events", "GET"),
        ("resend", "DELETE", "/emails", "POST"),
        ("resend", "PATCH", "/emails/batch", "POST"),
        ("cloudinary", "GET", UPLOAD, "POST"),
        ("cloudinary", "PUT", f"/v1_1/{CLOUD}/image/destroy", "POST"),
        ("cloudinary", "POST", f"/{CLOUD}/image/upload/v1/a.webp", "GET"),
    ],
)
def test_wrong_methods_are_405(sandbox: Running, vendor: str, method: str, path: str, allowed: str) -> None:
    headers = {"stripe": STRIPE, "resend": RESEND}.get(vendor, FORM)
    page = sandbox.request(method, path, b"", headers)
    assert page.status == 405 and speaks_as(vendor, page)
    assert allowed in page.headers["Allow"].split(", ")


@pytest.mark.parametrize(
    ("vendor", "path"),
    [
        ("stripe", "/v1/coupons"),
        ("stripe", "/v1/"),
        ("stripe", "/v1/checkout/sessions//line_items"),
        ("stripe", "/v1/checkout/sessions/cs_nobody"),
        ("stripe", "/v1/checkout/sessions/cs_%00"),
        ("resend", "/emails/5d2a8f2e-0f4b-4a7c-9f0c-3c1f2d4b5a69"),
        ("resend", "/emails/batch/nothing"),
        ("cloudinary", f"/v1_1/{CLOUD}/nothing"),
        ("cloudinary", f"/{CLOUD}/image/upload/v1/nothing.webp"),
        ("cloudinary", f"/{CLOUD}/image/upload/%00"),
    ],
)
def test_unknown_ids_and_addresses_are_404(sandbox: Running, vendor: str, path: str) -> None:
    page = sandbox.request("GET", path, None, {"stripe": STRIPE, "resend": RESEND}.get(vendor, {}))
    assert page.status == 404 and speaks_as(vendor, page)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_reset", b"", 405),
        ("PUT", "/_clock", b"{}", 405),
        ("POST", "/_clock", b"[" * 100_000, 400),
        ("POST", "/_faults", b"x" * HUGE, 413),
        ("POST", "/_clock", b'{"advance_s": 1000000000000}', 400),
        ("GET", "/_nothing", b"", 404),
    ],
)
def test_the_levers_answer_in_json(sandbox: Running, method: str, path: str, body: bytes, status: int) -> None:
    page = sandbox.request(method, path, body or None, {"Content-Type": "application/json"})
    assert page.status == status and json.loads(page.text)["error"]


def test_a_page_that_is_not_there_is_a_page(sandbox: Running) -> None:
    page = sandbox.get("/nothing")
    assert (page.status, "Sandbox: no real money, no real e-mail" in page.text) == (404, True)
    assert sandbox.request("PUT", "/mailbox").status == 405

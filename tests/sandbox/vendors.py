"""One write at each vendor through its own SDK, how to see that it happened, and what the SDK raises when it fails."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cloudinary.uploader
import resend
import stripe
from cloudinary.exceptions import Error as CloudinaryError
from cloudinary.exceptions import GeneralError
from PIL import Image
from resend.exceptions import ResendError

from mountify.sandbox.cloudinary_account import API_KEY, API_SECRET, CLOUD

from .support import Running, cart, client_of

KEY = {"Authorization": "Bearer re_of_the_tests"}


@dataclass(frozen=True)
class Vendor:
    """`act` writes something and returns its id, `there` lists the ids of what was written."""

    name: str
    path: str
    act: Callable[[Running], str]
    there: Callable[[Running], list[str]]
    lost: type[Exception]
    failed: type[Exception]
    is_rate_limit: Callable[[Any], bool]


def _open_session(sandbox: Running) -> str:
    made = client_of(sandbox).v1.checkout.sessions.create(cart(), {"idempotency_key": "attempt-1"})
    return str(made.id)


def _sessions(sandbox: Running) -> list[str]:
    return [session.id for session in client_of(sandbox).v1.checkout.sessions.list().data]


@contextmanager
def resend_at(sandbox: Running) -> Iterator[None]:
    """Point the SDK, whose settings are module globals, at a sandbox for a while."""
    before = resend.api_url, resend.api_key
    resend.api_url, resend.api_key = sandbox.url, "re_of_the_tests"
    try:
        yield
    finally:
        resend.api_url, resend.api_key = before


def _send(sandbox: Running) -> str:
    letter: Any = {"from": "Shop <a@shop.example>", "to": "b@example.org", "subject": "Hi", "text": "Hi"}
    with resend_at(sandbox):
        return str(resend.Emails.send(letter, {"idempotency_key": "order-7"})["id"])


def _mails(sandbox: Running) -> list[str]:
    return [mail["id"] for mail in json.loads(sandbox.get("/mailbox.json").text)]


def account(sandbox: Running) -> dict[str, Any]:
    """The options that point Cloudinary's SDK at a sandbox."""
    return {
        "cloud_name": CLOUD,
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "upload_prefix": sandbox.url,
        "timeout": 20,
    }


def picture(width: int = 96, height: int = 120, kind: str = "WEBP", mode: str = "RGB") -> bytes:
    """A grey wedge."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert(mode).save(out, kind)
    return out.getvalue()


def _upload(sandbox: Running) -> str:
    told = cloudinary.uploader.upload(io.BytesIO(picture()), public_id="parts/hook", **account(sandbox))
    return str(told["public_id"])


def _pictures(sandbox: Running) -> list[str]:
    return ["parts/hook"] if sandbox.request("HEAD", f"/{CLOUD}/image/upload/parts/hook").status == 200 else []


STRIPE = Vendor(
    "stripe",
    "/v1/checkout/sessions",
    _open_session,
    _sessions,
    stripe.APIConnectionError,
    stripe.APIError,
    lambda error: isinstance(error, stripe.RateLimitError),
)
RESEND = Vendor(
    "resend", "/emails", _send, _mails, ResendError, ResendError,
    lambda error: (error.error_type, error.headers["Retry-After"]) == ("rate_limit_exceeded", "1"),
)  # fmt: skip
CLOUDINARY = Vendor(
    "cloudinary", f"/v1_1/{CLOUD}/image/upload", _upload, _pictures, CloudinaryError, GeneralError,
    lambda error: type(error).__name__ == "RateLimited",
)  # fmt: skip
VENDORS = [STRIPE, RESEND, CLOUDINARY]

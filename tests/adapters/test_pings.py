"""One harmless call to each service, as the desk makes it: what it answers, told apart in four words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mountify.adapters.cloudinary import CloudinaryImages
from mountify.adapters.google import GoogleIdentities
from mountify.adapters.resend import ResendMailer
from mountify.adapters.stripe import StripePayments
from mountify.core.outside import Answer
from mountify.supervisor.house import SANDBOX_IMAGES
from tests.sandbox.google_shop import CLIENT_ID, CLIENT_SECRET, issuer_of
from tests.sandbox.support import Running

NOWHERE = "http://127.0.0.1:1"
Make = Callable[..., Any]


def stripe(url: str, key: str = "sk_test_of_the_tests", **options: Any) -> StripePayments:
    return StripePayments(key, ("whsec_of_the_tests",), api_base=url, **options)


def resend(url: str, key: str = "re_of_the_tests", **options: Any) -> ResendMailer:
    return ResendMailer(key, "Mountify <orders@mountify.example>", api_url=url, **options)


def cloudinary(url: str, account: str = SANDBOX_IMAGES, **options: Any) -> CloudinaryImages:
    return CloudinaryImages(f"cloudinary://{account}?upload_prefix={url}", **options)


def google(url: str, **options: Any) -> GoogleIdentities:
    return GoogleIdentities(CLIENT_ID, CLIENT_SECRET, f"{url}/google", **options)


SERVICES: dict[str, Make] = {"stripe": stripe, "resend": resend, "cloudinary": cloudinary, "google": google}


def url_of(sandbox: Running, name: str) -> str:
    return issuer_of(sandbox).removesuffix("/google") if name == "google" else sandbox.url


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_answers_is_well_and_a_fault_of_its_is_told(sandbox: Running, name: str) -> None:
    service = SERVICES[name](url_of(sandbox, name))
    assert service.ping() is Answer.WELL
    sandbox.order("/_faults", {"service": name, "status": 500})
    assert service.ping() is Answer.FAILED
    assert service.ping() is Answer.WELL
    assert SERVICES[name](NOWHERE).ping() is Answer.NONE


@pytest.mark.parametrize(
    ("make", "wrong"), [(stripe, "sk_live_x"), (resend, "wrong"), (cloudinary, "100000000000017:wrong@mountify")]
)
def test_a_key_that_is_not_taken_is_told(sandbox: Running, make: Make, wrong: str) -> None:
    assert make(sandbox.url, wrong).ping() is Answer.REFUSED


@pytest.mark.parametrize("name", SERVICES)
def test_none_is_asked_inside_a_transaction(name: str) -> None:
    def refuse() -> None:
        raise RuntimeError("a transaction is open")

    with pytest.raises(RuntimeError, match="open"):
        SERVICES[name](NOWHERE, before_call=refuse).ping()

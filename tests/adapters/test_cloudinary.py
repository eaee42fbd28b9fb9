"""The adapter against the sandbox's Cloudinary, through the vendor's own SDK."""

from __future__ import annotations

import io
import urllib.request

import pytest
from PIL import Image

from mountify.adapters.cloudinary import CloudinaryImages
from mountify.core.errors.pictures import ImageRefused, ImagesUnavailable
from mountify.core.pictures import sized
from mountify.sandbox.cloudinary_account import API_KEY, API_SECRET
from mountify.supervisor.house import SANDBOX_IMAGES
from tests.sandbox.support import Running


def images_of(sandbox: Running, account: str = SANDBOX_IMAGES) -> CloudinaryImages:
    return CloudinaryImages(f"cloudinary://{account}?upload_prefix={sandbox.url}")


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (960, 1200), "orange").save(out, "WEBP")
    return out.getvalue()


def test_the_shop_knows_the_sandboxs_account() -> None:
    assert f"{API_KEY}:{API_SECRET}@mountify" == SANDBOX_IMAGES


def test_a_picture_is_kept_and_comes_back_in_another_size(sandbox: Running) -> None:
    stored = images_of(sandbox).upload(picture(), "demo/stand")
    assert (stored.public_id, stored.width, stored.height) == ("demo/stand", 960, 1200)
    small = sized(stored.url, 320)
    assert small is not None
    with urllib.request.urlopen(small) as answer:
        assert Image.open(io.BytesIO(answer.read())).size == (320, 400)


def test_a_picture_that_is_gone_can_be_destroyed_again(sandbox: Running) -> None:
    images = images_of(sandbox)
    stored = images.upload(picture(), "demo/stand")
    images.destroy(stored.public_id)
    images.destroy(stored.public_id)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(stored.url)


def test_what_is_no_picture_is_refused_for_good(sandbox: Running) -> None:
    with pytest.raises(ImageRefused):
        images_of(sandbox).upload(b"no picture", "demo/nothing")


@pytest.mark.parametrize("account", ["100000000000017:wrong-secret@mountify", "5:sandbox-secret@mountify"])
def test_a_wrong_account_is_unavailable_not_the_pictures_fault(sandbox: Running, account: str) -> None:
    with pytest.raises(ImagesUnavailable):
        images_of(sandbox, account).upload(picture(), "demo/stand")


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"cut": True}])
def test_a_failing_service_is_worth_another_try(sandbox: Running, fault: dict[str, object]) -> None:
    sandbox.order("/_faults", {"service": "cloudinary", **fault})
    with pytest.raises(ImagesUnavailable):
        images_of(sandbox).upload(picture(), "demo/stand")
    assert images_of(sandbox).upload(picture(), "demo/stand").public_id == "demo/stand"


def test_nobody_listening_is_unavailable() -> None:
    images = CloudinaryImages(f"cloudinary://{SANDBOX_IMAGES}?upload_prefix=http://127.0.0.1:1")
    with pytest.raises(ImagesUnavailable):
        images.upload(picture(), "demo/stand")


def test_it_is_never_asked_inside_a_transaction(sandbox: Running) -> None:
    def refuse() -> None:
        raise RuntimeError("a transaction is open")

    images = CloudinaryImages(f"cloudinary://{SANDBOX_IMAGES}?upload_prefix={sandbox.url}", before_call=refuse)
    with pytest.raises(RuntimeError):
        images.upload(picture(), "demo/stand")


def test_only_cloudinarys_pictures_have_other_sizes() -> None:
    assert sized("https://res.cloudinary.com/x/image/upload/v1/a.webp", 640) == (
        "https://res.cloudinary.com/x/image/upload/f_auto,q_auto:eco,c_limit,w_640/v1/a.webp"
    )
    assert sized("/static/img/a-960.webp", 640) is None

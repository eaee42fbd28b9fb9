"""Pictures as programs keep them: uploaded, put into a gallery, destroyed when nothing shows them any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mountify.models.catalogue import Product
from tests.desk import Desk, log_of
from tests.fakes import FakeImages
from tests.services.test_picture_content import encoded, png_of


def upload(ada: Desk, content: bytes | None = None, name: str = "file") -> Any:
    file = (encoded("JPEG") if content is None else content, "picture.jpg")
    return ada.upload("/api/admin/upload-image", name, file)


def gallery(ada: Desk, product: Product) -> list[dict[str, Any]]:
    return list(ada.get(f"/api/admin/products/{product.id}/images").get_json()["images"])


def replace(ada: Desk, product: Product, *images: Any) -> Any:
    return ada.ask("POST", f"/api/admin/products/{product.id}/images", {"images": list(images)})


def test_a_picture_is_uploaded_and_becomes_the_gallery(ada: Desk, product: Product, images: FakeImages) -> None:
    answer = upload(ada)
    one = answer.get_json()
    assert answer.status_code == 200 and set(one) == {"url", "publicId", "width", "height"}
    assert log_of("pictures") == [("picture.uploaded", {})]
    two = upload(ada).get_json()
    body = [
        {"url": one["url"], "publicId": one["publicId"], "displayOrder": 0, "alt": "Side"},
        {"url": two["url"], "publicId": two["publicId"], "displayOrder": 7, "isPrimary": True},
    ]
    assert replace(ada, product, *body).status_code == 200
    first, second = gallery(ada, product)
    assert (first["publicId"], first["isPrimary"], first["displayOrder"]) == (two["publicId"], True, 0)
    assert (second["publicId"], second["isPrimary"], second["alt"]) == (one["publicId"], False, "Side")
    seen = ada.get(f"/api/products/{product.id}").get_json()
    assert seen["product"]["imagePublicId"] == two["publicId"]


def test_what_is_dropped_is_destroyed_after_the_commit(
    ada: Desk, product: Product, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    one = upload(ada).get_json()
    replace(ada, product, {"url": one["url"], "publicId": one["publicId"]})
    run_jobs()
    assert images.destroyed == []
    kept = ada.ask("POST", "/api/admin/delete-image", {"publicId": one["publicId"]})
    assert kept.status_code == 409 and "still shows" in kept.get_json()["error"]
    assert replace(ada, product).get_json() == {"images": []} and images.destroyed == []
    run_jobs()
    assert images.destroyed == [one["publicId"]]


def test_what_nothing_shows_is_deleted(ada: Desk, images: FakeImages, run_jobs: Callable[[], int]) -> None:
    one = upload(ada).get_json()
    answer = ada.ask("POST", "/api/admin/delete-image", {"publicId": one["publicId"]})
    assert answer.get_json() == {"success": True}
    run_jobs()
    assert images.kept == {} and log_of("pictures")[-1] == ("picture.deleted", {})


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 415), (b"<svg/>", 415), (png_of(8001, 5000), 413), (b"\xff" * (5 * 1024 * 1024 + 1), 413)],
)
def test_what_is_no_picture_is_refused(ada: Desk, images: FakeImages, content: bytes, status: int) -> None:
    answer = upload(ada, content)
    assert answer.status_code == status and answer.get_json()["error"] and images.kept == {}


def test_an_upload_of_the_wrong_form_is_refused(ada: Desk, images: FakeImages) -> None:
    assert upload(ada, name="picture").status_code == 400
    assert ada.ask("POST", "/api/admin/upload-image", {"file": "x"}).status_code == 415
    images.is_down = True
    assert upload(ada).status_code == 503


GOOD = "https://elsewhere.example/x.webp"


@pytest.mark.parametrize(
    "images",
    [
        None,
        {},
        ["x"],
        [{}],
        [{"url": 7}],
        [{"url": "javascript:alert(1)"}],
        [{"url": "//elsewhere.example/x"}],
        [{"url": "https://[x"}],
        [{"url": "https://x.example/" + "a" * 2000}],
        [{"url": GOOD, "publicId": "a\x00b"}],
        [{"url": GOOD, "publicId": "x" * 256}],
        [{"url": GOOD, "isPrimary": "yes"}],
        [{"url": GOOD, "displayOrder": 1.5}],
        [{"url": GOOD, "alt": 7}],
        [{"url": GOOD, "isPrimary": True}, {"url": GOOD, "isPrimary": True}],
        [{"url": GOOD, "publicId": "a"}, {"url": GOOD, "publicId": "a"}],
        [{"url": GOOD}] * 21,
    ],
)
def test_what_is_no_gallery_changes_nothing(ada: Desk, product: Product, images: Any) -> None:
    replace(ada, product, {"url": GOOD, "alt": "Stays"})
    answer = ada.ask("POST", f"/api/admin/products/{product.id}/images", {"images": images})
    assert answer.status_code == 400 and answer.get_json()["fields"]
    assert [each["alt"] for each in gallery(ada, product)] == ["Stays"]


def test_markup_in_a_text_is_kept_as_text(ada: Desk, product: Product) -> None:
    replace(ada, product, {"url": GOOD, "alt": "<script>alert(1)</script>"})
    assert gallery(ada, product)[0]["alt"] == "<script>alert(1)</script>"
    assert "<script>alert" not in ada.get(f"/products/{product.id}-{product.slug}").text


@pytest.mark.parametrize("body", [{}, {"publicId": ""}, {"publicId": 7}, {"publicId": "x" * 256}, {"publicId": "\x00"}])
def test_what_names_no_picture_deletes_none(ada: Desk, body: Any) -> None:
    assert ada.ask("POST", "/api/admin/delete-image", body).status_code == 400


def test_pictures_of_no_product_are_not_found(ada: Desk) -> None:
    assert ada.get("/api/admin/products/99999/images").status_code == 404
    assert ada.ask("POST", "/api/admin/products/99999/images", {"images": []}).status_code == 404


class TestWithoutImageService:
    @pytest.fixture
    def images(self) -> None:
        return None

    def test_a_program_is_told_so(self, ada: Desk) -> None:
        assert upload(ada).status_code == 503
        assert ada.ask("POST", "/api/admin/delete-image", {"publicId": "x"}).status_code == 503

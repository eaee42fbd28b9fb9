"""Photos beside the form of a product: several at once, each judged for itself, in an order of their own."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from mountify.models.catalogue import Product
from mountify.services import products
from tests.desk import Desk, log_of
from tests.fakes import FakeImages
from tests.services.test_picture_content import encoded, png_of
from tests.web import Browser, field, words


def page_of(product: Product) -> str:
    return f"/admin/products/{product.id}/edit"


def upload(desk: Desk, product: Product, *files: tuple[bytes, str], **options: Any) -> Any:
    return desk.upload(f"/admin/products/{product.id}/pictures", "photos", *files, **options)


def shown(product: Product) -> list[str]:
    return [image.alt for image in products.get_whole(product.id).images]


def rows(product: Product) -> list[int]:
    return [image.id for image in products.get_whole(product.id).images]


def two_of(ada: Desk, product: Product) -> list[int]:
    """Two pictures, the first of the front and the second of the side."""
    upload(ada, product, (encoded("JPEG"), "a.jpg"), (encoded("PNG"), "b.png"))
    front, side = rows(product)
    ada.do(f"/admin/products/{product.id}/pictures/order", **{f"alt-{front}": "Front", f"alt-{side}": "Side"})
    return [front, side]


def test_several_photos_are_added_at_once(ada: Desk, product: Product, images: FakeImages) -> None:
    answer = upload(ada, product, (encoded("JPEG"), "a.jpg"), (encoded("PNG"), "b.png"))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{page_of(product)}#pictures")
    page = ada.get(page_of(product))
    assert "2 photos are added." in words(page) and page.text.count('width="320"') == 2 and len(images.kept) == 2
    assert "Ada: changed the pictures" in words(page)
    cover = products.get_whole(product.id).image_url
    assert cover and cover in ada.get(f"/products/{product.id}-{product.slug}").text
    part = upload(ada, product, (encoded("WEBP"), "c.webp"), is_swap=True)
    assert part.status_code == 200 and "<html" not in part.text and part.text.count('width="320"') == 3


@pytest.mark.parametrize(
    ("content", "name", "status", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.jpg", 415, "no JPEG, PNG, WebP or AVIF picture"),
        (b"<!doctype html><script>alert(1)</script>", "page.png", 415, "no JPEG, PNG, WebP or AVIF picture"),
        (encoded("JPEG")[:-500], "half.jpg", 415, "or it is damaged"),
        (png_of(60_000, 60_000), "bomb.png", 413, "at most 40 megapixels"),
        (b"\xff" * (5 * 1024 * 1024 + 1), "big.jpg", 413, "at most 5 MB"),
        (b"x", "<img src=x onerror=alert(1)>.jpg", 415, "no JPEG"),
    ],
)
def test_what_is_refused_is_said_with_its_name_and_the_others_are_kept(
    ada: Desk, product: Product, content: bytes, name: str, status: int, said: str
) -> None:
    answer = upload(ada, product, (content, name), (encoded("JPEG"), "good.jpg"))
    assert answer.status_code == status and len(rows(product)) == 1 and "<img src=x" not in answer.text
    assert field(answer, "price") == "14.00" and field(answer, "name") == "Ledge Phone Stand"
    assert f"{name} {said}".split()[0] in words(answer) and said in words(answer) and 'role="alert"' in answer.text
    part = upload(ada, product, (content, name), is_swap=True)
    assert part.status_code == status and said in words(part) and "<html" not in part.text
    assert len(rows(product)) == 1


def test_no_file_at_all_is_said_beside_the_field(ada: Desk, product: Product) -> None:
    for files in ((), ((b"", ""),)):
        answer = upload(ada, product, *files)
        assert answer.status_code == 422 and "Choose a picture first." in words(answer)


def test_a_hundred_megabytes_are_refused_before_they_are_read(ada: Desk, product: Product) -> None:
    class Unread(io.RawIOBase):
        """So long, as far as anybody asks."""

        at = 0

        def tell(self) -> int:
            return self.at

        def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
            self.at = place if whence == io.SEEK_SET else 100_000_000
            return self.at

        def readinto(self, _buffer: Any) -> int:
            raise AssertionError("it was read")

    for path, name in ((f"/admin/products/{product.id}/pictures", "photo"), ("/api/admin/upload-image", "error")):
        answer = ada.client.post(
            path,
            base_url="http://127.0.0.1:3999",
            input_stream=Unread(),
            content_type="multipart/form-data; boundary=x",
            headers={"Sec-Fetch-Site": "same-origin", "X-CSRFToken": ada.token} if "api" in path else {},
        )
        assert answer.status_code == 413 and name in answer.text.lower(), path
        said = "a picture has at most 5 MB" if "api" not in path else "larger than this shop accepts"
        assert said in words(answer) and rows(product) == []


def test_only_the_office_may_send_so_much(app: Flask, ada: Desk, product: Product) -> None:
    for browser in (Browser(app), Desk(app, "alice")):
        answer = browser.post(
            f"/admin/products/{product.id}/pictures", {"photos": (io.BytesIO(b"x" * 400_000), "a.jpg")}
        )
        assert answer.status_code == 413 and "Ledge Phone Stand" not in words(answer)
    assert upload(ada, product, (b"x" * 400_000, "a.jpg")).status_code == 415


def test_photos_change_places_by_arrows_and_keep_what_is_typed_of_them(ada: Desk, product: Product) -> None:
    front, side = two_of(ada, product)
    assert shown(product) == ["Front", "Side"]
    path = f"/admin/products/{product.id}/pictures/order"
    moved = ada.do(path, move=f"{side}:earlier", **{f"alt-{front}": "The front"})
    assert moved.status_code == 303 and shown(product) == ["Side", "The front"]
    part = ada.swap(path, move=f"{side}:later")
    assert part.status_code == 200 and shown(product) == ["The front", "Side"] and "new order" in words(part)
    assert part.text.index(f'id="earlier-{front}"') < part.text.index(f'id="earlier-{side}"')
    for odd in ("x", "", "9" * 40, f"{front}:", "99999:earlier"):
        assert ada.do(path, move=odd).status_code in {303, 404}
    assert sorted(shown(product)) == ["Side", "The front"]


def test_a_photo_is_replaced_and_another_deleted(
    ada: Desk, product: Product, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    front, side = two_of(ada, product)
    upload(ada, product, (encoded("JPEG"), "new.jpg"), instead_of=str(front))
    assert shown(product) == ["Front", "Side"] and rows(product)[0] != front and len(images.kept) == 3
    answer = ada.do(f"/admin/products/{product.id}/pictures/order", drop=str(side))
    assert answer.status_code == 303 and shown(product) == ["Front"] and images.destroyed == []
    run_jobs()
    assert len(images.kept) == 1


def test_markup_in_a_description_stays_text(ada: Desk, product: Product) -> None:
    front, _side = two_of(ada, product)
    said = '"><script>alert(1)</script>\x00' + "x" * 400
    ada.do(f"/admin/products/{product.id}/pictures/order", **{f"alt-{front}": said})
    assert len(shown(product)[0]) == 300
    for path in (page_of(product), f"/products/{product.id}-{product.slug}"):
        assert "<script>alert" not in ada.get(path).text


def test_an_image_service_that_is_away_is_said_and_nothing_is_changed(
    ada: Desk, product: Product, images: FakeImages
) -> None:
    images.is_down = True
    answer = upload(ada, product, (encoded("JPEG"), "a.jpg"))
    assert answer.status_code == 503 and "The image service did not answer." in words(answer)
    assert rows(product) == [] and log_of("products") == []


def test_photos_of_no_product_are_not_found(ada: Desk, product: Product) -> None:
    for path in ("/admin/products/99999/pictures", "/admin/products/99999/pictures/order"):
        assert ada.upload(path, "photos", (encoded("JPEG"), "a.jpg")).status_code == 404


class TestWithoutImageService:
    @pytest.fixture
    def images(self) -> None:
        return None

    def test_the_page_says_so_and_asks_for_no_file(self, ada: Desk, product: Product) -> None:
        page = ada.get(page_of(product))
        assert "no image service yet" in words(page) and 'type="file"' not in page.text
        assert upload(ada, product, (encoded("JPEG"), "a.jpg")).status_code == 503

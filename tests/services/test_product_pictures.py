"""The pictures of a product: their order, their cover, and that none is lost or destroyed while it is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.pictures import ImagesUnavailable, PictureInUse, TooManyPictures
from mountify.core.pictures import StoredPicture
from mountify.models.catalogue import Product
from mountify.services import picture_files, product_changes, product_pictures, products
from mountify.services.product_pictures import Shown
from tests.buyers import Buyer
from tests.desk import log_of, somebody
from tests.factories import make_product
from tests.fakes import FakeImages, FakePayments
from tests.services.test_picture_content import encoded


def add(product: Product, images: FakeImages | None, **options: int) -> str:
    """Add a picture, and give its name at the image service."""
    product_pictures.add(somebody(), product.id, encoded("JPEG"), images=images, now=utcnow(), **options)
    return list(images.kept)[-1] if images else ""


def shown(product: Product) -> list[str | None]:
    """What is shown, in its order; cover, hover and colour are checked to follow it."""
    now = products.get_whole(product.id)
    pictures = now.images
    assert [each.display_order for each in pictures] == list(range(len(pictures)))
    assert [each.is_primary for each in pictures] == [place == 0 for place in range(len(pictures))]
    cover, hover = (*pictures, None, None)[:2]
    assert (now.image_public_id, now.image_url) == (
        (cover.cloudinary_public_id, cover.image_url) if cover else (None, None)
    )
    assert (now.image_hover_public_id, now.image_url_hover) == (
        (hover.cloudinary_public_id, hover.image_url) if hover else (None, None)
    )
    assert now.image_color == (cover.color if cover else None)
    ids = [each.cloudinary_public_id for each in pictures]
    db.release()
    return ids


def row_of(product: Product, place: int) -> int:
    row = products.get_whole(product.id).images[place].id
    db.release()
    return row


def test_pictures_are_added_at_the_end_and_kept_without_what_they_were_sent_as(
    product: Product, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    one, two = add(product, images), add(product, images)
    assert shown(product) == [one, two] and one.startswith("products/") and len(one) > 40
    assert images.contents[one][8:12] == b"WEBP" and products.get_whole(product.id).image_color
    assert [action for action, _changes in log_of("products")] == ["product.pictures_changed"] * 2
    db.release()
    assert run_jobs() == 2 and images.destroyed == []


def test_a_picture_moves_and_the_cover_follows(product: Product, images: FakeImages) -> None:
    one, two, three = (add(product, images) for _ in range(3))
    product_pictures.move(somebody(), product.id, row_of(product, 2), earlier=True, now=utcnow())
    assert shown(product) == [one, three, two]
    product_pictures.move(somebody(), product.id, row_of(product, 0), earlier=False, now=utcnow())
    assert shown(product) == [three, one, two]
    before = log_of("products")
    product_pictures.move(somebody(), product.id, row_of(product, 0), earlier=True, now=utcnow())
    product_pictures.move(somebody(), product.id, row_of(product, 2), earlier=False, now=utcnow())
    assert shown(product) == [three, one, two] and log_of("products") == before


def test_a_picture_takes_the_place_and_the_words_of_another_which_is_destroyed(
    product: Product, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    one, two = add(product, images), add(product, images)
    product_pictures.describe(somebody(), product.id, {row_of(product, 0): "From the left", 99: "?"}, now=utcnow())
    new = add(product, images, instead_of=row_of(product, 0))
    assert shown(product) == [new, two] and products.get_whole(product.id).images[0].alt == "From the left"
    db.release()
    run_jobs()
    assert set(images.destroyed) == {one}


def test_a_picture_is_destroyed_after_the_change_and_not_while_a_copy_shows_it(
    product: Product, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    one = add(product, images)
    copy = product_changes.duplicate(somebody(), product.id, currency="USD", now=utcnow())
    product_pictures.drop(somebody(), product.id, row_of(product, 0), now=utcnow())
    assert shown(product) == [] and images.destroyed == []
    run_jobs()
    assert images.destroyed == []
    with pytest.raises(PictureInUse):
        picture_files.delete(somebody(), one, images=images, now=utcnow())
    assert product_changes.delete(somebody(), copy, now=utcnow())
    run_jobs()
    assert set(images.destroyed) == {one} and images.kept == {}


def test_a_picture_stays_while_an_order_shows_it(
    product: Product, payments: FakePayments, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    one = add(product, images)
    buyer = Buyer(payments)
    buyer.add(product)
    buyer.buy()
    copy = product_changes.duplicate(somebody(), product.id, currency="USD", now=utcnow())
    for each in (product.id, copy):
        product_pictures.replace(somebody(), each, [], now=utcnow())
    with pytest.raises(PictureInUse):
        picture_files.delete(somebody(), one, images=images, now=utcnow())
    assert run_jobs() and images.destroyed == [] and list(images.kept) == [one]


def test_what_the_shop_has_not_put_there_is_not_destroyed(
    product: Product, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    db.release()
    url = images.upload(encoded("JPEG"), "others/logo").url
    product_pictures.replace(somebody(), product.id, [Shown(url, "others/logo")], now=utcnow())
    product_pictures.replace(somebody(), product.id, [], now=utcnow())
    with pytest.raises(NotFound):
        picture_files.delete(somebody(), "others/logo", images=images, now=utcnow())
    assert run_jobs() == 0 and list(images.kept) == ["others/logo"]


def test_what_was_uploaded_when_the_shop_died_is_destroyed_by_the_job_that_was_there_before(
    product: Product, images: FakeImages, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(content: bytes, public_id: str) -> StoredPicture:
        FakeImages.upload(images, content, public_id)
        raise SystemExit

    monkeypatch.setattr(images, "upload", die)
    with pytest.raises(SystemExit):
        add(product, images)
    due = db.session.scalar(
        text("SELECT min(scheduled_at) FROM procrastinate_jobs WHERE task_name = 'destroy_picture'")
    )
    assert due and due > utcnow()
    db.release()
    assert len(images.kept) == 1 and shown(product) == []
    assert run_jobs() == 1 and images.kept == {} and len(images.destroyed) == 1


def test_a_product_that_goes_while_its_picture_is_uploaded_leaves_no_picture(
    product: Product, images: FakeImages, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(content: bytes, public_id: str) -> StoredPicture:
        product_changes.delete(somebody(), product.id, now=utcnow())
        db.release()
        return FakeImages.upload(images, content, public_id)

    monkeypatch.setattr(images, "upload", meanwhile)
    with pytest.raises(NotFound):
        add(product, images)
    run_jobs()
    assert images.kept == {}


def test_an_image_service_that_is_away_changes_nothing_and_is_asked_again(
    product: Product, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    one = add(product, images)
    images.is_down = True
    with pytest.raises(ImagesUnavailable):
        add(product, images)
    product_pictures.drop(somebody(), product.id, row_of(product, 0), now=utcnow())
    with pytest.raises(ImagesUnavailable):
        run_jobs()
    images.is_down = False
    picture_files.destroy(one, images=images)
    assert shown(product) == [] and set(images.destroyed) == {one}


def test_a_gallery_is_replaced_and_what_is_known_of_its_pictures_stays(
    product: Product, images: FakeImages, run_jobs: Callable[[], int]
) -> None:
    one, two = add(product, images), add(product, images)
    url = images.kept[two].url
    new = [Shown(url, two, "Side"), Shown("https://elsewhere.example/x.webp", None, "Front")]
    product_pictures.replace(somebody(), product.id, new, now=utcnow())
    assert shown(product) == [two, None]
    first = products.get_whole(product.id).images[0]
    assert (first.alt, first.width, first.height) == ("Side", 960, 1200) and first.color
    db.release()
    run_jobs()
    assert set(images.destroyed) == {one}


def test_a_product_has_no_endless_pictures(product: Product, images: FakeImages) -> None:
    many = [Shown(f"https://elsewhere.example/{number}.webp") for number in range(product_pictures.MOST)]
    product_pictures.replace(somebody(), product.id, many, now=utcnow())
    with pytest.raises(TooManyPictures):
        add(product, images)
    with pytest.raises(TooManyPictures):
        product_pictures.replace(somebody(), product.id, [*many, Shown("/x.webp")], now=utcnow())
    assert images.kept == {}
    add(product, images, instead_of=row_of(product, 0))
    assert len(shown(product)) == product_pictures.MOST


@pytest.mark.parametrize("deed", ["move", "drop", "instead"])
def test_a_picture_of_another_product_is_none_of_this_one(product: Product, images: FakeImages, deed: str) -> None:
    other = make_product("Other")
    one = add(product, images)
    row, by = row_of(product, 0), somebody()
    with pytest.raises(NotFound):
        if deed == "move":
            product_pictures.move(by, other.id, row, earlier=True, now=utcnow())
        elif deed == "drop":
            product_pictures.drop(by, other.id, row, now=utcnow())
        else:
            add(other, images, instead_of=row)
    assert shown(product) == [one] and shown(other) == []

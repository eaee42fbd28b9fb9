"""The pictures of a product: the first is its cover, the second what the cover turns into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from mountify.core.errors import N_, NotFound
from mountify.core.errors.pictures import TooManyPictures
from mountify.gateways import Images
from mountify.models.catalogue import Product, ProductImage
from mountify.services import audit_log, picture_files, product_changes
from mountify.services.audit_log import Actor
from mountify.transaction import transaction

MOST = 20


@dataclass(frozen=True)
class Shown:
    """A picture as a program wants it shown."""

    url: str
    public_id: str | None = None
    alt: str = ""


def add(
    by: Actor, product_id: int, content: bytes, *, instead_of: int | None = None, images: Images | None, now: datetime
) -> None:
    """Add a picture at the end, or in the place of another, whose text it takes over.

    Raises NotFound, TooManyPictures, or what picture_files.keep() does.
    """
    with transaction() as session:  # before the picture is anywhere
        _check(_lock(session, product_id), instead_of)
    kept = picture_files.keep(content, images=images, now=now)
    with _changing(by, product_id, now=now) as product:
        old = _check(product, instead_of)
        new = ProductImage(
            image_url=kept.stored.url,
            cloudinary_public_id=kept.stored.public_id,
            alt=old.alt if old else product.name,
            width=kept.stored.width,
            height=kept.stored.height,
            color=kept.color,
        )
        if old is None:
            product.images.append(new)
        else:
            product.images[product.images.index(old)] = new


def describe(by: Actor, product_id: int, texts: Mapping[int, str], *, now: datetime) -> None:
    """Say in words what pictures show, each by its id; those that are gone are left out. Raises NotFound."""
    with _changing(by, product_id, now=now) as product:
        for image in product.images:
            image.alt = texts.get(image.id, image.alt)


def move(by: Actor, product_id: int, picture_id: int, *, earlier: bool, now: datetime) -> None:
    """Let a picture change places with the one before or after it; at either end nothing happens. Raises NotFound."""
    with _changing(by, product_id, now=now) as product:
        images = product.images
        place = images.index(_find(product, picture_id))
        other = place - 1 if earlier else place + 1
        if 0 <= other < len(images):
            images.insert(other, images.pop(place))


def drop(by: Actor, product_id: int, picture_id: int, *, now: datetime) -> None:
    """Take a picture away from a product. Raises NotFound."""
    with _changing(by, product_id, now=now) as product:
        product.images.remove(_find(product, picture_id))


def replace(by: Actor, product_id: int, shown: Sequence[Shown], *, now: datetime) -> None:
    """Show these pictures and no others, in this order. Raises NotFound or TooManyPictures.

    What is known of a picture that is there already, its size and its colour, stays.
    """
    if len(shown) > MOST:
        raise TooManyPictures(most=MOST)
    with _changing(by, product_id, now=now) as product:
        known = {(image.image_url, image.cloudinary_public_id): image for image in reversed(product.images)}
        images = []
        for each in shown:
            image = known.pop((each.url, each.public_id), None) or ProductImage(
                image_url=each.url, cloudinary_public_id=each.public_id
            )
            image.alt = each.alt
            images.append(image)
        product.images[:] = images


@contextmanager
def _changing(by: Actor, product_id: int, *, now: datetime) -> Iterator[Product]:
    with transaction() as session:
        product = _lock(session, product_id)
        with changing(session, by, product, now=now):
            yield product


@contextmanager
def changing(session: Session, by: Actor, product: Product, *, now: datetime) -> Iterator[None]:
    """Let the pictures of a locked product change; then number them anew, log it, and let go what is not shown."""
    ids, texts = _told(product)
    before = _files_of(product)
    yield
    for image in product.images:
        image.is_primary = False  # there is one at any time, which the index sees to row by row
    session.flush()
    for place, image in enumerate(product.images):
        image.display_order, image.is_primary = place, place == 0
    product.take_cover()
    session.flush()
    new_ids, new_texts = _told(product)
    pairs = {"pictures": (ids, new_ids), "texts": (texts, new_texts)}
    changes = {name: (old, new) for name, (old, new) in pairs.items() if old != new}
    if changes:
        audit_log.record(session, by, "product.pictures_changed", product, now=now, **changes)
    picture_files.let_go(session, before - _files_of(product), now=now)


def _files_of(product: Product) -> set[str | None]:
    """What a product shows, by its names at the image service."""
    covers = {product.image_public_id, product.image_hover_public_id}
    return covers.union(image.cloudinary_public_id for image in product.images)


def _lock(session: Session, product_id: int) -> Product:
    product = product_changes.lock(session, product_id)
    session.refresh(product, ["images"])
    return product


def _told(product: Product) -> tuple[str, str]:
    """The pictures and what is said of them, as the log has it."""
    return ", ".join(image.image_url for image in product.images), "; ".join(image.alt for image in product.images)


def _check(product: Product, instead_of: int | None) -> ProductImage | None:
    if instead_of is not None:
        return _find(product, instead_of)
    if len(product.images) >= MOST:
        raise TooManyPictures(most=MOST)
    return None


def _find(product: Product, picture_id: int) -> ProductImage:
    image = next((image for image in product.images if image.id == picture_id), None)
    if image is None:
        raise NotFound(N_("This picture is gone already."))
    return image

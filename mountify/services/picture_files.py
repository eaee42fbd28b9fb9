"""Pictures as files at the image service: none is lost sight of, and none goes while a product or an order shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from mountify import db, queue
from mountify.core.errors import NotFound
from mountify.core.errors.pictures import NoImageService, PictureInUse
from mountify.core.pictures import UPLOADS, StoredPicture, is_ours
from mountify.core.tokens import new_token
from mountify.gateways import Images
from mountify.models.catalogue import Product, ProductImage
from mountify.models.order import OrderItem
from mountify.services import audit_log, pictures
from mountify.services.audit_log import Actor
from mountify.transaction import transaction

# How long a picture that nothing shows is kept: whoever is about to show it has written so by then.
GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class Kept:
    """A picture that the image service has, and its colour."""

    stored: StoredPicture
    color: str | None


def keep(content: bytes, *, images: Images | None, now: datetime) -> Kept:
    """Check a picture and give it to the image service, outside of any transaction.

    Its name is written down before: an hour later whatever nothing shows is destroyed, so that nothing is left over
    when we die in between. Raises NoImageService, what pictures.prepare() raises, ImageRefused or ImagesUnavailable.
    """
    if images is None:
        raise NoImageService
    prepared = pictures.prepare(content)
    public_id = f"{UPLOADS}{new_token()}"
    with transaction() as session:
        let_go(session, [public_id], now=now)
    return Kept(images.upload(prepared.content, public_id), prepared.color)


def upload(by: Actor, content: bytes, *, images: Images | None, now: datetime) -> StoredPicture:
    """Keep a picture for a program that will say within the hour which product shows it. Raises what keep() does."""
    kept = keep(content, images=images, now=now)
    with transaction() as session:
        audit_log.record(session, by, "picture.uploaded", ("pictures", kept.stored.public_id), now=now)
    return kept.stored


def delete(by: Actor, public_id: str, *, images: Images | None, now: datetime) -> None:
    """Destroy a picture of the shop's that nothing shows. Raises NoImageService, NotFound or PictureInUse."""
    if images is None:
        raise NoImageService
    if not is_ours(public_id):
        raise NotFound
    with transaction() as session:
        if session.scalar(select(_is_shown(public_id))):
            raise PictureInUse
        audit_log.record(session, by, "picture.deleted", ("pictures", public_id), now=now)
        queue.defer(session, "destroy_picture", public_id=public_id)


def let_go(session: Session, public_ids: Iterable[str | None], *, now: datetime) -> None:
    """Let those that are ours, and that nothing shows in an hour, be destroyed then, once the transaction commits."""
    for public_id in sorted({each for each in public_ids if each and is_ours(each)}):
        queue.defer(session, "destroy_picture", scheduled_at=now + GRACE, public_id=public_id)


def destroy(public_id: str, *, images: Images | None) -> None:
    """Destroy a picture, unless something shows it: copies share theirs. Raises ImagesUnavailable (try again)."""
    is_shown = db.session.scalar(select(_is_shown(public_id)))
    db.release()
    if images is not None and not is_shown:
        images.destroy(public_id)


def _is_shown(public_id: str) -> ColumnElement[bool]:
    return or_(
        exists().where(ProductImage.cloudinary_public_id == public_id),
        exists().where(Product.image_public_id == public_id),
        exists().where(Product.image_hover_public_id == public_id),
        exists().where(OrderItem.image_public_id == public_id),
    )

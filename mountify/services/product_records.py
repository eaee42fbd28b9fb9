"""Products as programs keep them: the whole record, whatever its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from mountify import db
from mountify.core.errors import N_, NotFound
from mountify.core.errors.catalogue import StockElsewhere
from mountify.core.pictures import public_id_of
from mountify.models.catalogue import Inventory, Product, ProductImage, ProductStatus
from mountify.services import product_changes, product_pictures
from mountify.services.audit_log import Actor
from mountify.services.catalogue import NewImage, NewProduct
from mountify.transaction import retried_once, transaction

PICTURES = frozenset({"image_url", "image_public_id", "image_url_hover", "image_hover_public_id"})
# What a record has that says nothing of it; pictures stay as they are unless they are named.
WHOLE: dict[str, object] = {"description": "", "detailed_description": "", "category_id": None}


def get(product_id: int) -> Product:
    """Get a product with its stock, its category and its pictures. Raises NotFound."""
    for product in list_these([product_id]):
        return product
    raise NotFound(N_("There is no such product."))


def list_these(ids: Sequence[int]) -> Sequence[Product]:
    """List products with all that belongs to them, in this order."""
    options = joinedload(Product.stock), joinedload(Product.category), selectinload(Product.images)
    question = select(Product).where(Product.id.in_(ids)).options(*options)
    found = {product.id: product for product in db.session.scalars(question.execution_options(populate_existing=True))}
    return [found[product_id] for product_id in ids if product_id in found]


@retried_once
def add(by: Actor, new: NewProduct, values: Mapping[str, object], *, on_hand: int, currency: str, now: datetime) -> int:
    """Make a product with pictures of PICTURES and a status, and give its id.

    Raises what product_changes.add() does.
    """
    status = values.get("status")
    pairs = (("image_url", "image_public_id"), ("image_url_hover", "image_hover_public_id"))
    named = [_named(values, *pair, None, None) for pair in pairs]
    images = [NewImage(url, new.name, public_id, width=0, height=0) for url, public_id in named if url]
    with transaction() as session:
        product_changes.hold_category(session, new.category_id)
        product = product_changes.add_in(
            session, by, replace(new, images=images), "product.added",
            status=status if isinstance(status, ProductStatus) else ProductStatus.PUBLISHED,
            on_hand=on_hand, currency=currency, now=now,
        )  # fmt: skip
        return product.id


@retried_once
def change(by: Actor, product_id: int, values: Mapping[str, object], *, currency: str, now: datetime) -> None:
    """Change what is named and nothing else, pictures of PICTURES among it.

    Raises what product_changes.change() does, or StockElsewhere for another `on_hand` than there is.
    """
    changes = {name: value for name, value in values.items() if name != "on_hand"}
    with transaction() as session:
        product_changes.hold_category(session, changes.get("category_id"))
        product = product_changes.lock(session, product_id)
        if "on_hand" in values and values["on_hand"] != _on_hand(session, product_id):
            raise StockElsewhere
        pictures = {name: changes.pop(name) for name in PICTURES & changes.keys()}
        product_changes.change_in(session, by, product, changes, currency=currency, now=now)
        if pictures:
            _hang(session, by, product, pictures, now=now)


def _hang(session: Session, by: Actor, product: Product, named: Mapping[str, object], *, now: datetime) -> None:
    """Make the cover and the one it turns into the first two of a product's pictures."""
    session.flush()
    session.refresh(product, ["images"])
    wanted = [
        _named(named, "image_url", "image_public_id", product.image_url, product.image_public_id),
        _named(
            named, "image_url_hover", "image_hover_public_id", product.image_url_hover, product.image_hover_public_id
        ),
    ]
    with product_pictures.changing(session, by, product, now=now):
        known = {(image.image_url, image.cloudinary_public_id): image for image in reversed(product.images)}
        first = [
            known.get((url, public_id)) or ProductImage(image_url=url, cloudinary_public_id=public_id, alt=product.name)
            for url, public_id in wanted
            if url
        ]
        product.images[:] = [*first, *(image for image in product.images[2:] if image not in first)]


def _named(
    named: Mapping[str, object], url_name: str, id_name: str, url: str | None, public_id: str | None
) -> tuple[str, str | None]:
    """What a picture is to be: as it is named, or as it was; of another address the name is what stands in it."""
    new_url = str(named.get(url_name, url) or "")
    new_id = named.get(id_name, public_id if new_url == url else public_id_of(new_url))
    return new_url, None if new_id is None else str(new_id)


def _on_hand(session: Session, product_id: int) -> int | None:
    return session.scalar(select(Inventory.on_hand).where(Inventory.sku_id == product_id))

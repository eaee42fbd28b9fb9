"""Products as their merchant changes them: made, changed, copied, retired; each change is in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete as delete_rows
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mountify.core.errors import N_, NotFound
from mountify.core.errors.catalogue import BadPrice, ChangedMeanwhile, SlugTaken, UnknownCategory
from mountify.core.fingerprint import fingerprint
from mountify.core.money import MAXIMUM, Money, can_express
from mountify.models.catalogue import (
    Category,
    Inventory,
    Product,
    ProductImage,
    ProductStatus,
    StockMovement,
)
from mountify.models.order import OrderItem
from mountify.services import audit_log, inventory, picture_files, product_slugs
from mountify.services.audit_log import Actor
from mountify.services.catalogue import NewImage, NewProduct, add_product
from mountify.transaction import retried_once, transaction, violated

# What a merchant may change; stock and pictures have ways of their own.
CHANGEABLE = frozenset(
    {
        "name",
        "price",
        "description",
        "detailed_description",
        "category_id",
        "status",
        "slug",
        "attributes",
        "low_stock_level",
    }
)
OPENING = "opening"  # the reason in the ledger for what is there from the beginning


@retried_once
def add(
    by: Actor,
    new: NewProduct,
    *,
    currency: str,
    now: datetime,
    status: ProductStatus = ProductStatus.DRAFT,
    on_hand: int = 0,
) -> int:
    """Make a product, and give its id. Raises BadPrice, UnknownCategory or SlugTaken.

    Without a slug it gets one made of its name, with a number behind it when that is taken.
    """
    with transaction() as session:
        hold_category(session, new.category_id)
        return add_in(session, by, new, "product.added", status=status, on_hand=on_hand, currency=currency, now=now).id


def add_in(
    session: Session,
    by: Actor,
    new: NewProduct,
    action: str,
    *,
    status: ProductStatus,
    on_hand: int,
    currency: str,
    now: datetime,
) -> Product:
    """Do what add() does, in the caller's transaction, which holds the category."""
    check_price(new.price, currency)
    if new.slug is not None and product_slugs.is_taken(session, new.slug):
        raise SlugTaken
    slug = new.slug or product_slugs.find_free(session, new.name)
    try:
        product = add_product(session, replace(new, slug=slug), currency=currency)
    except IntegrityError as error:  # somebody else was faster
        if violated(error) != "uq_products_slug":
            raise
        raise SlugTaken from error
    product.status = status
    audit_log.record(session, by, action, product, now=now, name=(None, product.name))
    if on_hand:
        session.flush()
        inventory.receive(session, product.id, on_hand, reason=OPENING, actor_id=by.id, now=now)
    return product


@retried_once
def change(
    by: Actor,
    product_id: int,
    values: Mapping[str, object],
    *,
    seen: str | None = None,
    currency: str,
    now: datetime,
) -> None:
    """Change what is named in `values` (of CHANGEABLE) and nothing else; an old slug leads on to the new one.

    Raises NotFound, BadPrice, UnknownCategory, SlugTaken, ChangedMeanwhile when it is not what was `seen` (see
    state_of()) any more, or KeyError for a name that is none of them.
    """
    with transaction() as session:
        hold_category(session, values.get("category_id"))
        product = lock(session, product_id)
        if seen is not None and seen != state_of(product):
            raise ChangedMeanwhile
        change_in(session, by, product, values, currency=currency, now=now)


def state_of(product: Product) -> str:
    """Tell what a merchant may change of a product, as it is now, from what it was."""
    return fingerprint(*(getattr(product, name) for name in sorted(CHANGEABLE)))


def change_in(
    session: Session,
    by: Actor,
    product: Product,
    values: Mapping[str, object],
    *,
    currency: str,
    now: datetime,
) -> None:
    """Do what change() does, to a product that is locked, in the caller's transaction, which holds the category."""
    if unknown := set(values) - CHANGEABLE:
        raise KeyError(*sorted(unknown))
    price = values.get("price")
    if isinstance(price, Money):
        check_price(price, currency)
    with audit_log.watching(session, by, "product.changed", product, now=now):
        slug = values.get("slug")
        if isinstance(slug, str) and slug != product.slug:
            product_slugs.take(session, product, slug)
        for name in values.keys() - {"slug"}:
            setattr(product, name, values[name])
        session.flush()


def check_price(price: Money, currency: str) -> None:
    """Raise BadPrice for what the currency cannot express, for nothing, and for more than a cart may total."""
    if not (0 < price.amount <= MAXIMUM and can_express(price, currency)):
        raise BadPrice(price=str(price), currency=currency)


@retried_once
def duplicate(by: Actor, product_id: int, *, currency: str, now: datetime) -> int:
    """Make a draft that is like a product, without stock, and give its id. Raises NotFound."""
    with transaction() as session:
        product = lock(session, product_id)
        session.refresh(product, ["images"])
        new = NewProduct(
            name=f"{product.name} (copy)"[:200],
            price=product.price,
            description=product.description,
            detailed_description=product.detailed_description,
            category_id=product.category_id,
            attributes=dict(product.attributes),
            images=[NewImage.of(image) for image in product.images],
        )
        copy = add_in(
            session, by, new, "product.copied", status=ProductStatus.DRAFT, on_hand=0, currency=currency, now=now
        )
        copy.low_stock_level = product.low_stock_level
        return copy.id


@retried_once
def delete(by: Actor, product_id: int, *, now: datetime) -> bool:
    """Delete a product that was never ordered; one that was is archived instead. Say whether it was deleted.

    Raises NotFound.
    """
    with transaction() as session:
        session.get(Inventory, product_id, with_for_update=True)  # first, as whoever sells or counts does
        product = lock(session, product_id)
        if session.scalar(select(exists().where(OrderItem.product_id == product_id))):
            with audit_log.watching(session, by, "product.archived", product, now=now):
                product.status = ProductStatus.ARCHIVED
            return False
        audit_log.record(session, by, "product.deleted", product, now=now, name=(product.name, None))
        shown = select(ProductImage.cloudinary_public_id).where(ProductImage.product_id == product_id)
        covers = (product.image_public_id, product.image_hover_public_id)
        picture_files.let_go(session, (*session.scalars(shown), *covers), now=now)
        session.execute(delete_rows(StockMovement).where(StockMovement.product_id == product_id))
        session.execute(delete_rows(Product).where(Product.id == product_id))  # the rest goes by foreign keys
        session.expunge(product)
        return True


def hold_category(session: Session, category_id: object) -> None:
    """Keep a category from being deleted, before any product is locked. Raises UnknownCategory."""
    known = select(Category.id).where(Category.id == category_id).with_for_update(read=True, key_share=True)
    if category_id is not None and session.scalar(known) is None:
        raise UnknownCategory


def lock(session: Session, product_id: int) -> Product:
    """Lock a product and read it afresh, while it can be sold. Raises NotFound."""
    product = session.get(Product, product_id, with_for_update={"key_share": True}, populate_existing=True)
    if product is None:
        raise NotFound(N_("There is no such product."))
    return product

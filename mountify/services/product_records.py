"""Products as programs keep them: the whole record, whatever its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from mountify import db
from mountify.core.errors import N_, NotFound, StockElsewhere
from mountify.models.catalogue import Inventory, Product, ProductStatus
from mountify.services import product_changes
from mountify.services.audit_log import Actor
from mountify.services.catalogue import NewProduct
from mountify.services.product_table import hold_category
from mountify.transaction import retried_once, transaction

PICTURES = frozenset({"image_url", "image_public_id", "image_url_hover", "image_hover_public_id"})
WHOLE: dict[str, object] = {
    "description": "", "detailed_description": "", "category_id": None, **dict.fromkeys(sorted(PICTURES)),
}  # fmt: skip


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
    pictures = {name: value for name, value in values.items() if name in PICTURES}
    status = values.get("status")
    with transaction() as session:
        hold_category(session, new.category_id)
        product = product_changes.add_in(
            session, by, new, "product.added",
            status=status if isinstance(status, ProductStatus) else ProductStatus.PUBLISHED,
            on_hand=on_hand, currency=currency, now=now,
        )  # fmt: skip
        for name, value in pictures.items():
            setattr(product, name, value)
        return product.id


@retried_once
def change(by: Actor, product_id: int, values: Mapping[str, object], *, currency: str, now: datetime) -> None:
    """Change what is named and nothing else, pictures of PICTURES among it.

    Raises what product_changes.change() does, or StockElsewhere for another `on_hand` than there is.
    """
    changes = {name: value for name, value in values.items() if name != "on_hand"}
    with transaction() as session:
        hold_category(session, changes.get("category_id"))
        product = product_changes.lock(session, product_id)
        if "on_hand" in values and values["on_hand"] != _on_hand(session, product_id):
            raise StockElsewhere
        if "image_url" in changes and changes["image_url"] != product.image_url:
            product.image_color = None  # it was the other picture's
        may_change = product_changes.CHANGEABLE | PICTURES
        product_changes.change_in(session, by, product, changes, may_change=may_change, currency=currency, now=now)


def _on_hand(session: Session, product_id: int) -> int | None:
    return session.scalar(select(Inventory.on_hand).where(Inventory.sku_id == product_id))

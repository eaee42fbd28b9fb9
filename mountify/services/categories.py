"""The categories as their merchant keeps them. Products stay when theirs goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mountify.core.errors import N_, NotFound
from mountify.core.errors.catalogue import CategoryTaken
from mountify.core.slugs import first_free, slugify
from mountify.models.catalogue import Category, Product
from mountify.services import audit_log, products
from mountify.services.audit_log import Actor
from mountify.services.products import CategoryCount
from mountify.transaction import transaction, violated

_TAKEN = {"uq_categories_name": "name", "uq_categories_slug": "slug"}


@dataclass(frozen=True)
class Named:
    """What a category is called; without a slug it gets one made of its name."""

    name: str
    slug: str = ""
    description: str = ""


def list_rows() -> list[CategoryCount]:
    """List all categories in their order; their drafts and archived products are counted, too."""
    return products.count_in_categories()


def get_row(category_id: int) -> CategoryCount:
    """Get one of them. Raises NotFound."""
    row = next((row for row in list_rows() if row.id == category_id), None)
    if row is None:
        raise NotFound(N_("There is no such category."))
    return row


def add(by: Actor, named: Named, *, display_order: int | None = None, now: datetime) -> int:
    """Make a category, the last one unless told otherwise; gives its id. Raises CategoryTaken."""
    with transaction() as session:
        last = session.scalar(select(func.max(Category.display_order)))
        category = Category(
            name=named.name,
            slug=named.slug or _free_slug(session, slugify(named.name)),
            description=named.description,
            display_order=(last or 0) + 1 if display_order is None else display_order,
        )
        session.add(category)
        _flush(session)
        audit_log.record(session, by, "category.added", category, now=now, name=(None, category.name))
        return category.id


def change(by: Actor, category_id: int, named: Named, *, display_order: int | None = None, now: datetime) -> None:
    """Give a category another name, slug, description or place. Raises NotFound or CategoryTaken."""
    with transaction() as session:
        category = _lock(session, category_id)
        with audit_log.watching(session, by, "category.changed", category, now=now):
            category.name, category.description = named.name, named.description
            category.slug = named.slug or slugify(named.name)
            if display_order is not None:
                category.display_order = display_order
            _flush(session)


def move(by: Actor, category_id: int, *, up: bool, now: datetime) -> None:
    """Let a category change places with the one before or after it; at the end of the list nothing happens.

    Raises NotFound.
    """
    with transaction() as session:
        rows = list(session.scalars(select(Category).order_by(Category.id).with_for_update()))
        rows.sort(key=lambda row: (row.display_order, row.name.lower()))
        place = next((at for at, row in enumerate(rows) if row.id == category_id), None)
        if place is None:
            raise NotFound(N_("There is no such category."))
        other = place - 1 if up else place + 1
        if not 0 <= other < len(rows):
            return
        rows[place], rows[other] = rows[other], rows[place]
        for at, row in enumerate(rows, 1):
            if row.id == category_id:
                audit_log.record(session, by, "category.moved", row, now=now, display_order=(place + 1, at))
            row.display_order = at


def delete(by: Actor, category_id: int, *, now: datetime) -> int:
    """Delete a category, and say how many products are in none now. Raises NotFound."""
    with transaction() as session:
        category = _lock(session, category_id)
        mine = select(Product.id).where(Product.category_id == category_id).order_by(Product.id)
        left = session.scalars(mine.with_for_update(key_share=True)).all()
        session.execute(update(Product).where(Product.category_id == category_id).values(category_id=None))
        for product_id in left:
            audit_log.record(
                session, by, "product.changed", ("products", product_id), now=now, category_id=(category_id, None)
            )
        audit_log.record(session, by, "category.deleted", category, now=now, name=(category.name, None))
        session.delete(category)
        return len(left)


def _lock(session: Session, category_id: int) -> Category:
    category = session.get(Category, category_id, with_for_update=True, populate_existing=True)
    if category is None:
        raise NotFound(N_("There is no such category."))
    return category


def _free_slug(session: Session, slug: str) -> str:
    """The slug with a number behind it when another category has it; "all" is every category's."""
    taken = {"all", *session.scalars(select(Category.slug).where(Category.slug.startswith(slug, autoescape=True)))}
    return first_free(slug, taken.__contains__)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        name = _TAKEN.get(violated(error))
        if name is None:
            raise
        raise CategoryTaken(name) from error

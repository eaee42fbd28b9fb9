"""The slugs of products: each is one product's, and those it had before lead on to it."""

from __future__ import annotations

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mountify.core.errors.catalogue import SlugTaken
from mountify.core.slugs import first_free, slugify
from mountify.models.catalogue import Product, ProductSlug
from mountify.transaction import violated


def find_free(session: Session, name: str) -> str:
    """Make a slug of a name, with a number behind it when another product has or had it."""
    return first_free(slugify(name), lambda slug: is_taken(session, slug))


def is_taken(session: Session, slug: str, *, but_by: int = 0) -> bool:
    """Say whether another product has this slug, or had it."""
    now = exists().where(Product.slug == slug, Product.id != but_by)
    before = exists().where(ProductSlug.slug == slug, ProductSlug.product_id != but_by)
    return bool(session.scalar(select(now | before)))


def take(session: Session, product: Product, slug: str) -> None:
    """Give a product another slug; the one it had leads to it from now on. Raises SlugTaken."""
    if is_taken(session, slug, but_by=product.id):
        raise SlugTaken
    session.execute(delete(ProductSlug).where(ProductSlug.slug == slug, ProductSlug.product_id == product.id))
    session.merge(ProductSlug(slug=product.slug, product_id=product.id))
    product.slug = slug
    try:
        session.flush()
    except IntegrityError as error:
        if violated(error) not in {"uq_products_slug", "pk_product_slugs"}:
            raise
        raise SlugTaken from error

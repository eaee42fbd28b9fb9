"""Prices that were set while the shop had another currency, or by hand in its database."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from mountify import db
from mountify.core.money import Money, can_express
from mountify.core.slugs import part_number
from mountify.models.catalogue import Product, ProductStatus
from mountify.services.settings import get_shop


def list_unpayable(currency: str) -> list[str]:
    """Name every price that Stripe does not take in a currency, each with what it is asked for."""
    return [f"{price} for {what}" for what, price in _every_price() if not can_express(price, currency)]


def _every_price() -> Iterator[tuple[str, Money]]:
    """What is out of the catalogue is asked for by nobody."""
    shop = get_shop()
    yield "delivery", shop.shipping_flat
    sold = select(Product.id, Product.price).where(Product.status != ProductStatus.ARCHIVED).order_by(Product.id)
    for product_id, price in db.session.execute(sold):
        yield part_number(product_id), price

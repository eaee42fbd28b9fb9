"""The parts of an order, bought once more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from mountify.core.money import Money
from mountify.models.cart import MOST_OF_ONE, MOST_PRODUCTS, Cart, CartItem
from mountify.models.catalogue import Product, ProductStatus
from mountify.models.order import Order
from mountify.services.cart_view import CartOwner, held_by, items_of, read_lines
from mountify.services.carts import DOUBLE_CLICK, check_total, open_cart
from mountify.transaction import transaction


@dataclass(frozen=True)
class Again:
    """What became of one part: how many were `wanted`, how many came in, how many the cart has now.

    `price` is None when it is no longer made; `most` is what can be had of it.
    """

    name: str
    wanted: int
    added: int
    in_cart: int
    most: int
    old_price: Money
    price: Money | None

    @property
    def is_sold_out(self) -> bool:
        return self.price is not None and self.most == 0

    @property
    def is_capped(self) -> bool:
        return self.most > 0 and self.in_cart == self.most and self.added < self.wanted

    @property
    def is_left_out(self) -> bool:
        """It can be had, but the cart has no room for another part."""
        return self.most > 0 and self.in_cart == 0

    @property
    def has_new_price(self) -> bool:
        return self.in_cart > 0 and self.price != self.old_price


def buy_again(owner: CartOwner, order: Order, *, now: datetime, by_page_load: bool = False) -> list[Again]:
    """Put an order's parts into a cart, as many as can be had now, and say of each what came of it.

    A browser that loads a page for it sends a double click twice, which is one wish. Raises CartTooDear; then nothing
    has changed.
    """
    with transaction() as session:
        cart = open_cart(session, owner, now)
        lines = {item.product_id: item for item in session.scalars(items_of(cart.id))}
        held = held_by(session, cart.id)
        products = _published(session, [item.product_id for item in order.items])
        parts = []
        for item in order.items:
            product, line = products.get(item.product_id), lines.get(item.product_id)
            most = min(MOST_OF_ONE, product.available + held.get(product.id, 0)) if product is not None else 0
            has_room = line is not None or len(lines) < MOST_PRODUCTS
            added = max(0, min(item.quantity, most - (line.quantity if line else 0))) if has_room else 0
            if by_page_load and line is not None and _was_just_added(line, item.quantity, most, now):
                added = line.added or 0
            elif product is not None and added:
                line = lines[product.id] = _put(session, cart, line, product, added, now)
            price = product.price if product is not None else None
            in_cart = line.quantity if line else 0
            parts.append(Again(item.name, item.quantity, added, in_cart, most, item.price, price))
        session.flush()
        check_total(read_lines(session, cart.id))
        return parts


def _published(session: Session, product_ids: Collection[int]) -> dict[int, Product]:
    published = (
        select(Product)
        .join(Product.stock)
        .where(Product.id.in_(product_ids), Product.status == ProductStatus.PUBLISHED)
        .options(contains_eager(Product.stock))
        .execution_options(populate_existing=True)
    )
    return {product.id: product for product in session.scalars(published)}


def _was_just_added(line: CartItem, wanted: int, most: int, now: datetime) -> bool:
    """The same number, as far as it could be had before; another number is another wish."""
    before = line.quantity - (line.added or 0)
    return line.added == min(wanted, most - before) and line.was_added_within(DOUBLE_CLICK, now)


def _put(
    session: Session, cart: Cart, line: CartItem | None, product: Product, quantity: int, now: datetime
) -> CartItem:
    if line is None:
        line = CartItem(cart_id=cart.id, product_id=product.id, quantity=0, price_seen=product.price)
        session.add(line)
    line.quantity += quantity
    line.added, line.added_at = quantity, now
    return line

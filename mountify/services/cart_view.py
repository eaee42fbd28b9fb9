"""A cart as it can be had now: its lines, what has changed since they were put there, and its totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, contains_eager

from mountify import db
from mountify.core.money import ZERO, Money
from mountify.core.tokens import hash_token
from mountify.models.cart import Cart, CartItem
from mountify.models.catalogue import Product
from mountify.models.order import Order, OrderItem
from mountify.services.settings import get_shop


@dataclass(frozen=True)
class CartOwner:
    """An account, or whoever holds a cart token."""

    user_id: int | None = None
    token: str | None = None
    buyer_id: int | None = None  # the account that orders, when the cart is not the account's own

    @property
    def orders_for(self) -> int | None:
        return self.user_id or self.buyer_id

    @property
    def cart_key(self) -> str:
        return Cart.key_of(self.user_id, None if self.user_id else hash_token(self.token or ""))

    @property
    def columns(self) -> dict[str, int | str | None]:
        return {"user_id": self.user_id} if self.user_id else {"token_hash": hash_token(self.token or "")}


@dataclass(frozen=True)
class CartLine:
    """One product in a cart. `held` says how many the cart's own pending order holds: nobody else can have those."""

    product: Product
    quantity: int
    price_seen: Money
    held: int = 0

    @property
    def price(self) -> Money:
        return self.product.price

    @property
    def total(self) -> Money:
        return self.price * self.quantity

    @property
    def available(self) -> int:
        return max(0, self.product.available + self.held)

    @property
    def is_low(self) -> bool:
        return 0 < self.available <= self.product.low_stock_level

    @property
    def is_withdrawn(self) -> bool:
        return not self.product.is_published

    @property
    def is_sold_out(self) -> bool:
        return not self.is_withdrawn and self.available == 0

    @property
    def is_short(self) -> bool:
        return not self.is_withdrawn and 0 < self.available < self.quantity

    @property
    def is_gone(self) -> bool:
        return self.is_withdrawn or self.is_sold_out

    @property
    def obtainable(self) -> int:
        """How many of them can be had now, and are charged."""
        return 0 if self.is_gone else min(self.quantity, self.available)

    @property
    def charged(self) -> Money:
        return self.price * self.obtainable

    @property
    def has_new_price(self) -> bool:
        return not self.is_gone and self.price != self.price_seen

    @property
    def has_problem(self) -> bool:
        return self.is_gone or self.is_short or self.has_new_price


@dataclass(frozen=True)
class CartView:
    """What the shopper sees. What cannot be had does not count towards the totals."""

    lines: Sequence[CartLine]
    subtotal: Money
    shipping: Money
    missing_for_free: Money | None

    @property
    def total(self) -> Money:
        return self.subtotal + self.shipping

    @property
    def count(self) -> int:
        return sum(line.obtainable for line in self.lines)

    @property
    def has_problems(self) -> bool:
        return any(line.has_problem for line in self.lines)

    @property
    def is_empty(self) -> bool:
        return not self.lines


def get_view(owner: CartOwner | None) -> CartView:
    """Get the cart of an owner; an empty one when there is none."""
    if owner is None:
        return view_of([])
    cart_id = db.session.scalar(cart_of(owner).with_only_columns(Cart.id))
    return view_of([] if cart_id is None else read_lines(db.session(), cart_id))


def read_lines(session: Session, cart_id: int) -> list[CartLine]:
    return lines_of(session, cart_id, session.scalars(items_of(cart_id)).all())


def lines_of(session: Session, cart_id: int, items: Sequence[CartItem]) -> list[CartLine]:
    held = held_by(session, cart_id) if items else {}
    return [CartLine(item.product, item.quantity, item.price_seen, held.get(item.product_id, 0)) for item in items]


def held_by(session: Session, cart_id: int) -> dict[int, int]:
    """What the pending order of a cart holds, by product: another checkout of this cart gives it back first."""
    rows = session.execute(
        select(OrderItem.product_id, OrderItem.quantity)
        .join(Order, Order.id == OrderItem.order_id)
        .where(Order.cart_id == cart_id, Order.inventory_reserved)
    )
    return {row.product_id: row.quantity for row in rows}


def view_of(lines: Sequence[CartLine]) -> CartView:
    """Add up lines and delivery."""
    shop = get_shop()
    subtotal = Money.sum(line.charged for line in lines)
    shipping = shop.shipping_for(subtotal) if any(line.obtainable for line in lines) else ZERO
    missing = shop.shipping_free_from - subtotal if shipping and shop.shipping_free_from is not None else None
    return CartView(lines=lines, subtotal=subtotal, shipping=shipping, missing_for_free=missing)


def owned_by(owner: CartOwner) -> ColumnElement[bool]:
    return Cart.user_id == owner.user_id if owner.user_id else Cart.token_hash == hash_token(owner.token or "")


def cart_of(owner: CartOwner) -> Select[Cart]:
    return select(Cart).where(owned_by(owner))


def items_of(cart_id: int) -> Select[CartItem]:
    return (
        select(CartItem)
        .join(CartItem.product)
        .join(Product.stock)
        .where(CartItem.cart_id == cart_id)
        .options(contains_eager(CartItem.product).contains_eager(Product.stock))
        .order_by(CartItem.id)
        .execution_options(populate_existing=True)
    )

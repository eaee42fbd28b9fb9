"""Carts of accounts and of guests: what is in them, and what has changed since it was put there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, contains_eager

from mountify import cart_counts, db
from mountify.core.errors import CartFull, CartTooDear, NotEnoughStock, NotFound, QuantityOutOfRange, UnknownProducts
from mountify.core.money import MAXIMUM, ZERO, Money
from mountify.core.order_status import OrderStatus
from mountify.core.tokens import hash_token
from mountify.models.cart import MOST_OF_ONE, MOST_PRODUCTS, Cart, CartItem
from mountify.models.catalogue import Product, ProductStatus
from mountify.models.order import Order, OrderItem
from mountify.services.settings import get_shop
from mountify.transaction import transaction

KEPT = timedelta(days=90)
MOST_AT_ONCE = 100  # of one product, when a list of items is ordered without a cart


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
    cart_id = db.session.scalar(_cart(owner).with_only_columns(Cart.id))
    return view_of([] if cart_id is None else read_lines(db.session(), cart_id))


def exists(owner: CartOwner) -> bool:
    """Say whether there is a cart of this owner's."""
    return db.session.scalar(_cart(owner).with_only_columns(Cart.id)) is not None


def purge_expired(*, now: datetime) -> int:
    """Let carts go that nobody has touched for 90 days, and say how many."""
    with transaction() as session:
        gone = session.scalars(delete(Cart).where(Cart.expires_at < now).returning(Cart.id)).all()
        return len(gone)


def count(owner: CartOwner) -> int:
    """Say how many parts are in a cart."""
    return cart_counts.read(owner.cart_key, lambda: _count(owner))


def _count(owner: CartOwner) -> int:
    total = db.session.scalar(
        select(func.coalesce(func.sum(CartItem.quantity), 0))
        .join(Cart, Cart.id == CartItem.cart_id)
        .where(_owned(owner))
    )
    return int(total or 0)


def add_item(owner: CartOwner, product_id: int, quantity: int, *, now: datetime) -> CartLine:
    """Add to the line of a product, making cart and line when there is none.

    Raises NotFound, QuantityOutOfRange, NotEnoughStock, CartFull or CartTooDear; then nothing has changed.
    """
    _check_quantity(quantity, least=1)
    with transaction() as session:
        product = _get_product(session, product_id)
        cart = _open_cart(session, owner, now)
        line = _find_item(session, cart, product_id)
        wanted = quantity + (line.quantity if line else 0)
        _check_available(session, cart, product, wanted)
        if line is None:
            session.add(CartItem(cart_id=cart.id, product_id=product_id, quantity=wanted, price_seen=product.price))
        else:
            line.quantity = wanted
        _check_limits(session, cart)
        return CartLine(product=product, quantity=quantity, price_seen=product.price)


def set_quantity(owner: CartOwner, product_id: int, quantity: int, *, now: datetime) -> None:
    """Set the quantity of a line; 0 removes it. Raises NotFound, QuantityOutOfRange or NotEnoughStock."""
    _check_quantity(quantity, least=0)
    with transaction() as session:
        cart = lock_cart(session, owner)
        line = _find_item(session, cart, product_id) if cart else None
        if cart is None or line is None:
            raise NotFound
        if quantity == 0:
            session.delete(line)
        else:
            grows = quantity > line.quantity
            if grows:
                _check_available(session, cart, _get_product(session, product_id), quantity)
            line.quantity = quantity
            if grows:  # fewer of something is always fine, however dear the cart is
                _check_limits(session, cart)
        cart.expires_at = now + KEPT


def remove_item(owner: CartOwner, product_id: int) -> bool:
    """Take a product out, and say whether it was there. When it was not, the wish is fulfilled all the same."""
    with transaction() as session:
        cart = lock_cart(session, owner)
        line = _find_item(session, cart, product_id) if cart else None
        if line is not None:
            session.delete(line)
        return line is not None


def replace(owner: CartOwner, quantities: Mapping[int, int], *, now: datetime) -> None:
    """Make the cart hold exactly these products, 1 to 100 of each; whether they can be had is for the checkout to say.

    Raises QuantityOutOfRange, CartFull, UnknownProducts or CartTooDear; then nothing has changed.
    """
    if not all(1 <= quantity <= MOST_AT_ONCE for quantity in quantities.values()):
        raise QuantityOutOfRange(low=1, high=MOST_AT_ONCE)
    if len(quantities) > MOST_PRODUCTS:
        raise CartFull(products=MOST_PRODUCTS)
    with transaction() as session:
        cart = _open_cart(session, owner, now)
        session.execute(delete(CartItem).where(CartItem.cart_id == cart.id))
        prices = _prices_of(session, quantities)
        if len(prices) < len(quantities):
            raise UnknownProducts
        session.add_all(
            CartItem(cart_id=cart.id, product_id=product_id, quantity=quantity, price_seen=prices[product_id])
            for product_id, quantity in sorted(quantities.items())
        )
        _check_limits(session, cart)


def _prices_of(session: Session, product_ids: Collection[int]) -> dict[int, Money]:
    published = select(Product.id, Product.price).where(
        Product.id.in_(product_ids), Product.status == ProductStatus.PUBLISHED
    )
    return {row.id: row.price for row in session.execute(published)}


def clear(owner: CartOwner) -> None:
    with transaction() as session:
        if cart := lock_cart(session, owner):
            session.execute(delete(CartItem).where(CartItem.cart_id == cart.id))


def accept_changes(owner: CartOwner, product_id: int | None = None) -> None:
    """Take the cart, or one product of it, as it can be had now: new prices, what is left, without what is gone."""
    with transaction() as session:
        cart = lock_cart(session, owner)
        if cart is None:
            return
        items = session.scalars(_items(cart.id)).all()
        for item, line in zip(items, _lines(session, cart.id, items), strict=True):
            if product_id not in (None, item.product_id):
                continue
            if line.is_gone:
                session.delete(item)
            else:
                item.quantity = min(item.quantity, line.available)
                item.price_seen = line.price


@dataclass(frozen=True)
class Merged:
    """What came of a merge: parts that found no room, and pending orders that no cart stands behind any more."""

    left_out: Sequence[str]
    superseded: Sequence[int]


def merge(token: str, user_id: int, *, now: datetime) -> Merged:
    """Move a guest's cart into an account's, adding what both hold, as far as a line may go.

    The guest's pending order comes along. Where the account has one of its own, that one is superseded: its session at
    Stripe is for the caller to end.
    """
    with transaction() as session:
        guest = lock_cart(session, CartOwner(token=token))
        if guest is None:
            return Merged([], [])
        cart = _open_cart(session, CartOwner(user_id=user_id), now)
        left_out = _move_lines(session, guest, cart)
        superseded = _move_pending_order(session, guest, cart, user_id)
        session.delete(guest)
        return Merged(left_out, superseded)


def _move_lines(session: Session, guest: Cart, cart: Cart) -> list[str]:
    """Gives the names of what found no room."""
    left_out = []
    mine = {item.product_id: item for item in session.scalars(_items(cart.id))}
    for item in session.scalars(_items(guest.id)).all():
        if known := mine.get(item.product_id):
            known.quantity = min(MOST_OF_ONE, known.quantity + item.quantity)
        elif len(mine) < MOST_PRODUCTS:
            mine[item.product_id] = CartItem(
                cart_id=cart.id, product_id=item.product_id, quantity=item.quantity, price_seen=item.price_seen
            )
            session.add(mine[item.product_id])
        else:
            left_out.append(item.product.name)
    return left_out


def _move_pending_order(session: Session, guest: Cart, cart: Cart, user_id: int) -> list[int]:
    """Gives the account's own pending order when the guest's takes its place; a cart has at most one."""
    pending = {
        order.cart_id: order
        for order in session.scalars(
            select(Order)
            .where(Order.cart_id.in_((guest.id, cart.id)), Order.status == OrderStatus.PENDING)
            .order_by(Order.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    if guest.id not in pending:
        return []
    superseded = pending.get(cart.id)
    if superseded is not None:
        superseded.cart_id = None
        session.flush()
    pending[guest.id].cart_id, pending[guest.id].user_id = cart.id, user_id
    session.flush()
    return [] if superseded is None else [superseded.id]


def take_out(session: Session, cart_id: int, bought: dict[int, int]) -> None:
    """Take out of a locked cart what has been bought; what was added since stays."""
    for item in session.scalars(select(CartItem).where(CartItem.cart_id == cart_id, CartItem.product_id.in_(bought))):
        item.quantity -= bought[item.product_id]
        if item.quantity <= 0:
            session.expunge(item)
            session.execute(delete(CartItem).where(CartItem.id == item.id))


def read_lines(session: Session, cart_id: int) -> list[CartLine]:
    return _lines(session, cart_id, session.scalars(_items(cart_id)).all())


def _lines(session: Session, cart_id: int, items: Sequence[CartItem]) -> list[CartLine]:
    held = _held_by(session, cart_id) if items else {}
    return [CartLine(item.product, item.quantity, item.price_seen, held.get(item.product_id, 0)) for item in items]


def _held_by(session: Session, cart_id: int) -> dict[int, int]:
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


def _owned(owner: CartOwner) -> ColumnElement[bool]:
    return Cart.user_id == owner.user_id if owner.user_id else Cart.token_hash == hash_token(owner.token or "")


def _cart(owner: CartOwner) -> Select[Cart]:
    return select(Cart).where(_owned(owner))


def lock_cart(session: Session, owner: CartOwner) -> Cart | None:
    """Lock an owner's cart: the first lock of whatever depends on it (cart, then order, then product)."""
    return _locked(session, _cart(owner))


def lock_by_id(session: Session, cart_id: int) -> Cart | None:
    """Lock a cart that an order came from; it may be gone."""
    return _locked(session, select(Cart).where(Cart.id == cart_id))


def _locked(session: Session, wanted: Select[Cart]) -> Cart | None:
    cart = session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if cart is not None:
        cart_counts.touch(session, cart.key)
    return cart


def _open_cart(session: Session, owner: CartOwner, now: datetime) -> Cart:
    """Make the cart when it is missing, then lock it; two tabs that come at once get the same one."""
    session.execute(insert(Cart).values(**owner.columns, expires_at=now + KEPT).on_conflict_do_nothing())
    cart = lock_cart(session, owner)
    if cart is None:
        raise NotFound
    cart.expires_at = now + KEPT
    return cart


def _items(cart_id: int) -> Select[CartItem]:
    return (
        select(CartItem)
        .join(CartItem.product)
        .join(Product.stock)
        .where(CartItem.cart_id == cart_id)
        .options(contains_eager(CartItem.product).contains_eager(Product.stock))
        .order_by(CartItem.id)
        .execution_options(populate_existing=True)
    )


def _find_item(session: Session, cart: Cart, product_id: int) -> CartItem | None:
    return session.scalars(
        select(CartItem).where(CartItem.cart_id == cart.id, CartItem.product_id == product_id)
    ).one_or_none()


def _get_product(session: Session, product_id: int) -> Product:
    product = session.scalars(
        select(Product)
        .join(Product.stock)
        .where(Product.id == product_id, Product.status == ProductStatus.PUBLISHED)
        .options(contains_eager(Product.stock))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if product is None:
        raise NotFound
    return product


def _check_quantity(quantity: int, *, least: int) -> None:
    if not least <= quantity <= MOST_OF_ONE:
        raise QuantityOutOfRange(low=least, high=MOST_OF_ONE)


def _check_available(session: Session, cart: Cart, product: Product, wanted: int) -> None:
    available = product.available
    if wanted > available:
        available += _held_by(session, cart.id).get(product.id, 0)
    if wanted > available:
        raise NotEnoughStock(product_id=product.id, name=product.name, available=max(0, available))
    _check_quantity(wanted, least=1)


def _check_limits(session: Session, cart: Cart) -> None:
    session.flush()
    lines = read_lines(session, cart.id)
    if len(lines) > MOST_PRODUCTS:
        raise CartFull(products=MOST_PRODUCTS)
    check_total(lines)


def check_total(lines: Sequence[CartLine]) -> None:
    """Refuse what no order can hold. Prices change while things lie in a cart. Raises CartTooDear."""
    if Money.sum(line.total for line in lines).amount > MAXIMUM:
        raise CartTooDear(most=MAXIMUM)

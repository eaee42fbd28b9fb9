"""Changing a cart, an account's or a guest's. What is in it, and at what price, cart_view says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager

from mountify import cart_counts, db
from mountify.core.errors import NotFound, ShopError
from mountify.core.errors.accounts import SignInNeeded
from mountify.core.errors.carts import CartFull, CartTooDear, NotEnoughStock, QuantityOutOfRange, UnknownProducts
from mountify.core.money import MAXIMUM, Money
from mountify.models.cart import MOST_OF_ONE, MOST_PRODUCTS, Cart, CartItem
from mountify.models.catalogue import Product, ProductStatus
from mountify.services.cart_view import (
    CartLine,
    CartOwner,
    cart_of,
    held_by,
    items_of,
    lines_of,
    owned_by,
    read_lines,
)
from mountify.transaction import transaction, violated

KEPT = timedelta(days=90)
DOUBLE_CLICK = timedelta(milliseconds=500)
MOST_AT_ONCE = 100  # of one product, when a list of items is ordered without a cart


def exists(owner: CartOwner) -> bool:
    """Say whether there is a cart of this owner's."""
    return db.session.scalar(cart_of(owner).with_only_columns(Cart.id)) is not None


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
        .where(owned_by(owner))
    )
    return int(total or 0)


def add_item(
    owner: CartOwner, product_id: int, quantity: int, *, now: datetime, by_page_load: bool = False
) -> CartLine:
    """Add to the line of a product, making cart and line when there is none.

    A browser that loads a page for it sends a double click twice: the same within half a second is then the same wish.
    Raises NotFound, QuantityOutOfRange, NotEnoughStock, CartFull, CartTooDear or SignInNeeded; then nothing is changed.
    """
    _check_quantity(quantity, least=1)
    with _products_that_stay(NotFound), transaction() as session:
        product = _get_product(session, product_id)
        cart = open_cart(session, owner, now)
        line = _find_item(session, cart, product_id)
        added = CartLine(product=product, quantity=quantity, price_seen=product.price)
        if by_page_load and line is not None and _was_just_added(line, quantity, now):
            return added
        wanted = quantity + (line.quantity if line else 0)
        _check_available(session, cart, product, wanted)
        if line is None:
            line = CartItem(cart_id=cart.id, product_id=product_id, price_seen=product.price)
            session.add(line)
        line.quantity, line.added, line.added_at = wanted, quantity, now
        _check_limits(session, cart)
        return added


@contextmanager
def _products_that_stay(otherwise: type[ShopError]) -> Iterator[None]:
    """Say it in our words when a product is deleted between looking at it and putting it into a cart."""
    try:
        yield
    except IntegrityError as error:
        if violated(error) != "fk_cart_items_product_id":
            raise
        raise otherwise from error


def _was_just_added(line: CartItem, quantity: int, now: datetime) -> bool:
    return line.added == quantity and line.was_added_within(DOUBLE_CLICK, now)


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

    Raises QuantityOutOfRange, CartFull, UnknownProducts, CartTooDear or SignInNeeded; then nothing has changed.
    """
    if not all(1 <= quantity <= MOST_AT_ONCE for quantity in quantities.values()):
        raise QuantityOutOfRange(low=1, high=MOST_AT_ONCE)
    if len(quantities) > MOST_PRODUCTS:
        raise CartFull(products=MOST_PRODUCTS)
    with _products_that_stay(UnknownProducts), transaction() as session:
        cart = open_cart(session, owner, now)
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
        items = session.scalars(items_of(cart.id)).all()
        for item, line in zip(items, lines_of(session, cart.id, items), strict=True):
            if product_id not in (None, item.product_id):
                continue
            if line.is_gone:
                session.delete(item)
            else:
                item.quantity = min(item.quantity, line.available)
                item.price_seen = line.price


def take_out(session: Session, cart_id: int, bought: dict[int, int]) -> None:
    """Take out of a locked cart what has been bought; what was added since stays."""
    for item in session.scalars(select(CartItem).where(CartItem.cart_id == cart_id, CartItem.product_id.in_(bought))):
        item.quantity -= bought[item.product_id]
        if item.quantity <= 0:
            session.expunge(item)
            session.execute(delete(CartItem).where(CartItem.id == item.id))


def lock_cart(session: Session, owner: CartOwner) -> Cart | None:
    """Lock an owner's cart: the first lock of whatever depends on it (cart, then order, then product)."""
    return _locked(session, cart_of(owner))


def lock_by_id(session: Session, cart_id: int) -> Cart | None:
    """Lock a cart that an order came from; it may be gone."""
    return _locked(session, select(Cart).where(Cart.id == cart_id))


def _locked(session: Session, wanted: Select[Cart]) -> Cart | None:
    cart = session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if cart is not None:
        cart_counts.touch(session, cart.key)
    return cart


def open_cart(session: Session, owner: CartOwner, now: datetime) -> Cart:
    """Make the cart when it is missing, then lock it; two tabs that come at once get the same one.

    While we wait for the lock, a guest's cart may go into an account's: then this is the first part of another one.
    Raises SignInNeeded when the owner's account was closed meanwhile.
    """
    for _ in range(2):
        _make_if_missing(session, owner, now)
        if cart := lock_cart(session, owner):
            cart.expires_at = now + KEPT
            return cart
    raise NotFound


def _make_if_missing(session: Session, owner: CartOwner, now: datetime) -> None:
    try:
        session.execute(insert(Cart).values(**owner.columns, expires_at=now + KEPT).on_conflict_do_nothing())
    except IntegrityError as error:
        if violated(error) == "fk_carts_user_id":
            raise SignInNeeded from error
        raise


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
        available += held_by(session, cart.id).get(product.id, 0)
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
        raise CartTooDear(most=Money(MAXIMUM))

"""Many products changed at once: all or none, locked in the order of their ids, each with its line in the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from mountify import db
from mountify.core.errors import N_, NotFound
from mountify.core.errors.catalogue import AlreadyUndone, BadPrice, PricesOutOfReach
from mountify.core.money import Money, rounded
from mountify.models.catalogue import PriceChange, PriceChangeLine, Product
from mountify.services import product_changes
from mountify.services.audit_log import Actor
from mountify.transaction import retried_once, transaction

MOST_AT_ONCE = 1000
_MOST_NAMED = 5

Reprice = Callable[[Money], Money]


@dataclass(frozen=True)
class Done:
    """The last change of many prices that can still be undone."""

    id: int
    count: int
    created_at: datetime


def by_percent(percent: Decimal, currency: str) -> Reprice:
    """Raise every price by so many percent of itself, rounded half up; less than nothing lowers it."""
    return lambda price: rounded(price.amount * (100 + percent) / 100, currency)


def by_amount(amount: Decimal, currency: str) -> Reprice:
    """Raise every price by an amount; less than nothing lowers it."""
    return lambda price: rounded(price.amount + amount, currency)


@retried_once
def change_prices(
    by: Actor, ids: Collection[int], reprice: Reprice, *, key: str | None = None, currency: str, now: datetime
) -> int | None:
    """Change prices together, and give the id by which undo() puts them back; None when all stay what they are.

    With a key that was used before nothing is changed once more, and the id is that change's. Raises NotFound or
    PricesOutOfReach; then none is changed.
    """
    with transaction() as session:
        products = _lock(session, ids)
        known = None if key is None else session.scalar(select(PriceChange.id).where(PriceChange.key == key))
        if known is not None:
            return known
        prices = {product.id: reprice(product.price) for product in products}
        _check(products, prices, currency)
        lines = [
            PriceChangeLine(product_id=product.id, old=product.price, new=prices[product.id])
            for product in products
            if product.price != prices[product.id]
        ]
        for product in products:
            product_changes.change_in(session, by, product, {"price": prices[product.id]}, currency=currency, now=now)
        if not lines:
            return None
        change = PriceChange(key=key, created_at=now, lines=lines)
        session.add(change)
        session.flush()
        return change.id


@retried_once
def undo(by: Actor, change_id: int, *, currency: str, now: datetime) -> tuple[int, Sequence[str]]:
    """Put back the prices that are still as a change left them; say how many, and name those that are not.

    Raises NotFound, or AlreadyUndone.
    """
    with transaction() as session:
        change = session.get(
            PriceChange, change_id, with_for_update=True, populate_existing=True,
            options=[selectinload(PriceChange.lines)],
        )  # fmt: skip
        if change is None:
            raise NotFound(N_("There is no such change of prices."))
        if change.undone_at is not None:
            raise AlreadyUndone
        lines, left, count = {line.product_id: line for line in change.lines}, [], 0
        for product in _lock(session, lines, may_be_gone=True):
            line = lines[product.id]
            if product.price == line.new:
                product_changes.change_in(session, by, product, {"price": line.old}, currency=currency, now=now)
                count += 1
            else:
                left.append(product.name)
        change.undone_at = now
        return count, left


@retried_once
def change_all(by: Actor, ids: Collection[int], values: Mapping[str, object], *, currency: str, now: datetime) -> int:
    """Give many products the same category or status, and say how many there are. Raises NotFound, UnknownCategory."""
    with transaction() as session:
        product_changes.hold_category(session, values.get("category_id"))
        products = _lock(session, ids)
        for product in products:
            product_changes.change_in(session, by, product, values, currency=currency, now=now)
        return len(products)


def find_last() -> Done | None:
    """Find the last change of many prices, unless it is undone."""
    last = db.session.scalars(select(PriceChange).order_by(PriceChange.id.desc()).limit(1)).one_or_none()
    if last is None or last.undone_at is not None:
        return None
    lines = select(func.count()).where(PriceChangeLine.change_id == last.id)
    return Done(last.id, db.session.scalar(lines) or 0, last.created_at)


def _lock(session: Session, ids: Collection[int], *, may_be_gone: bool = False) -> Sequence[Product]:
    """Lock products in the order of their ids, not against who sells them. Raises NotFound when one is not there."""
    question = select(Product).where(Product.id.in_(ids)).order_by(Product.id)
    products = session.scalars(question.with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    if len(products) < len(set(ids)) and not may_be_gone:
        raise NotFound(N_("One of these products is not there any more. Nothing is changed."))
    return products


def _check(products: Sequence[Product], prices: Mapping[int, Money], currency: str) -> None:
    wrong = []
    for product in products:
        try:
            product_changes.check_price(prices[product.id], currency)
        except BadPrice:
            wrong.append(f"{product.name} ({prices[product.id]})")
    if wrong:
        more = [f"+ {len(wrong) - _MOST_NAMED}"] if len(wrong) > _MOST_NAMED else []
        raise PricesOutOfReach(names=", ".join(wrong[:_MOST_NAMED] + more))

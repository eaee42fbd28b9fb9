"""Stock: what is on hand, what is held for somebody, and the ledger of every change.

Each function is a step of a transaction that its caller opened. Lines are product id → quantity and are always worked
in id order, one guarded UPDATE each, so that two orders of the same parts can never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mountify.core.errors import N_, NotFound
from mountify.core.errors.carts import CartChanged, NotEnoughStock
from mountify.models.catalogue import Inventory, Product, StockMovement
from mountify.models.order import Order, OrderItem

Lines = Mapping[int, int]
SOLD, RETURNED = "sale", "return"  # reasons in the ledger


def reserve(session: Session, lines: Lines) -> None:
    """Hold stock for an order.

    Raises NotEnoughStock about the first line that cannot be had, or CartChanged when its product is gone altogether.
    """
    for product_id, quantity in sorted(lines.items()):
        held = session.execute(
            update(Inventory)
            .where(Inventory.sku_id == product_id, Inventory.on_hand - Inventory.reserved >= quantity)
            .values(reserved=Inventory.reserved + quantity)
            .returning(Inventory.sku_id)
            .execution_options(synchronize_session=False)
        ).first()
        if held is None:
            raise _not_enough(session, product_id)


def release(session: Session, lines: Lines) -> None:
    """Give held stock back."""
    for product_id, quantity in sorted(lines.items()):
        session.execute(
            update(Inventory)
            .where(Inventory.sku_id == product_id)
            .values(reserved=Inventory.reserved - quantity)
            .execution_options(synchronize_session=False)
        )


def sell(session: Session, order_id: int, lines: Lines, *, held: bool, now: datetime) -> None:
    """Take sold parts off the shelf and write the ledger.

    `held` says whether the order holds the stock already; when it does not, raises NotEnoughStock like reserve().
    """
    if not held:
        reserve(session, lines)
    for product_id, quantity in sorted(lines.items()):
        session.execute(
            update(Inventory)
            .where(Inventory.sku_id == product_id)
            .values(on_hand=Inventory.on_hand - quantity, reserved=Inventory.reserved - quantity)
            .execution_options(synchronize_session=False)
        )
        session.add(
            StockMovement(product_id=product_id, delta=-quantity, reason=SOLD, order_id=order_id, created_at=now)
        )


def receive(
    session: Session,
    product_id: int,
    quantity: int,
    *,
    reason: str,
    now: datetime,
    note: str = "",
    order_id: int | None = None,
    actor_id: int | None = None,
) -> None:
    """Put parts on the shelf."""
    session.execute(
        update(Inventory)
        .where(Inventory.sku_id == product_id)
        .values(on_hand=Inventory.on_hand + quantity)
        .execution_options(synchronize_session=False)
    )
    session.add(
        StockMovement(
            product_id=product_id,
            delta=quantity,
            reason=reason,
            note=note,
            order_id=order_id,
            actor_id=actor_id,
            created_at=now,
        )
    )


def take_back(session: Session, order_id: int, lines: Lines, *, now: datetime) -> None:
    """Put sold parts of an order on the shelf again."""
    for product_id, quantity in sorted(lines.items()):
        receive(session, product_id, quantity, reason=RETURNED, order_id=order_id, now=now)


def list_returnable(session: Session, order: Order) -> dict[int, int]:
    """Say how many of each part of an order are sold and have not come back."""
    delta = select(StockMovement.product_id, -func.sum(StockMovement.delta)).where(StockMovement.order_id == order.id)
    rows = session.execute(delta.where(StockMovement.reason.in_((SOLD, RETURNED))).group_by(StockMovement.product_id))
    return {product_id: int(out) for product_id, out in rows if out > 0}


def recount(session: Session, product_id: int) -> int:
    """Set what is reserved of a product to what its orders hold, and say how many that is. Raises NotFound."""
    stock = session.get(Inventory, product_id, with_for_update=True, populate_existing=True)
    if stock is None:
        raise NotFound(N_("There is no product %(id)s."), id=product_id)
    held = session.scalar(
        select(func.coalesce(func.sum(OrderItem.quantity), 0))
        .join(Order, Order.id == OrderItem.order_id)
        .where(OrderItem.product_id == product_id, Order.inventory_reserved)
    )
    stock.reserved = int(held or 0)
    return stock.reserved


def _not_enough(session: Session, product_id: int) -> NotEnoughStock | CartChanged:
    product = session.get(Product, product_id)
    stock = session.get(Inventory, product_id, populate_existing=True)
    if product is None or stock is None:
        return CartChanged()  # it was deleted in this moment
    return NotEnoughStock(product_id=product_id, name=product.name, available=stock.available)

"""Products that many change at once, while they are sold."""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal

import pytest
import sqlalchemy as sa

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.embedded.processes import wait_until
from mountify.models.audit_log import AuditEntry
from mountify.models.catalogue import Inventory, Product, ProductStatus
from mountify.models.order import OrderItem
from mountify.services import carts, categories, product_bulk, product_changes, product_table
from mountify.services.audit_log import Actor
from tests.buyers import Buyer
from tests.desk import somebody
from tests.factories import make_category, make_product, make_shop
from tests.fakes import FakePayments
from tests.races.crowd import PATIENCE_S, Observer, at_once

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]
ONE_MORE = product_bulk.by_amount(Decimal(1), "USD")


@pytest.fixture
def ada(database: None) -> Actor:
    make_shop()
    return somebody()


def kinds(results: list[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def price_of(product_id: int) -> str:
    db.release()
    return str(product_table.get_row(product_id).price)


def test_of_ten_who_change_one_row_from_the_same_sight_one_does(ada: Actor) -> None:
    product = make_product(price="10.00").id
    seen = product_table.get_row(product).seen
    db.release()

    def save(number: int) -> None:
        price = Money.of(f"{20 + number}.00")
        product_table.save(ada, product, {"price": price}, seen=seen, currency="USD", now=utcnow())

    results = at_once([lambda number=number: save(number) for number in range(10)])  # type: ignore[misc]
    assert kinds(results) == {"NoneType": 1, "ChangedMeanwhile": 9}
    assert price_of(product) == f"{20 + results.index(None)}.00"


def test_of_ten_who_undo_one_change_one_does(ada: Actor) -> None:
    product = make_product(price="10.00").id
    change = product_bulk.change_prices(ada, [product], ONE_MORE, currency="USD", now=utcnow())
    assert change
    db.release()
    undo = lambda: product_bulk.undo(ada, change, currency="USD", now=utcnow())  # noqa: E731
    assert kinds(at_once([undo] * 10)) == {"tuple": 1, "AlreadyUndone": 9}
    assert price_of(product) == "10.00"


def test_changes_of_many_in_whatever_order_add_up_and_wait_for_each_other_in_no_circle(ada: Actor) -> None:
    ids = [make_product(f"Hook {number}", price="10.00").id for number in range(20)]
    db.release()

    def change(chosen: list[int]) -> object:
        return product_bulk.change_prices(ada, chosen, ONE_MORE, currency="USD", now=utcnow())

    results = at_once([lambda chosen=chosen: change(chosen) for chosen in (ids, ids[::-1]) * 4])  # type: ignore[misc]
    assert kinds(results) == {"int": 8}
    assert {price_of(product) for product in ids} == {"18.00"}
    assert (
        db.session.scalar(sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.thing == "products"))
        == 8 * 20
    )


def test_a_change_of_many_a_sale_and_a_row_in_place_leave_each_others_work(ada: Actor, payments: FakePayments) -> None:
    ids = [make_product(f"Hook {number}", price="10.00", stock=5).id for number in range(5)]
    buyer = Buyer(payments)
    for product in reversed(ids):
        carts.add_item(buyer.owner, product, 1, now=utcnow())
    seen = product_table.get_row(ids[2]).seen
    db.release()
    jobs = [
        lambda: product_bulk.change_prices(ada, ids, ONE_MORE, currency="USD", now=utcnow()),
        lambda: product_table.save(ada, ids[2], {"name": "Bar"}, seen=seen, currency="USD", now=utcnow()),
        buyer.start,
        lambda: product_bulk.change_all(ada, ids, {"status": ProductStatus.PUBLISHED}, currency="USD", now=utcnow()),
    ]
    changed, saved, started, published = at_once(jobs)
    assert isinstance(changed, int) and published == 5
    assert saved is None or kinds([saved]) == {"ChangedMeanwhile": 1}
    assert not isinstance(started, Exception) or kinds([started]) == {"CartChanged": 1}, started
    assert {price_of(product) for product in ids} == {"11.00"}
    row = product_table.get_row(ids[2])
    assert row.name == ("Bar" if saved is None else "Hook 2")
    held = sum(db.session.scalars(sa.select(Inventory.reserved)))
    assert held == sum(db.session.scalars(sa.select(OrderItem.quantity)))


def test_a_sale_does_not_wait_for_prices_that_change(
    ada: Actor, payments: FakePayments, engine: sa.Engine, observer: Observer
) -> None:
    product = make_product(price="10.00", stock=5).id
    other = make_product(price="10.00").id
    buyer = Buyer(payments)
    carts.add_item(buyer.owner, product, 1, now=utcnow())
    db.release()
    with engine.connect() as blocker:
        blocker.execute(sa.text("SELECT id FROM products WHERE id = :id FOR UPDATE"), {"id": other})
        change = threading.Thread(
            target=lambda: at_once(
                [lambda: product_bulk.change_prices(ada, [product, other], ONE_MORE, currency="USD", now=utcnow())]
            )
        )
        change.start()
        assert wait_until(lambda: observer.waiting() == 1, PATIENCE_S)
        assert buyer.start()
        blocker.rollback()
        change.join(PATIENCE_S)
    assert price_of(product) == "11.00"


def test_a_category_that_goes_while_many_come_into_it_makes_no_circle(ada: Actor) -> None:
    wall = make_category("Wall")
    ids = [make_product(f"Hook {number}", category_id=wall).id for number in range(10)]
    others = [make_product(f"Bar {number}").id for number in range(10)]
    db.release()
    gone, came = at_once(
        [
            lambda: categories.delete(ada, wall, now=utcnow()),
            lambda: product_bulk.change_all(ada, ids + others, {"category_id": wall}, currency="USD", now=utcnow()),
        ]
    )
    assert isinstance(gone, int) and (came == 20 or kinds([came]) == {"UnknownCategory": 1})
    assert set(db.session.scalars(sa.select(Product.category_id))) == {None}


def test_of_ten_copies_each_has_an_address_of_its_own(ada: Actor) -> None:
    product = make_product("Hook").id
    db.release()
    results = at_once([lambda: product_changes.duplicate(ada, product, currency="USD", now=utcnow())] * 4)
    assert kinds(results) <= Counter({"int": 4, "SlugTaken": 3})
    db.release()
    slugs = db.session.scalars(sa.select(Product.slug)).all()
    assert len(slugs) == len(set(slugs)) == 1 + kinds(results)["int"]

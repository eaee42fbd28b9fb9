"""Cart, then order, then product: whoever settles locks in this order, whatever has become of the cart meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from mountify import db
from mountify.core.clock import utcnow
from mountify.embedded.processes import wait_until
from mountify.models.account import Role, User
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.models.payment import PaymentAttempt
from mountify.services import cart_merge, carts
from mountify.services.cart_view import CartOwner, get_view
from mountify.transaction import transaction
from tests.buyers import Buyer, fill_carts
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.races.crowd import PATIENCE_S, Observer, outcome_of
from tests.races.pausing import pause_at

pytestmark = pytest.mark.commits


@pytest.fixture
def buyer(buyer: Buyer, payments: FakePayments) -> Buyer:
    """A guest who has paid two parts."""
    payments.pay(buyer.session_of(buyer.start()))
    db.release()
    return buyer


@pytest.fixture
def blocker(engine: sa.Engine, buyer: Buyer) -> Iterator[sa.Connection]:
    """Somebody who has locked the guest's cart."""
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT id FROM carts FOR UPDATE"))
        yield connection
        connection.rollback()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def settle(pool: ThreadPoolExecutor, buyer: Buyer) -> Future[object]:
    (session_id,) = buyer.payments.sessions
    return pool.submit(outcome_of, lambda: buyer.sync(session_id))


def test_a_session_found_by_its_order_is_stored_after_the_cart_is_locked(
    buyer: Buyer, blocker: sa.Connection, observer: Observer, pool: ThreadPoolExecutor
) -> None:
    """A crash left the session unstored: finding it must not lock the order before the cart."""
    with transaction() as session:
        session.execute(sa.update(PaymentAttempt).values(session_id=None, url=None, state="created"))
        session.execute(sa.update(Order).values(stripe_session_id=None))
    settled = settle(pool, buyer)
    assert wait_until(lambda: observer.waiting() == 1, PATIENCE_S)
    blocker.execute(sa.text("SELECT id FROM orders FOR UPDATE NOWAIT"))
    blocker.execute(sa.text("SELECT id FROM payment_attempts FOR UPDATE NOWAIT"))
    blocker.rollback()
    assert isinstance(settled.result(PATIENCE_S), int), settled.result()
    assert db.session.scalars(sa.select(Order.status)).one() == "paid"


def test_a_cart_that_was_taken_along_at_sign_in_is_locked_under_its_new_owner(
    buyer: Buyer, product: Product, blocker: sa.Connection, observer: Observer, pool: ThreadPoolExecutor
) -> None:
    with transaction() as session:
        alice = User(email="alice@example.com", role=Role.CUSTOMER, name="Alice")
        session.add(alice)
        session.flush()
        account = CartOwner(user_id=alice.id)
        fill_carts(session, {account: [(product, 3)]})
    merged = pool.submit(
        outcome_of, lambda: cart_merge.merge(buyer.owner.token or "", account.user_id or 0, now=utcnow())
    )
    assert wait_until(lambda: observer.waiting() == 1, PATIENCE_S)
    with pause_at("settle.before_commit") as pause:
        settled = settle(pool, buyer)
        assert wait_until(lambda: observer.waiting() == 2, PATIENCE_S)
        blocker.rollback()
        assert pause.is_reached.wait(PATIENCE_S), settled.result(PATIENCE_S)
        with pytest.raises(OperationalError, match="could not obtain lock"):
            blocker.execute(sa.text("SELECT id FROM carts FOR KEY SHARE NOWAIT"))
        blocker.rollback()
    assert isinstance(settled.result(PATIENCE_S), int), settled.result()
    assert isinstance(merged.result(PATIENCE_S), cart_merge.Merged), merged.result()
    assert [line.quantity for line in get_view(account).lines] == [3]


@pytest.mark.parametrize("step", ["reserve", "release", "sell"])
def test_parts_are_locked_in_the_order_of_their_ids_however_they_lie_in_the_cart(
    database: None, payments: FakePayments, engine: sa.Engine, observer: Observer, pool: ThreadPoolExecutor, step: str
) -> None:
    """While the first of them is waited for, the second is free; else two orders may wait for each other."""
    make_shop()
    low, high = make_product(stock=5).id, make_product(stock=5).id
    assert low < high
    buyer = Buyer(payments)
    for part in (high, low):
        carts.add_item(buyer.owner, part, 1, now=utcnow())
    work = _ready_to(step, buyer)
    with engine.connect() as other:
        other.execute(_LOCK_PART, {"part": low})
        done = pool.submit(outcome_of, work)
        assert wait_until(lambda: observer.waiting() == 1, PATIENCE_S)
        other.execute(_LOCK_PART, {"part": high})
        other.rollback()
    assert not isinstance(done.result(PATIENCE_S), Exception), done.result()


_LOCK_PART = sa.text("SELECT on_hand FROM inventory WHERE sku_id = :part FOR UPDATE NOWAIT")


def _ready_to(step: str, buyer: Buyer) -> Callable[[], object]:
    """Do what comes before a step; gives what ends in it."""
    if step == "reserve":
        db.release()
        return buyer.start
    started = buyer.start()
    session_id = buyer.session_of(started)
    if step == "sell":
        buyer.payments.pay(session_id)
    else:
        buyer.payments.expire_session(session_id)
    db.release()
    return lambda: buyer.sync(session_id)

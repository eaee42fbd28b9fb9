"""Cart, then order, then product: whoever settles locks in this order, whatever has become of the cart meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
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
from mountify.services import cart_merge
from mountify.services.cart_view import CartOwner, get_view
from mountify.transaction import transaction
from tests.buyers import Buyer, fill_carts
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

"""The number in the badge: counted once, and again after each change of the cart, whoever made it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask import Flask
from redis import Redis

from mountify import cart_counts, db, store
from mountify.core.clock import utcnow
from mountify.core.site import Site
from mountify.core.tokens import new_token
from mountify.services import cart_merge, carts, checkout, settlement
from mountify.services.cart_view import CartOwner
from mountify.store import Store
from mountify.transaction import transaction
from tests.cast import make_account
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakePayments
from tests.queries import queries

SITE = Site("http://127.0.0.1:3999", "a-secret-of-this-file")


@pytest.fixture
def guest(database: None, redis: Redis, redis_url: str) -> CartOwner:
    store.share(Store(redis_url))
    make_shop()
    return CartOwner(token=new_token())


def add(owner: CartOwner, quantity: int = 1) -> int:
    product = make_product(stock=9)
    carts.add_item(owner, product.id, quantity, now=utcnow())
    return product.id


def test_what_was_counted_before_asks_the_database_nothing(guest: CartOwner) -> None:
    add(guest, 3)
    assert carts.count(guest) == 3
    assert queries(lambda: carts.count(guest)) == []
    assert carts.count(guest) == 3


def test_every_change_counts_anew(guest: CartOwner) -> None:
    product_id = add(guest, 2)
    other_id = add(guest)
    changes: list[tuple[Callable[[], object], int]] = [
        (lambda: carts.add_item(guest, product_id, 4, now=utcnow()), 7),
        (lambda: carts.set_quantity(guest, product_id, 5, now=utcnow()), 6),
        (lambda: carts.remove_item(guest, other_id), 5),
        (lambda: carts.replace(guest, {other_id: 2}, now=utcnow()), 2),
        (lambda: carts.clear(guest), 0),
    ]
    for change, expected in changes:
        carts.count(guest)
        change()
        assert carts.count(guest) == expected


def test_a_merge_counts_both_carts_anew(guest: CartOwner) -> None:
    user_id = make_account("alice")
    account = CartOwner(user_id=user_id)
    add(guest, 2)
    add(account, 1)
    assert (carts.count(guest), carts.count(account)) == (2, 1)
    cart_merge.merge(guest.token or "", user_id, now=utcnow())
    assert (carts.count(guest), carts.count(account)) == (0, 3)


def test_a_payment_empties_the_badge(guest: CartOwner) -> None:
    add(guest, 2)
    payments = FakePayments()
    started = checkout.start(guest, "sam@example.com", new_key(), payments=payments, site=SITE, now=utcnow())
    assert carts.count(guest) == 2
    (session_id,) = payments.sessions
    payments.pay(session_id)
    assert settlement.sync_session(session_id, payments=payments, site=SITE, now=utcnow()) == started.order_id
    assert carts.count(guest) == 0


def test_what_was_rolled_back_changes_nothing(guest: CartOwner, redis: Redis) -> None:
    add(guest, 2)
    carts.count(guest)
    kept = {key: redis.get(key) for key in redis.keys("cart-*")}
    with pytest.raises(RuntimeError, match="on purpose"), transaction() as session:
        carts.lock_cart(session, guest)
        raise RuntimeError("on purpose")
    assert kept and {key: redis.get(key) for key in redis.keys("cart-*")} == kept


def test_a_savepoint_that_is_rolled_back_forgets_nothing_else(guest: CartOwner, redis: Redis) -> None:
    add(guest, 2)
    version = redis.mget(redis.keys("cart-version:*"))
    with transaction() as session:
        carts.lock_cart(session, guest)
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            raise ZeroDivisionError
    assert redis.mget(redis.keys("cart-version:*")) != version


def test_a_number_counted_before_a_change_is_not_kept_after_it(guest: CartOwner) -> None:
    """A slow reader counts, somebody adds, the reader keeps what it counted."""
    product_id = add(guest, 1)

    def count_slowly() -> int:
        carts.add_item(guest, product_id, 1, now=utcnow())
        return 1

    assert cart_counts.read(guest.cart_key, count_slowly) == 1
    assert carts.count(guest) == 2


def test_while_a_change_is_being_committed_the_number_is_counted(guest: CartOwner, redis: Redis) -> None:
    add(guest, 2)
    carts.count(guest)
    (version,) = redis.keys("cart-version:*")
    redis.set(version, time.time_ns() + 10**10)
    assert cart_counts.read(guest.cart_key, lambda: 7) == 7
    assert cart_counts.read(guest.cart_key, lambda: 8) == 8


def test_without_redis_the_database_is_asked(guest: CartOwner) -> None:
    add(guest, 2)
    store.share(Store("redis://127.0.0.1:1/0"))
    db.release()
    assert carts.count(guest) == 2
    carts.clear(guest)
    assert carts.count(guest) == 0


def test_the_token_is_not_in_redis(guest: CartOwner, redis: Redis) -> None:
    add(guest)
    carts.count(guest)
    assert redis.keys("cart-count:*") and not [key for key in redis.scan_iter() if (guest.token or "") in key]


def test_a_page_of_a_shopper_with_a_cart_does_not_count_it_twice(guest: CartOwner, app: Flask) -> None:
    add(guest, 2)
    client = app.test_client()
    client.set_cookie("cart", guest.token or "", domain="127.0.0.1")
    first = queries(lambda: client.get("/terms", base_url="http://127.0.0.1:3999"))
    again = queries(lambda: client.get("/terms", base_url="http://127.0.0.1:3999"))
    assert sum("cart_items" in query for query in first) == 1
    assert not any("cart_items" in query for query in again)

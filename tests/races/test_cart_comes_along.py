"""A guest signs in while somebody holds their cart: the sign-in works, and the cart comes along when it can."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.tokens import new_token
from mountify.embedded.processes import wait_until
from mountify.models.cart import Cart
from mountify.models.catalogue import Product
from mountify.services import inventory
from mountify.services.cart_view import CartOwner
from mountify.services.carts import add_item
from mountify.transaction import transaction
from tests.cast import PASSWORD, email_of, is_signed_in, make_account
from tests.factories import make_product, make_shop
from tests.queries import queries
from tests.races.crowd import PATIENCE_S, Observer
from tests.web import Browser, words

pytestmark = pytest.mark.commits
FORM = {"email": email_of("alice"), "password": PASSWORD, "next": "/cart"}


@pytest.fixture
def alice(app: Flask) -> int:
    """The account, with a stand in its cart."""
    make_shop()
    user_id = make_account("alice")
    add_item(CartOwner(user_id=user_id), make_product("Stand", stock=9).id, 1, now=utcnow())
    return user_id


@pytest.fixture
def guest(alice: int, browser: Browser) -> Browser:
    """A guest with two hooks."""
    browser.post("/cart/items", {"product_id": make_product("Hook", stock=9).id, "quantity": 2})
    browser.get("/auth/signin")
    db.release()
    return browser


def in_cart(browser: Browser) -> dict[str, int]:
    return {line["name"]: line["quantity"] for line in browser.get("/api/cart").json["cart"]}


@contextmanager
def carts_held(engine: sa.Engine) -> Iterator[None]:
    """Somebody else holds every cart, for longer than anybody waits here: each connection is told so as it is taken."""

    def hurry(dbapi_connection: Any, _record: object, _proxy: object) -> None:
        dbapi_connection.execute("SET lock_timeout = '20ms'")
        dbapi_connection.commit()

    with engine.connect() as other, other.begin():
        other.execute(sa.select(Cart.id).with_for_update())
        sa.event.listen(engine, "checkout", hurry)
        try:
            yield
        finally:
            sa.event.remove(engine, "checkout", hurry)
            db.release()
    engine.dispose()  # nobody after this is in a hurry


def test_a_cart_that_cannot_be_had_comes_along_with_the_next_page(guest: Browser, engine: sa.Engine) -> None:
    with carts_held(engine):
        assert guest.post("/auth/signin", FORM).status_code == 303
        assert is_signed_in(guest) and guest.cookies() == {"mountify", "cart"}
        assert in_cart(guest) == {"Stand": 1}
    assert in_cart(guest) == {"Stand": 1, "Hook": 2}
    assert guest.cookies() == {"mountify"}
    assert queries(lambda: guest.get("/api/auth/csrf")) == []
    assert in_cart(guest) == {"Stand": 1, "Hook": 2}


def test_what_has_become_of_it_is_told_then(guest: Browser, engine: sa.Engine) -> None:
    with carts_held(engine):
        guest.post("/auth/signin", FORM)
    with transaction() as session:
        hook = session.scalars(sa.select(Product.id).where(Product.name == "Hook")).one()
        inventory.receive(session, hook, -8, reason="correction", now=utcnow())
    assert "Only 1 of Hook can be had" in words(guest.get("/cart"))


def test_a_cookie_that_leads_to_no_cart_is_taken_away(guest: Browser) -> None:
    assert guest.post("/auth/signin", FORM).status_code == 303
    guest.client.set_cookie("cart", new_token(), domain="127.0.0.1")
    assert guest.get("/settings").status_code == 200 and guest.cookies() == {"mountify"}


def test_a_collision_is_tried_once_more(guest: Browser, alice: int, engine: sa.Engine, observer: Observer) -> None:
    """Somebody locks both carts the other way round, and PostgreSQL gives way to them."""
    carts = sa.select(Cart.id).with_for_update()
    with ThreadPoolExecutor(1) as pool:
        with engine.connect() as other, other.begin():
            other.execute(sa.text("SET LOCAL deadlock_timeout = '60s'"))
            other.execute(carts.where(Cart.user_id == alice))
            signing_in = pool.submit(guest.post, "/auth/signin", FORM)
            assert wait_until(lambda: observer.waiting() == 1, PATIENCE_S)
            other.execute(carts.where(Cart.user_id.is_(None)))
        assert signing_in.result(PATIENCE_S).status_code == 303
    assert guest.cookies() == {"mountify"} and in_cart(guest) == {"Stand": 1, "Hook": 2}

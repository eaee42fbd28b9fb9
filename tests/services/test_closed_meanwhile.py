"""An account is closed while its owner still does something elsewhere: it is refused in our words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, func, select

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound, ShopError
from mountify.core.errors.accounts import SignInNeeded
from mountify.core.google_account import GoogleAccount
from mountify.models.account import Address, Role, User
from mountify.models.order import Order
from mountify.services import accounts, addresses, carts, checkout, google_sign_in, sign_ins
from mountify.services.accounts import Identity
from mountify.services.addresses import Entry
from mountify.services.cart_view import CartOwner
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer
from tests.cast import email_of, make_account, sign_in, token_of
from tests.factories import make_product, make_shop, new_key
from tests.fakes import HOME, FakePayments
from tests.web import Browser

GOOGLE = GoogleAccount("https://accounts.google.com", "1", email_of("alice"), True, "Alice")
ENTRY = Entry(name="Alice", line1="1 First Street", city="Portland", postal_code="97205", country="US")


@pytest.fixture
def gone(database: None) -> int:
    """The id of an account that is closed."""
    make_shop()
    user_id = make_account("alice")
    close()
    return user_id


def close() -> None:
    db.session.execute(delete(User))
    db.session.commit()


def assert_refused(error: type[ShopError], act: Callable[[], object]) -> None:
    with pytest.raises(error):
        act()
    db.release()


def test_its_address_book_is_not_found(gone: int) -> None:
    assert_refused(NotFound, lambda: addresses.add(gone, ENTRY, now=utcnow()))
    assert_refused(NotFound, lambda: addresses.change(gone, 1, ENTRY, now=utcnow()))
    assert_refused(NotFound, lambda: addresses.make_default(gone, 1))
    assert_refused(NotFound, lambda: addresses.delete(gone, 1))


def test_where_its_last_order_goes_is_remembered_for_nobody(gone: int) -> None:
    with transaction() as session:
        addresses.remember(session, gone, HOME, now=utcnow())
    assert db.session.scalar(select(func.count()).select_from(Address)) == 0


def test_nothing_comes_into_its_cart(gone: int) -> None:
    product = make_product()
    assert_refused(SignInNeeded, lambda: carts.add_item(CartOwner(user_id=gone), product.id, 1, now=utcnow()))


def test_nothing_is_ordered_for_it(gone: int, payments: FakePayments) -> None:
    guest = Buyer(payments)
    guest.add(make_product())
    owner = CartOwner(token=guest.owner.token, buyer_id=gone)
    assert_refused(
        SignInNeeded,
        lambda: checkout.start(owner, "a@example.com", new_key(), payments=payments, site=SITE, now=utcnow()),
    )
    assert db.session.scalar(select(func.count()).select_from(Order)) == 0


def test_nobody_signs_in_to_it(database: None) -> None:
    make_shop()
    who = accounts.identity_of(accounts.get(make_account("alice")))
    close()
    assert_refused(SignInNeeded, lambda: sign_ins.begin(who, "a" * 64, user_agent="", address="", now=utcnow()))


def test_its_ways_to_sign_in_are_not_found(gone: int, config: Config) -> None:
    site = config.site
    assert_refused(
        NotFound,
        lambda: google_sign_in.connect(Identity(gone, "", "", Role.CUSTOMER, 1), GOOGLE, site=site, now=utcnow()),
    )
    assert_refused(NotFound, lambda: google_sign_in.disconnect(gone, 1, site=site, now=utcnow()))


def test_a_browser_that_has_not_heard_of_it_is_asked_to_sign_in(app: Flask, browser: Browser) -> None:
    make_shop()
    product = make_product()
    sign_in(browser, "alice")
    token = token_of(browser)
    close()
    data = {"product_id": product.id, "quantity": 1, "csrf_token": token}
    answer = browser.post("/cart/items", data)
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/auth/signin?next=")
    assert browser.htmx("POST", "/cart/items", data).headers["HX-Redirect"].startswith("/auth/signin?next=")

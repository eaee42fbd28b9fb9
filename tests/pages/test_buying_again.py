"""An order's parts, bought once more: what can be had comes into the cart, the rest is told."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.models.catalogue import Product, ProductStatus
from mountify.services import accounts, carts, inventory, orders, reorder
from mountify.services.cart_view import CartOwner
from mountify.services.checkout import Started
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.cast import email_of, sign_in
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.web import Browser, field, words


@pytest.fixture
def parts(database: None) -> tuple[Product, Product]:
    make_shop()
    return make_product("Stand", stock=9), make_product("Hook", price="3.00", stock=9)


@pytest.fixture
def alice(browser: Browser, parts: tuple[Product, Product]) -> Browser:
    sign_in(browser, "alice")
    return browser


@pytest.fixture
def bought(alice: Browser, parts: tuple[Product, Product], payments: FakePayments) -> Started:
    """Alice has bought three stands and two hooks."""
    buyer = Buyer(payments, user_id=accounts.find_by_email(email_of("alice")))
    buyer.add(parts[0], 3)
    buyer.add(parts[1], 2)
    return buyer.buy()


def buy_again(browser: Browser, order_id: int) -> str:
    """Press the button, and give what the cart says then."""
    token = field(browser.get(f"/orders/{order_id}"), "csrf_token")
    answer = browser.post(f"/orders/{order_id}/cart-items", {"csrf_token": token})
    assert answer.status_code == 303 and answer.headers["Location"] == "/cart", words(answer)
    return words(browser.get("/cart"))


def in_cart(browser: Browser) -> dict[str, int]:
    return {line["name"]: line["quantity"] for line in browser.get("/api/cart").json["cart"]}


def change(product: Product, **values: object) -> None:
    with transaction() as session:
        session.execute(update(Product).where(Product.id == product.id).values(**values))


def test_all_parts_come_into_the_cart_beside_what_is_there(
    alice: Browser, bought: Started, parts: tuple[Product, Product]
) -> None:
    token = field(alice.get("/cart"), "csrf_token")
    alice.post("/cart/items", {"product_id": parts[0].id, "quantity": 1, "csrf_token": token})
    said = buy_again(alice, bought.order_id)
    number = orders.get_for_user(bought.order_id, accounts.find_by_email(email_of("alice")) or 0).number
    assert f"Added 5 parts of order {number}." in said and "Only" not in said and "costs" not in said
    assert in_cart(alice) == {"Stand": 4, "Hook": 2}


def test_a_double_click_is_one_wish(alice: Browser, bought: Started) -> None:
    token = field(alice.get(f"/orders/{bought.order_id}"), "csrf_token")
    for _ in range(2):
        page_load = {"Sec-Fetch-Mode": "navigate"}
        answer = alice.post(f"/orders/{bought.order_id}/cart-items", {"csrf_token": token}, headers=page_load)
        assert answer.status_code == 303
    assert "Added 5 parts" in words(alice.get("/cart")) and in_cart(alice) == {"Stand": 3, "Hook": 2}


@pytest.mark.parametrize(("left", "added"), [(5, 3), (3, 2)], ids=["plenty", "too few"])
def test_another_number_of_a_part_is_another_wish(
    alice: Browser, bought: Started, parts: tuple[Product, Product], left: int, added: int
) -> None:
    """One stand is put into the cart; a moment later the order is bought again, by a double click."""
    with transaction() as session:
        inventory.receive(session, parts[0].id, left - 6, reason="correction", now=utcnow())
    owner, now = CartOwner(user_id=accounts.find_by_email(email_of("alice"))), utcnow()
    carts.add_item(owner, parts[0].id, 1, now=now, by_page_load=True)
    for _click in range(2):
        order = orders.get_for_user(bought.order_id, owner.user_id or 0)
        again = reorder.buy_again(owner, order, now=now, by_page_load=True)
        assert [part.added for part in again] == [added, 2]
        assert in_cart(alice) == {"Stand": 1 + added, "Hook": 2}


def test_htmx_is_sent_to_the_cart(alice: Browser, bought: Started) -> None:
    token = field(alice.get(f"/orders/{bought.order_id}"), "csrf_token")
    answer = alice.htmx("POST", f"/orders/{bought.order_id}/cart-items", {"csrf_token": token})
    assert answer.headers["HX-Redirect"] == "/cart" and in_cart(alice) == {"Stand": 3, "Hook": 2}


def test_a_part_that_is_short_is_capped_and_told(
    alice: Browser, bought: Started, payments: FakePayments, parts: tuple[Product, Product]
) -> None:
    other = Buyer(payments)
    other.add(parts[0], 4)
    other.buy()  # six were left
    said = buy_again(alice, bought.order_id)
    assert "Added 4 parts" in said and "Only 2 of Stand can be had: your cart has 2 now." in said
    assert in_cart(alice) == {"Stand": 2, "Hook": 2}
    again = buy_again(alice, bought.order_id)
    assert "Added 2 parts" in again and "Only 2 of Stand can be had: your cart has 2 now." in again
    assert in_cart(alice) == {"Stand": 2, "Hook": 4}


def test_what_is_sold_out_or_no_longer_made_is_told(
    alice: Browser, bought: Started, payments: FakePayments, parts: tuple[Product, Product]
) -> None:
    other = Buyer(payments)
    other.add(parts[0], 6)
    other.buy()
    change(parts[1], status=ProductStatus.ARCHIVED)
    said = buy_again(alice, bought.order_id)
    assert "Sold out: Stand." in said and "No longer made: Hook." in said and "Added" not in said
    assert in_cart(alice) == {}


def test_a_new_price_is_told(alice: Browser, bought: Started, parts: tuple[Product, Product]) -> None:
    change(parts[1], price=Money.of("3.50"))
    said = buy_again(alice, bought.order_id)
    assert "Hook costs $3.50 now; you paid $3.00." in said and "Stand costs" not in said
    assert "when you added it" not in said


def test_a_full_cart_takes_more_of_what_it_has_and_nothing_new(
    alice: Browser, bought: Started, parts: tuple[Product, Product]
) -> None:
    alice_id = accounts.find_by_email(email_of("alice")) or 0
    others = {make_product(f"Part {number}").id: 1 for number in range(99)}
    carts.replace(CartOwner(user_id=alice_id), {**others, parts[0].id: 1}, now=utcnow())
    said = buy_again(alice, bought.order_id)
    assert "There was no room in your cart for: Hook." in said
    assert in_cart(alice)["Stand"] == 4 and len(in_cart(alice)) == 100


def test_a_total_that_no_cart_can_have_changes_nothing(
    alice: Browser, bought: Started, parts: tuple[Product, Product]
) -> None:
    change(parts[0], price=Money.of("900000.00"))
    token = field(alice.get(f"/orders/{bought.order_id}"), "csrf_token")
    answer = alice.post(f"/orders/{bought.order_id}/cart-items", {"csrf_token": token})
    assert answer.status_code == 303 and "cannot total more than" in words(alice.get(answer.headers["Location"]))
    assert in_cart(alice) == {}


def test_a_guest_buys_again_by_the_signed_link(
    app: Flask, parts: tuple[Product, Product], payments: FakePayments
) -> None:
    buyer, browser = Buyer(payments), Browser(app)
    buyer.add(parts[0], 2)
    order_id = buyer.buy().order_id
    page = f"/orders/{order_id}"
    key = orders.link_key(app.config["SECRET_KEY"], order_id)
    assert browser.post(f"{page}/cart-items").status_code == 404
    assert browser.post(f"{page}/cart-items?key={'0' * 64}").status_code == 404
    assert f'action="{page}/cart-items?key={key}"' in browser.get(f"{page}?key={key}").text
    answer = browser.post(f"{page}/cart-items?key={key}")
    assert answer.status_code == 303 and in_cart(browser) == {"Stand": 2}


def test_another_accounts_order_is_not_found(app: Flask, bought: Started) -> None:
    mallory = Browser(app)
    sign_in(mallory, "mallory")
    token = field(mallory.get("/orders"), "csrf_token")
    for order_id in (bought.order_id, 2**63 - 1):
        assert mallory.post(f"/orders/{order_id}/cart-items", {"csrf_token": token}).status_code == 404
    assert in_cart(mallory) == {}


def test_an_order_that_waits_for_its_payment_is_not_bought_again(
    alice: Browser, parts: tuple[Product, Product], payments: FakePayments
) -> None:
    buyer = Buyer(payments, user_id=accounts.find_by_email(email_of("alice")))
    buyer.add(parts[0])
    assert "Buy again" not in words(alice.get(f"/orders/{buyer.start().order_id}"))

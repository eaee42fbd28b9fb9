"""The cart, as a page and as fragments."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.models.catalogue import Inventory, Product, ProductStatus
from mountify.services import carts, inventory
from mountify.services.cart_view import CartOwner
from mountify.transaction import transaction
from tests.cast import make_account, sign_in
from tests.factories import make_product, make_shop
from tests.web import Browser, field, words


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def change(model: type[Product] | type[Inventory], **values: object) -> None:
    db.session.execute(update(model).values(**values))
    db.session.commit()
    db.release()


def test_the_most_a_cart_can_total_is_said_as_money(browser: Browser) -> None:
    product = make_product(price="99999.99", stock=20)
    browser.get("/cart")
    answer = browser.post("/cart/items", {"product_id": product.id, "quantity": 20})
    assert answer.status_code == 303
    assert "A cart cannot total more than $999,999.99." in words(browser.get("/cart"))


def test_a_double_click_without_script_adds_once(browser: Browser) -> None:
    product = make_product()
    for _ in range(2):
        browser.post("/cart/items", {"product_id": product.id, "quantity": 2}, headers={"Sec-Fetch-Mode": "navigate"})
    page = browser.get("/cart")
    assert field(page, "quantity") == "2"
    assert f"Added 2 × {product.name}." in words(page)


@pytest.mark.parametrize("quantity", ["", "-1", "1001"])
def test_a_line_takes_from_none_to_a_thousand_and_says_so(browser: Browser, quantity: str) -> None:
    product = make_product()
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    answer = browser.post(f"/cart/items/{product.id}", {"quantity": quantity})
    assert answer.status_code == 422 and "Quantity must be a whole number between 0 and 1000." in words(answer)


def test_adding_tells_what_and_shows_the_badge(browser: Browser) -> None:
    product = make_product()
    browser.get("/products")
    answer = browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/products")
    page = browser.get("/products")
    assert "Added 2 × Ledge Phone Stand." in words(page) and "View cart" in words(page)
    part = browser.htmx("POST", "/cart/items", {"product_id": product.id, "quantity": 1})
    text = part.get_data(as_text=True)
    assert part.status_code == 200 and "<html" not in text
    assert 'hx-target="#cart-badge"' in text and ">3<" in text.replace("\n", "") and "Ledge Phone Stand" in text


@pytest.mark.parametrize("path", ["/", "/products", "/cart"])
def test_the_button_on_a_card_adds_one(browser: Browser, path: str) -> None:
    product = make_product()
    page = browser.get(path).get_data(as_text=True)
    assert f'<button form="add" name="product_id" value="{product.id}"' in page
    assert browser.post("/cart/items", {"product_id": product.id}).status_code == 303
    assert "Added Ledge Phone Stand." in browser.htmx("POST", "/cart/items", {"product_id": product.id}).text
    assert browser.htmx("POST", "/cart/items", {"product_id": product.id, "quantity": ""}).status_code == 422
    assert "2 parts" in words(browser.get("/cart"))


@pytest.mark.parametrize(
    ("data", "left"), [({"quantity": "3"}, 3), ({"quantity": "2", "op": "inc"}, 3), ({"quantity": "2", "op": "dec"}, 1)]
)
def test_a_line_takes_its_new_quantity(browser: Browser, data: dict[str, str], left: int) -> None:
    product = make_product()
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    assert browser.post(f"/cart/items/{product.id}", data).status_code == 303
    assert f'name="quantity" value="{left}"' in browser.get("/cart").get_data(as_text=True)
    part = browser.htmx("POST", f"/cart/items/{product.id}", {"quantity": str(left)})
    assert 'id="cart"' in part.get_data(as_text=True) and 'hx-target="#cart-badge"' in part.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/cart/items/{id}/removal", "/cart/removal", "/cart/items/{id}"])
def test_a_cart_can_be_emptied(browser: Browser, path: str) -> None:
    product = make_product()
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    assert browser.post(path.format(id=product.id), {"quantity": "0"}).status_code == 303
    assert "An empty tray" in words(browser.get("/cart"))


def test_delivery_is_free_from_the_amount_that_the_shop_has_set(browser: Browser) -> None:
    product = make_product(price="19.00")
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    assert "Add $2.00 for free delivery." in words(browser.get("/cart")) and "$42.50" in words(browser.get("/cart"))
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    assert "Delivery Free Total $57.00" in words(browser.get("/cart"))


@pytest.mark.parametrize(
    ("model", "values", "notice", "after"),
    [
        (Inventory, {"on_hand": 1}, "You wanted 3, only 1 left", "1 part $14.00"),
        (Inventory, {"on_hand": 0}, "Sold out, not charged", "An empty tray"),
        (Product, {"price": Money.of("15.00")}, "The price was $14.00 when you added it.", "3 parts $45.00"),
        (Product, {"status": ProductStatus.ARCHIVED}, "No longer made, not charged", "An empty tray"),
    ],
)
def test_what_changed_is_said_and_accepted_with_one_click(
    browser: Browser, model: type[Product], values: dict[str, object], notice: str, after: str
) -> None:
    product = make_product(stock=3)
    browser.post("/cart/items", {"product_id": product.id, "quantity": 3})
    before = db.session.get_one(Inventory, product.id).on_hand
    change(model, **values)
    page = browser.get("/cart")
    assert notice in words(page) and "Something changed while you were shopping." in words(page)
    assert browser.get("/checkout").status_code == 303
    answer = browser.post("/cart/acceptance")
    gone = after == "An empty tray"
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart" if gone else "/checkout")
    assert after in words(browser.get("/cart"))
    change(Inventory, on_hand=before)


def test_a_cart_holds_no_more_than_there_is(browser: Browser) -> None:
    product = make_product(stock=2)
    browser.get("/cart")
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    page = words(browser.get("/cart"))
    assert "Only 2 of Ledge Phone Stand can be had right now." in page and "2 parts $28.00" in page
    part = browser.htmx("POST", "/cart/items", {"product_id": product.id, "quantity": 1})
    assert part.status_code == 409 and part.headers["HX-Retarget"] == "#flash"


@pytest.mark.parametrize("by", ["plain", "htmx"])
def test_a_changed_line_is_accepted_alone(browser: Browser, by: str) -> None:
    short, dearer = make_product("Stand", stock=5), make_product("Hook", price="3.00", stock=5)
    for product in (short, dearer):
        browser.post("/cart/items", {"product_id": product.id, "quantity": 4})
    with transaction() as session:
        inventory.receive(session, short.id, -3, reason="correction", now=utcnow())
        session.get_one(Product, dearer.id).price = Money.of("3.50")
    page = words(browser.get("/cart"))
    assert "You wanted 4, only 2 left" in page and "Reduce to 2 Stand" in page
    assert "$56.00 $28.00" in page and "6 parts $42.00" in page and "Continue with 6 parts" in page
    assert "The price was $3.00 when you added it." in page and "Accept $3.50 Hook" in page
    send = browser.post if by == "plain" else lambda path: browser.htmx("POST", path)
    assert send(f"/cart/items/{short.id}/acceptance").status_code in {200, 303}
    page = words(browser.get("/cart"))
    assert "Reduce to" not in page and "Accept $3.50 Hook" in page
    send(f"/cart/items/{dearer.id}/acceptance")
    page = words(browser.get("/cart"))
    assert "Accept" not in page and "Check out" in page


def test_who_signs_in_is_told_what_of_the_cart_has_changed(browser: Browser) -> None:
    stand, hook = make_product("Stand", stock=3), make_product("Hook", stock=9)
    alice = CartOwner(user_id=make_account("alice"))
    others = {make_product(f"Part {number}").id: 1 for number in range(99)}
    carts.replace(alice, {stand.id: 2, **others}, now=utcnow())
    browser.post("/cart/items", {"product_id": stand.id, "quantity": 2})
    browser.post("/cart/items", {"product_id": hook.id, "quantity": 1})
    sign_in(browser, "alice")
    said = words(browser.get("/"))
    assert "Only 3 of Stand can be had: your cart has 3 now." in said
    assert "There was no room in your cart for: Hook." in said
    assert "Only 3" not in words(browser.get("/cart"))

from datetime import timedelta

import pytest

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.carts import CartFull, CartTooDear, NotEnoughStock, QuantityOutOfRange
from mountify.core.money import Money
from mountify.core.tokens import new_token
from mountify.models.catalogue import Inventory, Product, ProductStatus
from mountify.services import cart_merge, cart_view, carts, checkout, inventory
from mountify.services.cart_view import CartOwner
from mountify.transaction import transaction
from tests.buyers import SITE
from tests.cast import make_account
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakePayments
from tests.queries import queries

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def guest() -> CartOwner:
    return CartOwner(token=new_token())


def add(owner: CartOwner, product: Product, quantity: int = 1) -> None:
    carts.add_item(owner, product.id, quantity, now=utcnow())


def change(product: Product, **values: object) -> None:
    with transaction() as session:
        found = session.get_one(Product, product.id)
        for name, value in values.items():
            setattr(found, name, value)


def test_adding_twice_makes_one_line(guest: CartOwner) -> None:
    product = make_product(stock=5)
    add(guest, product, 2)
    add(guest, product, 1)
    view = cart_view.get_view(guest)
    assert [(line.product.id, line.quantity) for line in view.lines] == [(product.id, 3)]
    assert carts.count(guest) == 3


def test_the_second_click_of_a_page_load_adds_nothing(guest: CartOwner) -> None:
    product, now = make_product(stock=9), utcnow()

    def load(quantity: int, later: timedelta) -> int:
        carts.add_item(guest, product.id, quantity, now=now + later, by_page_load=True)
        return carts.count(guest)

    assert load(2, timedelta()) == 2
    assert load(2, timedelta(milliseconds=300)) == 2
    assert load(1, timedelta(milliseconds=400)) == 3  # another quantity is another wish
    assert load(1, timedelta(seconds=3)) == 4


def test_a_click_that_was_refused_is_refused_again(guest: CartOwner) -> None:
    product, now = make_product(stock=1), utcnow()
    for later in (0, 300):
        with pytest.raises(NotEnoughStock):
            carts.add_item(guest, product.id, 2, now=now + timedelta(milliseconds=later), by_page_load=True)


@pytest.mark.parametrize("quantity", [0, -1, 1001, 10**9])
def test_quantities_outside_the_range_change_nothing(guest: CartOwner, quantity: int) -> None:
    product = make_product(stock=5)
    with pytest.raises(QuantityOutOfRange):
        add(guest, product, quantity)
    assert cart_view.get_view(guest).is_empty


def test_more_than_available_is_refused_with_the_number_left(guest: CartOwner) -> None:
    product = make_product(stock=5)
    add(guest, product, 4)
    with pytest.raises(NotEnoughStock) as caught:
        add(guest, product, 2)
    assert caught.value.facts == {"productId": product.id, "available": 5}
    assert carts.count(guest) == 4


def test_drafts_and_archived_products_cannot_be_added(guest: CartOwner) -> None:
    for status in (ProductStatus.DRAFT, ProductStatus.ARCHIVED):
        product = make_product(status=status)
        with pytest.raises(NotFound):
            add(guest, product)


def test_a_cart_holds_a_hundred_products(guest: CartOwner) -> None:
    for number in range(100):
        add(guest, make_product(f"Part {number}", price="1.00", stock=1))
    with pytest.raises(CartFull):
        add(guest, make_product("One too many"))
    assert carts.count(guest) == 100


def test_a_cart_total_has_a_limit(guest: CartOwner) -> None:
    product = make_product(price="99999.99", stock=20)
    add(guest, product, 10)
    with pytest.raises(CartTooDear):
        add(guest, product, 1)
    assert carts.count(guest) == 10


def test_zero_removes_and_another_cart_is_untouched(guest: CartOwner) -> None:
    product, other = make_product(), CartOwner(token=new_token())
    add(guest, product)
    add(other, product)
    carts.set_quantity(guest, product.id, 0, now=utcnow())
    assert cart_view.get_view(guest).is_empty
    assert carts.count(other) == 1
    with pytest.raises(NotFound):
        carts.set_quantity(guest, product.id, 2, now=utcnow())


def test_lowering_a_line_works_although_the_shelf_is_short(guest: CartOwner) -> None:
    product = make_product(stock=5)
    add(guest, product, 5)
    with transaction() as session:
        inventory.reserve(session, {product.id: 4})
        assert session.get_one(Inventory, product.id, populate_existing=True).available == 1
    carts.set_quantity(guest, product.id, 4, now=utcnow())
    assert carts.count(guest) == 4
    with pytest.raises(NotEnoughStock):
        carts.set_quantity(guest, product.id, 5, now=utcnow())
    with transaction() as session:
        inventory.release(session, {product.id: 4})


def test_totals_add_delivery_until_it_is_free(guest: CartOwner) -> None:
    make_shop()
    product = make_product(price="14.00", stock=9)
    add(guest, product, 2)
    view = cart_view.get_view(guest)
    assert (view.subtotal, view.shipping, view.total) == (Money.of("28.00"), Money.of("4.50"), Money.of("32.50"))
    assert view.missing_for_free == Money.of("12.00")
    add(guest, product, 1)
    db.session().info.clear()
    assert cart_view.get_view(guest).total == Money.of("42.00")
    assert cart_view.get_view(guest).missing_for_free is None


def test_changes_since_adding_are_told_and_can_be_accepted(guest: CartOwner) -> None:
    dearer, gone, withdrawn = make_product("Dearer"), make_product("Gone", stock=1), make_product("Withdrawn")
    for product in (dearer, gone, withdrawn):
        add(guest, product)
    change(dearer, price=Money.of("15.00"))
    change(withdrawn, status=ProductStatus.ARCHIVED)
    buyer = CartOwner(token=new_token())
    add(buyer, gone)
    sell_out(gone)
    view = cart_view.get_view(guest)
    first, second, third = view.lines
    assert first.has_new_price and second.is_sold_out and third.is_withdrawn
    assert view.subtotal == Money.of("15.00")
    carts.accept_changes(guest)
    view = cart_view.get_view(guest)
    assert [line.product.id for line in view.lines] == [dearer.id]
    assert not view.has_problems


def sell_out(product: Product) -> None:
    with transaction() as session:
        inventory.receive(session, product.id, -1, reason="correction", now=utcnow())


def test_a_guest_cart_merges_into_the_account(guest: CartOwner) -> None:
    alice = CartOwner(user_id=make_account("alice"))
    shared, only_guest = make_product(stock=9), make_product(stock=9)
    add(alice, shared, 2)
    add(guest, shared, 3)
    add(guest, only_guest, 1)
    cart_merge.merge(guest.token or "", alice.user_id or 0, now=utcnow())
    assert {line.product.id: line.quantity for line in cart_view.get_view(alice).lines} == {
        shared.id: 5,
        only_guest.id: 1,
    }
    assert cart_view.get_view(guest).is_empty


def test_a_cart_that_became_too_dear_can_be_made_smaller(guest: CartOwner) -> None:
    product = make_product(price="900.00", stock=1000)
    add(guest, product, 1000)
    change(product, price=Money.of("999999.00"))
    carts.accept_changes(guest)
    carts.set_quantity(guest, product.id, 999, now=utcnow())
    assert carts.count(guest) == 999
    with pytest.raises(CartTooDear):
        carts.set_quantity(guest, product.id, 1000, now=utcnow())


def test_what_finds_no_room_in_a_merge_is_named(guest: CartOwner) -> None:
    alice = CartOwner(user_id=make_account("alice"))
    products = [make_product(f"Part {number}", stock=2) for number in range(101)]
    carts.replace(alice, {product.id: 1 for product in products[:100]}, now=utcnow())
    add(guest, products[0])
    add(guest, products[100])
    merged = cart_merge.merge(guest.token or "", alice.user_id or 0, now=utcnow())
    assert list(merged.left_out) == ["Part 100"] and carts.count(alice) == 101


def test_a_long_list_of_items_costs_no_question_for_each(guest: CartOwner) -> None:
    products = [make_product(f"Part {number}") for number in range(40)]
    db.release()
    asked = queries(lambda: carts.replace(guest, {product.id: 1 for product in products}, now=utcnow()))
    assert len(asked) < 10, asked
    with pytest.raises(CartFull):
        carts.replace(guest, dict.fromkeys(range(1, 102), 1), now=utcnow())


def test_carts_that_nobody_touched_for_90_days_are_let_go(guest: CartOwner) -> None:
    add(guest, make_product(stock=9))
    assert carts.purge_expired(now=utcnow() + timedelta(days=89)) == 0
    assert carts.purge_expired(now=utcnow() + timedelta(days=91)) == 1
    assert cart_view.get_view(guest).is_empty and not carts.exists(guest)


def test_what_the_carts_own_order_holds_is_not_sold_out_for_it(guest: CartOwner) -> None:
    product, payments = make_product(stock=3), FakePayments()
    add(guest, product, 2)
    checkout.start(guest, "sam@example.com", new_key(), payments=payments, site=SITE, now=utcnow())
    (line,) = cart_view.get_view(guest).lines
    assert (line.available, line.has_problem) == (3, False)
    carts.set_quantity(guest, product.id, 3, now=utcnow())
    with pytest.raises(NotEnoughStock, match="Only 3"):
        carts.set_quantity(guest, product.id, 4, now=utcnow())
    rival = CartOwner(token=new_token())
    with pytest.raises(NotEnoughStock, match="Only 1"):
        add(rival, product, 2)

"""What a merchant does to a product, in a transaction with its log."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.catalogue import BadPrice, SlugTaken, UnknownCategory
from mountify.core.money import Money
from mountify.models.catalogue import Inventory, Product, ProductSlug, ProductStatus, StockMovement
from mountify.services import product_changes, products
from mountify.services.catalogue import NewImage, NewProduct
from mountify.services.checkout import Started
from tests.desk import log_of, somebody
from tests.factories import make_category, make_product, make_shop


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def add(name: str = "Peg Hook", price: str = "9.00", **values: object) -> Product:
    new = NewProduct(name=name, price=Money.of(price), **values)  # type: ignore[arg-type]
    product_id = product_changes.add(somebody(), new, on_hand=3, currency="USD", now=utcnow())
    return db.session.get_one(Product, product_id)


def change(product_id: int, **values: object) -> None:
    product_changes.change(somebody(), product_id, values, currency="USD", now=utcnow())


def test_a_new_product_is_a_draft_with_its_stock_in_the_ledger() -> None:
    product = add()
    assert (product.slug, product.status) == ("peg-hook", ProductStatus.DRAFT)
    assert db.session.get_one(Inventory, product.id).on_hand == 3
    assert db.session.scalars(select(StockMovement.delta)).all() == [3]
    assert log_of("products") == [("product.added", {"name": [None, "Peg Hook"]})]


def test_two_of_one_name_get_two_addresses() -> None:
    assert [add().slug for _ in range(3)] == ["peg-hook", "peg-hook-2", "peg-hook-3"]


def test_what_is_named_is_changed_and_nothing_else() -> None:
    product = add(description="Short.", detailed_description="Long.", category_id=make_category("Desk"))
    before = (product.name, product.description, product.detailed_description, product.category_id)
    change(product.id, price=Money.of("11.00"), status=ProductStatus.PUBLISHED)
    assert (product.name, product.description, product.detailed_description, product.category_id) == before
    assert log_of("products")[-1] == (
        "product.changed",
        {"price": ["9.00", "11.00"], "status": ["draft", "published"]},
    )


@pytest.mark.parametrize("price", ["0.00", "1000000.00", "-1.00"])
def test_a_price_nobody_could_pay_is_refused(price: str) -> None:
    product = add()
    with pytest.raises(BadPrice):
        change(product.id, price=Money.of(price), name="Other")
    with pytest.raises(BadPrice):
        add(price=price)
    assert db.session.scalars(select(Product.name)).all() == ["Peg Hook"]


def test_what_is_not_there_is_refused() -> None:
    product = add()
    with pytest.raises(UnknownCategory):
        change(product.id, category_id=999)
    with pytest.raises(UnknownCategory):
        add(category_id=999)
    with pytest.raises(NotFound):
        change(999, name="x")
    with pytest.raises(NotFound):
        product_changes.delete(somebody(), 999, now=utcnow())
    with pytest.raises(KeyError):
        change(product.id, image_url="https://evil.example")


def test_an_old_address_leads_on_and_may_be_taken_back() -> None:
    product = add()
    change(product.id, slug="wall-hook", status=ProductStatus.PUBLISHED)
    assert products.get_by_slug("peg-hook").id == products.get_by_slug("wall-hook").id == product.id
    change(product.id, slug="peg-hook")
    assert product.slug == "peg-hook" and db.session.scalars(select(ProductSlug.slug)).all() == ["wall-hook"]


def test_an_address_that_another_has_or_had_is_taken() -> None:
    first, second = add(), add("Bar")
    change(first.id, slug="wall-hook")
    for taken in ("wall-hook", "peg-hook"):
        with pytest.raises(SlugTaken):
            change(second.id, slug=taken)
        with pytest.raises(SlugTaken):
            add(slug=taken)
    assert add().slug == "peg-hook-2"


def test_a_copy_is_a_draft_without_stock() -> None:
    images = [NewImage("https://x.example/1.jpg", "Front", "a1", 960, 1200, "#d8d0c0")]
    product = add(images=images, attributes={"width_mm": 72})
    change(product.id, status=ProductStatus.PUBLISHED, low_stock_level=9)
    copy = product_changes.duplicate(somebody(), product.id, currency="USD", now=utcnow())
    made = db.session.get_one(Product, copy)
    assert (made.name, made.slug, made.status) == ("Peg Hook (copy)", "peg-hook-copy", ProductStatus.DRAFT)
    assert (made.price, made.attributes, made.low_stock_level) == (product.price, {"width_mm": 72}, 9)
    assert made.image_public_id == "a1" and db.session.get_one(Inventory, copy).on_hand == 0


def test_one_that_was_never_ordered_is_deleted_with_all_that_hangs_on_it() -> None:
    product = add()
    change(product.id, slug="other")
    assert product_changes.delete(somebody(), product.id, now=utcnow())
    for table in (Product, Inventory, StockMovement, ProductSlug):
        assert db.session.scalar(select(func.count()).select_from(table)) == 0
    assert log_of("products")[-1] == ("product.deleted", {"name": ["Peg Hook", None]})


def test_one_that_was_ordered_is_archived_instead(paid: Started) -> None:
    (product_id,) = db.session.scalars(select(Product.id))
    assert not product_changes.delete(somebody(), product_id, now=utcnow())
    assert db.session.get_one(Product, product_id).status is ProductStatus.ARCHIVED
    assert log_of("products") == [("product.archived", {"status": ["published", "archived"]})]


def test_a_product_of_nothing_but_its_name_is_a_copy_too() -> None:
    bare = make_product()
    assert product_changes.duplicate(somebody(), bare.id, currency="USD", now=utcnow()) > bare.id

"""The demo shop: loaded once, through the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DataError

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.pictures import ImagesUnavailable
from mountify.core.money import Money
from mountify.core.pictures import StoredPicture
from mountify.models.account import User
from mountify.models.catalogue import Category, Product, ProductImage
from mountify.models.order import Order
from mountify.services import accounts, demo
from mountify.services.audit import audit
from mountify.services.prices import list_unpayable
from mountify.services.settings import get_shop
from mountify.web.assets import STATIC, picture
from tests.factories import change_settings
from tests.fakes import FakeImages

PASSWORDS = dict.fromkeys(demo.ACCOUNTS, "a password for the demo")


def test_the_demo_shop_is_loaded_once_and_every_promise_holds(database: None) -> None:
    now = utcnow()
    assert demo.seed(PASSWORDS, now=now)
    assert not demo.seed(PASSWORDS, now=now)
    counts = [db.session.scalar(select(func.count()).select_from(model)) for model in (Category, Product, Order)]
    assert counts == [8, 36, 200]
    oldest, newest = db.session.execute(select(func.min(Order.created_at), func.max(Order.created_at))).one()
    assert now - timedelta(days=91) < oldest and newest < now
    assert set(db.session.scalars(select(Order.source))) == {"demo"}
    assert audit(now=now) == []
    assert accounts.authenticate("admin@mountify.example", PASSWORDS["admin@mountify.example"]).is_staff
    assert get_shop().name == "Mountify"


def test_without_cents_every_price_is_a_hundred_times_as_much(database: None) -> None:
    now = utcnow()
    demo.seed(PASSWORDS, currency="JPY", now=now)
    assert list_unpayable("JPY") == [] and audit(now=now) == []
    wanted = {e["slug"]: Money.of(e["price"]) * 100 for e in json.loads(demo.CATALOGUE.read_text("utf-8"))["products"]}
    assert dict(db.session.execute(select(Product.slug, Product.price)).all()) == wanted  # type: ignore[arg-type]
    assert get_shop().shipping_flat == Money.of("450.00")
    assert set(db.session.scalars(select(Order.currency))) == {"JPY"}


def test_the_stock_of_today_is_the_catalogues(database: None) -> None:
    demo.seed(PASSWORDS, now=utcnow())
    wanted = {entry["slug"]: entry["on_hand"] for entry in json.loads(demo.CATALOGUE.read_text("utf-8"))["products"]}
    rows = db.session.execute(text("SELECT slug, on_hand FROM products JOIN inventory ON sku_id = id"))
    assert dict(rows.all()) == wanted  # type: ignore[arg-type]


def test_every_picture_is_there_in_every_width_with_a_text(database: None, app: object) -> None:
    demo.seed(PASSWORDS, now=utcnow())
    pictures = db.session.scalars(select(ProductImage)).all()
    assert len(pictures) == 72
    for one in pictures:
        assert len(one.alt) > 10 and one.color is not None
        with app.test_request_context():  # type: ignore[attr-defined]
            for width in (320, 640, 960):
                assert (STATIC / picture(one.image_url, width).removeprefix("/static/")).is_file()


def test_pictures_go_to_the_image_service_when_there_is_one(database: None) -> None:
    images = FakeImages()
    demo.seed(PASSWORDS, images=images, now=utcnow())
    assert len(images.kept) == 72 and all(name.startswith("demo/") for name in images.kept)
    photo = db.session.scalars(select(ProductImage).where(ProductImage.is_primary).limit(1)).one()
    assert photo.image_url == images.kept[str(photo.cloudinary_public_id)].url
    product = db.session.scalars(select(Product).where(Product.id == photo.product_id)).one()
    assert (product.image_url, product.image_public_id) == (photo.image_url, photo.cloudinary_public_id)
    assert "/f_auto,q_auto:eco,c_limit,w_320/" in picture(product.image_url, 320)


class WrongImages(FakeImages):
    """An image service that says what no row can hold."""

    def upload(self, content: bytes, public_id: str) -> StoredPicture:
        return replace(super().upload(content, public_id), width=10**12)


@pytest.mark.parametrize("images", [FakeImages(is_down=True), WrongImages()], ids=["down", "wrong"])
def test_the_demo_shop_is_loaded_whole_or_not_at_all(database: None, images: FakeImages) -> None:
    change_settings(name="Bracketeer")
    with pytest.raises((ImagesUnavailable, DataError)):
        demo.seed(PASSWORDS, images=images, now=utcnow())
    db.release()
    for model in (Product, Category, User):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0
    assert get_shop().name == "Bracketeer"
    db.release()
    assert demo.seed(PASSWORDS, images=FakeImages(), now=utcnow())

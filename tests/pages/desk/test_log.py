"""Every address of the desk that changes something, walked: whoever does it is in the log afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from mountify import db
from mountify.gateways import Gateways
from mountify.models.audit_log import AuditEntry
from mountify.models.catalogue import Product
from mountify.services import products
from tests.desk import Desk, somebody
from tests.factories import make_category, make_product
from tests.fakes import FakeImages, FakeMailer, FakePayments
from tests.pages.test_routes import UNSAFE, rules
from tests.services.test_picture_content import encoded

Deed = Callable[[Desk], Any]


@pytest.fixture
def gateways(payments: FakePayments, mailer: FakeMailer) -> Gateways:
    return Gateways(payments=payments, mailer=mailer, images=FakeImages())


def deeds() -> dict[str, Deed]:
    """For each of them something that really changes; a route that is missing here fails the walk."""
    return {
        "admin.inventory.set_on_hand": lambda ada: ada.do(
            f"/admin/inventory/{make_product(stock=5).id}/on-hand", on_hand=7
        ),
        "admin.inventory.adjust": lambda ada: ada.do(
            f"/admin/inventory/{make_product().id}/movements", delta=3, reason="received"
        ),
        "admin.inventory.set_low_level": lambda ada: ada.do(
            f"/admin/inventory/{make_product().id}/low-level", low_stock_level=9
        ),
        "api.admin.inventory.change": lambda ada: ada.ask(
            "PUT", f"/api/admin/inventory/{make_product().id}", {"delta": 2}
        ),
        "admin.product_form.add": lambda ada: ada.do(
            "/admin/products/new", name="Rest", price="9.00", low_stock_level="4", status="draft"
        ),
        "admin.product_form.save": lambda ada: ada.do(
            f"/admin/products/{make_product().id}/edit", name="Rest", price="9", low_stock_level="4", status="draft"
        ),
        "admin.product_form.delete": lambda ada: ada.do(f"/admin/products/{make_product().id}/edit/removal"),
        "admin.pictures.add": lambda ada: ada.upload(
            f"/admin/products/{make_product().id}/pictures", "photos", (encoded("JPEG"), "a.jpg")
        ),
        "admin.pictures.arrange": lambda ada: ada.do(
            f"/admin/products/{(drawn := illustrated()).id}/pictures/order", move=f"{drawn.images[0].id}:later"
        ),
        "api.admin.pictures.replace": lambda ada: ada.ask(
            "POST", f"/api/admin/products/{illustrated().id}/images", {"images": []}
        ),
        "api.admin.pictures.upload": lambda ada: ada.upload(
            "/api/admin/upload-image", "file", (encoded("JPEG"), "a.jpg")
        ),
        "api.admin.pictures.delete": lambda ada: ada.ask("POST", "/api/admin/delete-image", {"publicId": "products/x"}),
        "admin.categories.add": lambda ada: ada.do("/admin/categories", name="Desk"),
        "admin.categories.save": lambda ada: ada.do(f"/admin/categories/{make_category()}", name="Shelf"),
        "admin.categories.move": lambda ada: ada.do(f"/admin/categories/{two_categories()}/place", to="up"),
        "admin.categories.delete": lambda ada: ada.do(f"/admin/categories/{make_category()}/removal"),
        "api.admin.categories.add": lambda ada: ada.ask("POST", "/api/admin/categories", {"name": "Cable"}),
        "api.admin.categories.change": lambda ada: ada.ask(
            "PUT", f"/api/admin/categories/{make_category()}", {"name": "Wall"}
        ),
        "api.admin.categories.delete": lambda ada: ada.ask("DELETE", f"/api/admin/categories/{make_category()}"),
    }


def illustrated() -> Product:
    images = [("https://elsewhere.example/1.webp", "Front"), ("https://elsewhere.example/2.webp", "Side")]
    product = make_product(images=images)
    return products.get_whole(product.id)


def two_categories() -> int:
    make_category()
    return make_category()


def newest() -> tuple[int, int | None]:
    """How many entries there are, and who made the last one."""
    count = db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    actor = db.session.scalar(select(AuditEntry.actor_id).order_by(AuditEntry.id.desc()).limit(1))
    db.release()
    return count, actor


def test_whatever_is_changed_at_the_desk_is_in_the_log(app: Flask, ada: Desk) -> None:
    known = deeds()
    changing = {
        rule.endpoint
        for method, rule in rules(app)
        if method in UNSAFE and rule.endpoint.startswith(("admin.", "api.admin."))
    }
    assert changing == set(known)
    for endpoint, deed in known.items():
        before, _whoever = newest()
        answer = deed(ada)
        assert answer.status_code in {200, 201, 303}, (endpoint, answer.status_code)
        after, actor = newest()
        assert after > before and actor == somebody().id, endpoint

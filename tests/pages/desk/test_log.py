"""Every address of the desk that changes something, walked: whoever does it is in the log afterwards."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.audit_log import AuditEntry
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.services import product_bulk, product_table, products
from mountify.services.product_table import Row
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.desk import Desk, as_typed, somebody
from tests.factories import make_category, make_product
from tests.fakes import FakePayments
from tests.pages.desk.test_settings import SETTINGS
from tests.pages.test_routes import UNSAFE, rules
from tests.services.test_picture_content import encoded

UPS = {"carrier": "ups", "tracking_number": "1Z5R89390357567127"}
Deed = Callable[[Desk], Any]


def deeds(payments: FakePayments) -> dict[str, Deed]:
    """For each of them something that really changes; a route that is missing here fails the walk."""
    return {
        "admin.settings.save": lambda ada: ada.do("/admin/settings", **SETTINGS),
        "admin.settings.save_page": lambda ada: ada.do("/admin/settings/pages/terms", text="New terms."),
        "admin.settings.call": lambda ada: ada.do("/admin/settings/services/stripe/call"),
        "admin.orders.add_note": lambda ada: ada.do(f"/admin/orders/{pending_order(payments)}/notes", note="Call"),
        "admin.orders.cancel": lambda ada: ada.do(f"/admin/orders/{pending_order(payments)}/cancellation"),
        "admin.orders.mark_delivered": lambda ada: ada.do(f"/admin/orders/{order_on_its_way(payments)}/delivery"),
        "admin.orders.send_again": lambda ada: ada.do(f"/admin/orders/{path_of_mail(payments)}", copy=1),
        "admin.orders.refund": lambda ada: ada.do(
            f"/admin/orders/{paid_order(payments)}/refund", amount="1.00", key="k" * 43
        ),
        "api.admin.orders.change": lambda ada: ada.ask(
            "PUT", f"/api/admin/orders/{order_on_its_way(payments)}", {"status": "delivered"}
        ),
        "api.admin.orders.refund": lambda ada: ada.ask("POST", f"/api/admin/orders/{paid_order(payments)}/refund"),
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
        "admin.shipping.ship": lambda ada: ada.do(f"/admin/orders/{paid_order(payments)}/shipment", **UPS),
        "admin.shipping.correct": lambda ada: ada.do(
            f"/admin/orders/{order_on_its_way(payments)}/shipment/correction", **UPS
        ),
        "api.admin.shipping.ship": lambda ada: ada.ask(
            "POST",
            f"/api/admin/orders/{paid_order(payments)}/ship",
            {"carrier": "ups", "trackingNumber": "1Z5R89390357567127"},
        ),
        "api.admin.categories.add": lambda ada: ada.ask("POST", "/api/admin/categories", {"name": "Cable"}),
        "api.admin.categories.change": lambda ada: ada.ask(
            "PUT", f"/api/admin/categories/{make_category()}", {"name": "Wall"}
        ),
        "api.admin.categories.delete": lambda ada: ada.ask("DELETE", f"/api/admin/categories/{make_category()}"),
        "admin.products.save": lambda ada: ada.do(
            f"/admin/products/{(row := a_row()).id}", **as_typed(row, name="Rest")
        ),
        "admin.products.duplicate": lambda ada: ada.do(f"/admin/products/{make_product().id}/copy"),
        "admin.products.delete": lambda ada: ada.do(f"/admin/products/{make_product().id}/removal"),
        "admin.products.change_prices": lambda ada: ada.do(
            "/admin/products/prices", product=[make_product().id], by="5", unit="percent"
        ),
        "admin.products.undo_prices": lambda ada: ada.do(f"/admin/products/prices/{a_price_change()}/undo"),
        "admin.products.set_category": lambda ada: ada.do(
            "/admin/products/category", product=[make_product().id], category=make_category()
        ),
        "admin.products.set_status": lambda ada: ada.do(
            "/admin/products/status", product=[make_product().id], status="archived"
        ),
        "api.admin.products.add": lambda ada: ada.ask("POST", "/api/admin/products", {"name": "Rest", "price": 9}),
        "api.admin.products.replace": lambda ada: ada.ask(
            "PUT", f"/api/admin/products/{make_product().id}", {"name": "Rest", "price": 9.5}
        ),
        "api.admin.products.change": lambda ada: ada.ask(
            "PATCH", f"/api/admin/products/{make_product().id}", {"price": 9}
        ),
        "api.admin.products.delete": lambda ada: ada.ask("DELETE", f"/api/admin/products/{make_product().id}"),
    }


def a_row() -> Row:
    return product_table.get_row(make_product().id)


def a_price_change() -> int:
    reprice = product_bulk.by_percent(Decimal(5), "USD")
    change = product_bulk.change_prices(somebody(), [make_product().id], reprice, currency="USD", now=utcnow())
    assert change
    return change


def illustrated() -> Product:
    images = [("https://elsewhere.example/1.webp", "Front"), ("https://elsewhere.example/2.webp", "Side")]
    product = make_product(images=images)
    return products.get_whole(product.id)


def two_categories() -> int:
    make_category()
    return make_category()


def pending_order(payments: FakePayments) -> int:
    return buyer_of_one(payments).start().order_id


def paid_order(payments: FakePayments) -> int:
    return buyer_of_one(payments).buy().order_id


def order_on_its_way(payments: FakePayments) -> int:
    order_id = paid_order(payments)
    with transaction() as session:
        session.get_one(Order, order_id).mark_shipped("fedex", "986578788855", now=utcnow())
    return order_id


def path_of_mail(payments: FakePayments) -> str:
    order_id = paid_order(payments)
    email_id = db.session.scalars(select(Email.id).where(Email.order_id == order_id, Email.kind == "confirmed")).one()
    return f"{order_id}/emails/{email_id}"


def buyer_of_one(payments: FakePayments) -> Buyer:
    buyer = Buyer(payments)
    buyer.add(make_product())
    return buyer


def newest() -> tuple[int, int | None]:
    """How many entries there are, and who made the last one."""
    count = db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    actor = db.session.scalar(select(AuditEntry.actor_id).order_by(AuditEntry.id.desc()).limit(1))
    db.release()
    return count, actor


def test_whatever_is_changed_at_the_desk_is_in_the_log(app: Flask, ada: Desk, payments: FakePayments) -> None:
    known = deeds(payments)
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

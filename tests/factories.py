"""Things to test with, made through the services, so that ledger and audit know them."""

from __future__ import annotations

import itertools
from typing import Any

from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.core.tokens import new_token
from mountify.models.catalogue import Product, ProductStatus
from mountify.services import catalogue, inventory, settings
from mountify.services.audit_log import TERMINAL
from mountify.services.catalogue import NewImage, NewProduct
from mountify.transaction import transaction

CONTACT = "help@mountify.example"
_numbers = itertools.count(1)


def change_settings(*, currency: str | None = None, **values: object) -> None:
    """Change settings as somebody at the terminal does."""
    settings.change(TERMINAL, currency=currency, now=utcnow(), **values)


def make_shop() -> None:
    change_settings(
        currency="USD",
        name="Mountify",
        contact_email=CONTACT,
        countries=("US", "DE"),
        pages={"terms": "## The contract\n\nAn *offer*, <script>alert(1)</script> [here](javascript:alert(1))."},
        shipping_flat=Money.of("4.50"),
        shipping_free_from=Money.of("40.00"),
    )


def make_category(name: str = "") -> int:
    number = next(_numbers)
    name = name or f"Category {number}"
    with transaction() as session:
        return catalogue.add_category(session, name, f"category-{number}", "", number).id


def make_product(
    name: str = "Ledge Phone Stand",
    *,
    price: str = "14.00",
    stock: int = 5,
    status: ProductStatus = ProductStatus.PUBLISHED,
    currency: str = "USD",
    **values: Any,
) -> Product:
    with transaction() as session:
        slug = values.pop("slug", f"part-{next(_numbers)}")
        values["images"] = [NewImage(*image) for image in values.get("images", ())]
        new = NewProduct(name=name, price=Money.of(price), slug=slug, **values)
        product = catalogue.add_product(session, new, currency=currency)
        product.status = status
        if stock:
            session.flush()
            inventory.receive(session, product.id, stock, reason="opening", now=utcnow())
    session.refresh(product)
    session.expunge(product)
    return product


def new_key() -> str:
    """A key, as a form carries it."""
    return new_token()

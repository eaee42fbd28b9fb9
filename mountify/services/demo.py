"""The demo shop: its catalogue, its stock, and a past of 200 orders, through the same services as a real one."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.carriers import with_check_digit
from mountify.core.money import CENT, Money, can_express
from mountify.core.order_status import OrderStatus
from mountify.core.pictures import DEMO, StoredPicture
from mountify.gateways import Images
from mountify.models.account import Role
from mountify.models.catalogue import Product
from mountify.models.order import Order, OrderItem, OrderSource
from mountify.services import accounts, inventory, pictures, settings
from mountify.services.catalogue import NewImage, NewProduct, add_category, add_product
from mountify.services.orders import lines_of
from mountify.services.settings import Shop, get_shop
from mountify.transaction import transaction

CATALOGUE = Path(__file__).parent.parent / "demo" / "catalogue.json"
PAGE_TEXTS = CATALOGUE.parent / "pages"
PICTURES = CATALOGUE.parent.parent / "static" / "img" / "demo"
UPLOADS_AT_ONCE = 4
ORDERS, DAYS = 200, 90
ACCOUNTS = {
    "admin@mountify.example": (Role.ADMIN, "Ada Admin"),
    "staff@mountify.example": (Role.STAFF, "Stan Staff"),
    "alice@mountify.example": (Role.CUSTOMER, "Alice Alder"),
}
STORY = {
    "title": "The workshop",
    "measure": "one bench",
    "paragraphs": [
        "Mountify began as an experiment: could one person draw, print and ship a part somebody needs by the end of"
        " the week?",
        "No mass production. Twenty at a time, used at home first, and redrawn whenever one comes back.",
    ],
    "steps": [
        {"title": "Drawn", "text": "From a real thing on a real wall. Every file is public."},
        {"title": "Printed", "text": "0.2 mm layers, so it survives a hot car and a wet bike."},
        {"title": "Measured", "text": "Each critical width within 0.1 mm, or it goes back in the shredder."},
    ],
}
SETTINGS: dict[str, object] = {
    "name": "Mountify",
    "claim": "Held to the\nmillimetre.",
    "claim_measure": "± 0.1 mm",
    "lead": "Mounts, hooks and brackets, printed in small batches and checked with a caliper before they leave the"
    " bench.",
    "story": STORY,
    "about": "Mounts, hooks and brackets in small batches. Every part is measured before it ships.",
    "contact_email": "help@mountify.example",
    "address": "12 Bench Lane, Portland, OR 97205",
    "returns_in_short": "30 days, any reason",
    "countries": ("US", "CA", "GB", "DE", "FR", "NL", "SE"),
    "shipping_flat": Money.of("4.50"),
    "shipping_free_from": Money.of("40.00"),
}
_PEOPLE = (
    ("Sam Okafor", "41 Alder Street", "Portland", "OR", "97205"),
    ("Mia Lindqvist", "9 Harbour Road", "Seattle", "WA", "98101"),
    ("Jonas Weber", "220 Third Avenue", "Denver", "CO", "80202"),
    ("Priya Raman", "17 Cedar Court", "Austin", "TX", "78701"),
    ("Noah Castillo", "5 Mill Lane", "Boise", "ID", "83702"),
    ("Ines Duarte", "88 Orchard Way", "Madison", "WI", "53703"),
)


def seed(passwords: dict[str, str], *, images: Images | None = None, currency: str = "USD", now: datetime) -> bool:
    """Load the demo shop into an empty database, once; all of it or nothing. Gives False when there are products.

    In a currency without cents each price is a hundred times as much: 1650 JPY for what would be 16.50 USD.
    Raises ImageRefused or ImagesUnavailable when the pictures cannot be uploaded.
    """
    if db.session.scalar(select(func.count()).select_from(Product)):
        return False
    people = [
        accounts.new(email, passwords[email], role=role, name=name, now=now)
        for email, (role, name) in ACCOUNTS.items()
        if email in passwords and accounts.find_by_email(email) is None
    ]
    db.release()
    catalogue = json.loads(CATALOGUE.read_text("utf-8"))
    stored = _upload(catalogue, images)
    with transaction() as session:
        settings.store(session, {**_settings(currency), "pages": _texts()}, currency=currency)
        session.add_all(people)
        stock = _load_catalogue(session, catalogue, stored, currency, now)
        _load_orders(session, stock, get_shop(), currency, now)
    return True


def _settings(currency: str) -> dict[str, object]:
    return {name: _price(value, currency) if isinstance(value, Money) else value for name, value in SETTINGS.items()}


def _price(price: Money, currency: str) -> Money:
    return price if can_express(Money(CENT), currency) else price * 100


def _texts() -> dict[str, str]:
    return {name: (PAGE_TEXTS / f"{name}.md").read_text("utf-8") for name in settings.PAGES}


def _upload(catalogue: dict[str, Any], images: Images | None) -> dict[str, StoredPicture]:
    """Give every picture to the image service, or take them from the static folder when there is none; by file name."""
    names = [name for entry in catalogue["products"] for name in entry["images"]]
    if images is None:
        return {name: StoredPicture(f"/static/img/demo/{Path(name).stem}-960.webp", "", 960, 1200) for name in names}

    def upload(name: str) -> StoredPicture:
        return images.upload(_read(name), f"{DEMO}{Path(name).stem}")

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        return dict(zip(names, pool.map(upload, names), strict=True))


def _load_catalogue(
    session: Session, catalogue: dict[str, Any], stored: dict[str, StoredPicture], currency: str, now: datetime
) -> dict[int, int]:
    """Make categories and products, newest first in the file; gives what each product shall have on hand."""
    categories = {
        entry["slug"]: add_category(
            session, entry["name"], entry["slug"], entry["description"], entry["display_order"]
        ).id
        for entry in catalogue["categories"]
    }
    stock = {}
    for age, entry in reversed(list(enumerate(catalogue["products"]))):
        product = add_product(
            session,
            NewProduct(
                name=entry["name"],
                slug=entry["slug"],
                price=_price(Money.of(entry["price"]), currency),
                description=entry["description"],
                detailed_description=entry["detailed_description"],
                category_id=categories[entry["category"]],
                attributes=entry["attributes"],
                images=[
                    _image(name, stored[name], alt) for name, alt in zip(entry["images"], entry["alt"], strict=True)
                ],
            ),
            currency=currency,
        )
        product.created_at = now - timedelta(days=3 * age + DAYS if age >= 4 else age)
        stock[product.id] = entry["on_hand"]
    session.flush()
    return stock


def _image(name: str, stored: StoredPicture, alt: str) -> NewImage:
    color = pictures.average_color(_read(name, width=320))  # from far away the small one looks the same
    return NewImage(stored.url, alt, stored.public_id or None, stored.width, stored.height, color)


def _read(name: str, *, width: int = 960) -> bytes:
    return (PICTURES / f"{Path(name).stem}-{width}.webp").read_bytes()


def _load_orders(session: Session, stock: dict[int, int], shop: Shop, currency: str, now: datetime) -> None:
    """Sell parts over the last 90 days: the opening stock is what was sold since plus what is left today."""
    chance = random.Random(20_260_101)  # noqa: S311  the same past at every start
    catalogue = {product.id: product for product in session.scalars(select(Product))}
    plans = [_plan_order(chance, list(catalogue), now, place) for place in range(ORDERS)]
    sold = {product_id: sum(lines.get(product_id, 0) for _, lines in plans) for product_id in catalogue}
    begin = now - timedelta(days=DAYS + 1)
    for product_id, left in stock.items():
        opening = left + sold[product_id]
        if opening:
            inventory.receive(session, product_id, opening, reason="opening", now=begin)
    session.flush()
    for placed_at, lines in sorted(plans, key=lambda plan: plan[0]):
        _sell_in_the_past(
            session, chance, {catalogue[key]: count for key, count in lines.items()}, shop, currency, placed_at, now
        )


def _plan_order(
    chance: random.Random, product_ids: list[int], now: datetime, place: int
) -> tuple[datetime, dict[int, int]]:
    days = DAYS * (place + 1) / (ORDERS + 1)
    placed_at = now - timedelta(days=days, minutes=chance.randrange(1, 600))
    parts = chance.sample(product_ids, chance.choice((1, 1, 2, 2, 3)))
    return placed_at, {product_id: chance.choice((1, 1, 1, 2, 3)) for product_id in sorted(parts)}


def _sell_in_the_past(
    session: Session,
    chance: random.Random,
    lines: dict[Product, int],
    shop: Shop,
    currency: str,
    placed_at: datetime,
    now: datetime,
) -> None:
    name, line1, city, state, postal_code = chance.choice(_PEOPLE)
    subtotal = Money.sum(product.price * quantity for product, quantity in lines.items())
    shipping = shop.shipping_for(subtotal)
    order = Order(
        email=f"{name.split()[0].lower()}@example.com",
        currency=currency,
        source=OrderSource.DEMO,
        subtotal=subtotal,
        shipping_total=shipping,
        total=subtotal + shipping,
        status=OrderStatus.PENDING,
        shipping_name=name,
        shipping_address={
            "line1": line1,
            "line2": "",
            "city": city,
            "state": state,
            "postal_code": postal_code,
            "country": "US",
        },
        created_at=placed_at,
        items=[OrderItem.of(product, quantity, product.price) for product, quantity in lines.items()],
    )
    session.add(order)
    session.flush()
    order.record("placed", now=placed_at)
    paid_at = placed_at + timedelta(minutes=3)
    inventory.sell(session, order.id, lines_of(order), held=False, now=paid_at)
    order.mark_paid(None, now=paid_at)
    if now - placed_at > timedelta(days=3):
        order.mark_shipped("usps", with_check_digit(f"94001118{order.id:013d}"), now=placed_at + timedelta(days=2))
    if now - placed_at > timedelta(days=8):
        order.mark_delivered(now=placed_at + timedelta(days=6))
    session.flush()

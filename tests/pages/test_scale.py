"""A shop with 100,000 orders and 50,000 products: each page asks little, reads no big table whole, and stays small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.gateways import Gateways
from tests.big_shop import Asked, fill
from tests.cast import make_account
from tests.databases import fresh_database
from tests.desk import Desk
from tests.factories import make_shop
from tests.fakes import FakeMailer, FakePayments

pytestmark = pytest.mark.xdist_group("scale")  # one worker builds the shop once
MOST_QUERIES, MOST_BYTES = 10, 200_000
# What adds up everything looks at everything: one narrow pass, named here.
ADD_UP = ("sum(inventory.on_hand)",)
PAGES = (
    "/admin",
    "/admin?days=1",
    "/admin?days=365",
    "/admin/shipping",
    "/admin/products",
    "/admin/products?edit=4711",
    "/admin/products?q=mount+77",
    "/admin/products?q=M-4711",
    "/admin/products?category=7&status=draft",
    "/admin/products?sort=name",
    "/admin/products?sort=-stock",
    "/admin/products?sort=price&page=40",
    "/admin/orders",
    "/admin/orders?page=1900",
    "/admin/orders?status=delivered&page=1500",
    "/admin/orders?status=paid",
    "/admin/orders?from=2025-01-01&to=2030-01-01&page=40",
    "/admin/orders?status=shipped&from=2025-01-01",
    "/admin/orders?q=24711",
    "/admin/orders?q=buyer-47",
    "/admin/orders?q=example.com&page=3",
    "/admin/orders?q=1Z471&status=delivered",
    "/admin/orders?q=nobody-at-all",
    "/admin/orders?q=zz",
    "/admin/orders/4711",
    "/admin/orders/4711/packing-slip",
    "/admin/orders/4800/refund",
    "/admin/orders/pick-list",
    "/admin/inventory",
    "/admin/inventory?page=40",
    "/admin/inventory?q=mount+77",
    "/admin/inventory?q=M-4711",
    "/admin/inventory?level=low",
    "/admin/inventory?level=out",
    "/admin/inventory/4711",
    "/admin/products/new",
    "/admin/products/4711/edit",
    "/admin/products/4711/preview",
    "/admin/categories",
    "/admin/categories/3",
    "/api/admin/stats",
    "/api/admin/orders?status=delivered&page=90",
    "/api/admin/products?page=90",
    "/api/admin/inventory?level=low",
    "/api/admin/shipping",
)


@pytest.fixture(scope="module")
def big(number: int, engine: sa.Engine) -> Iterator[sa.Engine]:
    """The database of the big shop; afterwards every session works on the worker's own again."""
    own = sa.create_engine(fresh_database(f"big_{number}"))
    db.bind(own)
    make_shop()
    make_account("ada")
    with own.begin() as connection:
        fill(connection, alice=make_account("alice"))
    with own.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))  # as autovacuum has done in a shop that is so old
    yield own
    db.release()
    db.bind(engine, join_transaction_mode="conditional_savepoint")
    own.dispose()


@pytest.fixture(scope="module")
def app(config: Config, redis_url: str, big: sa.Engine) -> Flask:
    return create_app(replace(config, redis_url=redis_url), Gateways(payments=FakePayments(), mailer=FakeMailer()))


@pytest.fixture(scope="module")
def ada(app: Flask) -> Desk:
    """Somebody has been here before: what each process remembers of the shop is not read again."""
    ada = Desk(app)
    assert ada.get("/settings").status_code == 200
    return ada


@pytest.fixture(scope="module")
def alice(app: Flask) -> Desk:
    """Who buys and buys, as other people do."""
    return Desk(app, "alice")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_desk_asks_little_and_stays_small(big: sa.Engine, ada: Desk, path: str) -> None:
    pages = []
    asked = Asked(big, lambda: pages.append(ada.get(path)))
    assert pages[0].status_code == 200 and len(pages[0].data) < MOST_BYTES
    assert len(asked.statements) <= MOST_QUERIES, asked.statements
    scans = [found for found in asked.scans() if not any(sums in found for sums in ADD_UP)]
    assert not scans, "\n\n".join(scans)


def test_the_orders_of_an_account_are_found_without_looking_at_anybody_elses(big: sa.Engine, alice: Desk) -> None:
    pages = []
    asked = Asked(big, lambda: pages.append(alice.get("/orders").text))
    assert pages[0].count("Details") == 20
    assert len(asked.statements) <= MOST_QUERIES and not asked.scans()

"""Every address, walked: who may reach it, and what it takes to change something there."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text
from werkzeug.routing import Rule

from mountify import db
from mountify.models.account import Address, OAuthIdentity
from mountify.models.catalogue import Product
from mountify.services import accounts
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.cast import email_of, sign_in, token_of
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.web import ORIGIN, Browser

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
RETURNS = ("checkout.success", "checkout.cancelled", "google.callback")  # each bound to a signed key or state
ROLES = ("guest", "alice", "stan", "ada")

# What a plain request by each role is answered with.
TABLE: dict[str, tuple[int, int, int, int]] = {
    "GET home.index": (200, 200, 200, 200),
    "GET products.index": (200, 200, 200, 200),
    "GET products.show": (301, 301, 301, 301),
    "GET products.find": (404, 404, 404, 404),
    "GET content.show": (200, 200, 200, 200),
    "GET find_order.show": (200, 200, 200, 200),
    "POST find_order.send": (422, 422, 422, 422),
    "GET robots.rules": (200, 200, 200, 200),
    "GET robots.sitemap": (200, 200, 200, 200),
    "GET api.catalogue.list_products": (200, 200, 200, 200),
    "GET api.catalogue.suggest": (200, 200, 200, 200),
    "GET api.catalogue.show_product": (200, 200, 200, 200),
    "GET api.catalogue.list_categories": (200, 200, 200, 200),
    "GET api.catalogue.list_stock": (400, 400, 400, 400),
    "GET api.cart.show": (200, 200, 200, 200),
    "POST api.cart.add_item": (415, 415, 415, 415),
    "PATCH api.cart.set_quantity": (415, 415, 415, 415),
    "DELETE api.cart.remove_item": (404, 404, 404, 404),
    "DELETE api.cart.clear": (200, 200, 200, 200),
    "POST api.checkout.start": (415, 415, 415, 415),
    "GET api.orders.show_by_session": (404, 404, 404, 404),
    "GET api.orders.index": (401, 200, 200, 200),
    "GET api.orders.show": (401, 404, 404, 404),
    "GET api.orders.show_tracking": (401, 404, 404, 404),
    "GET api.addresses.index": (401, 200, 200, 200),
    "POST api.addresses.add": (401, 415, 415, 415),
    "PUT api.addresses.change": (401, 404, 404, 404),
    "DELETE api.addresses.delete": (401, 404, 404, 404),
    "POST api.auth.register": (415, 415, 415, 415),
    "POST api.auth.login": (415, 415, 415, 415),
    "POST api.auth.logout": (200, 200, 200, 200),
    "GET api.auth.show_csrf": (200, 200, 200, 200),
    "POST api.auth.forgot_password": (415, 415, 415, 415),
    "POST api.auth.reset_password": (415, 415, 415, 415),
    "GET api.profile.show": (401, 200, 200, 200),
    "PUT api.profile.save": (401, 415, 415, 415),
    "PUT api.profile.change_password": (401, 415, 415, 415),
    "POST api.profile.change_password": (401, 415, 415, 415),
    "GET api.admin.attention.index": (401, 403, 200, 200),
    "GET api.admin.categories.index": (401, 403, 200, 200),
    "POST api.admin.categories.add": (401, 403, 415, 415),
    "PUT api.admin.categories.change": (401, 403, 404, 404),
    "DELETE api.admin.categories.delete": (401, 403, 404, 404),
    "GET api.admin.stats.show": (401, 403, 200, 200),
    "GET admin.dashboard.index": (303, 403, 200, 200),
    "GET admin.settings.index": (303, 403, 403, 200),
    "POST admin.settings.save": (303, 403, 403, 422),
    "GET admin.settings.show_page": (303, 403, 403, 200),
    "POST admin.settings.save_page": (303, 403, 403, 303),
    "POST admin.settings.call": (303, 403, 403, 303),
    "GET api.admin.inventory.index": (401, 403, 200, 200),
    "PUT api.admin.inventory.change": (401, 403, 415, 415),
    "GET admin.orders.index": (303, 403, 200, 200),
    "GET admin.orders.show_pick_list": (303, 403, 200, 200),
    "GET admin.orders.show": (303, 403, 404, 404),
    "GET admin.orders.show_packing_slip": (303, 403, 404, 404),
    "POST admin.orders.add_note": (303, 403, 404, 404),
    "POST admin.orders.cancel": (303, 403, 404, 404),
    "POST admin.orders.mark_delivered": (303, 403, 404, 404),
    "POST admin.orders.send_again": (303, 403, 422, 422),
    "GET admin.orders.ask_refund": (303, 403, 403, 404),
    "POST admin.orders.refund": (303, 403, 403, 404),
    "GET api.admin.orders.index": (401, 403, 200, 200),
    "GET api.admin.orders.show": (401, 403, 404, 404),
    "PUT api.admin.orders.change": (401, 403, 415, 415),
    "POST api.admin.orders.refund": (401, 403, 403, 415),
    "GET admin.inventory.index": (303, 403, 200, 200),
    "GET admin.inventory.show": (303, 403, 200, 200),
    "POST admin.inventory.set_on_hand": (303, 403, 422, 422),
    "POST admin.inventory.adjust": (303, 403, 422, 422),
    "POST admin.inventory.set_low_level": (303, 403, 422, 422),
    "GET admin.product_form.new": (303, 403, 200, 200),
    "POST admin.product_form.add": (303, 403, 422, 422),
    "GET admin.product_form.edit": (303, 403, 200, 200),
    "POST admin.product_form.save": (303, 403, 422, 422),
    "GET admin.product_form.preview": (303, 403, 200, 200),
    "POST admin.pictures.add": (303, 403, 422, 422),
    "POST admin.pictures.arrange": (303, 403, 303, 303),
    "GET api.admin.pictures.index": (401, 403, 200, 200),
    "POST api.admin.pictures.replace": (401, 403, 415, 415),
    "POST api.admin.pictures.upload": (401, 403, 415, 415),
    "POST api.admin.pictures.delete": (401, 403, 415, 415),
    "GET admin.categories.index": (303, 403, 200, 200),
    "POST admin.categories.add": (303, 403, 422, 422),
    "GET admin.categories.show": (303, 403, 404, 404),
    "POST admin.categories.save": (303, 403, 404, 404),
    "POST admin.categories.move": (303, 403, 404, 404),
    "POST admin.categories.delete": (303, 403, 404, 404),
    "GET api.admin.shipping.index": (401, 403, 200, 200),
    "POST api.admin.shipping.ship": (401, 403, 404, 404),
    "GET admin.shipping.index": (303, 403, 200, 200),
    "GET admin.shipping.show": (303, 403, 404, 404),
    "POST admin.shipping.ship": (303, 403, 404, 404),
    "POST admin.shipping.correct": (303, 403, 404, 404),
    "GET api.admin.products.index": (401, 403, 200, 200),
    "POST api.admin.products.add": (401, 403, 415, 415),
    "GET api.admin.products.show": (401, 403, 200, 200),
    "PUT api.admin.products.replace": (401, 403, 415, 415),
    "PATCH api.admin.products.change": (401, 403, 415, 415),
    "DELETE api.admin.products.delete": (401, 403, 200, 200),
    "GET admin.products.index": (303, 403, 200, 200),
    "GET admin.products.show": (303, 403, 303, 303),
    "POST admin.products.save": (303, 403, 422, 422),
    "POST admin.products.duplicate": (303, 403, 303, 303),
    "POST admin.products.delete": (303, 403, 303, 303),
    "POST admin.products.change_prices": (303, 403, 422, 422),
    "POST admin.products.undo_prices": (303, 403, 404, 404),
    "POST admin.products.set_category": (303, 403, 422, 422),
    "POST admin.products.set_status": (303, 403, 422, 422),
    "GET search.show": (200, 200, 200, 200),
    "GET cart.show": (200, 200, 200, 200),
    "POST cart.add_item": (303, 303, 303, 303),
    "POST cart.update_item": (303, 303, 303, 303),
    "POST cart.remove_item": (303, 303, 303, 303),
    "POST cart.clear": (303, 303, 303, 303),
    "POST cart.accept_item": (303, 303, 303, 303),
    "POST cart.accept": (303, 303, 303, 303),
    "GET checkout.show": (303, 303, 303, 303),
    "POST checkout.start": (422, 422, 422, 422),
    "GET checkout.success": (404, 404, 404, 404),
    "GET checkout.cancelled": (404, 404, 404, 404),
    "GET orders.index": (303, 200, 200, 200),
    "GET orders.show": (404, 404, 404, 404),
    "POST orders.cancel": (404, 404, 404, 404),
    "POST orders.buy_again": (404, 404, 404, 404),
    "GET addresses.index": (303, 200, 200, 200),
    "POST addresses.add": (303, 422, 422, 422),
    "GET addresses.edit": (303, 404, 404, 404),
    "POST addresses.save": (303, 404, 404, 404),
    "POST addresses.make_default": (303, 404, 404, 404),
    "POST addresses.remove": (303, 404, 404, 404),
    "GET auth.signin": (200, 303, 303, 303),
    "POST auth.start_session": (422, 422, 422, 422),
    "POST auth.signout": (303, 303, 303, 303),
    "GET auth.ask_for_proof": (303, 200, 200, 200),
    "POST auth.prove": (303, 422, 422, 422),
    "GET registration.show": (200, 303, 303, 303),
    "POST registration.register": (422, 422, 422, 422),
    "GET registration.show_confirmation": (400, 400, 400, 400),
    "POST registration.confirm": (400, 400, 400, 400),
    "GET email_change.show_confirmation": (400, 400, 400, 400),
    "POST email_change.confirm": (400, 400, 400, 400),
    "GET password_reset.show": (200, 200, 200, 200),
    "POST password_reset.ask": (422, 422, 422, 422),
    "GET password_reset.show_reset": (400, 400, 400, 400),
    "POST password_reset.reset": (400, 400, 400, 400),
    "GET settings.show": (303, 200, 200, 200),
    "POST settings.save_profile": (303, 422, 422, 422),
    "POST settings.change_password": (303, 422, 422, 422),
    "POST settings.mail_password_link": (303, 303, 303, 303),
    "GET email_change.show": (303, 200, 200, 200),
    "POST email_change.ask": (303, 422, 422, 422),
    "POST settings.end_other_sessions": (303, 303, 303, 303),
    "POST settings.end_session": (303, 303, 303, 303),
    "GET account_data.show_download": (303, 200, 200, 200),
    "POST account_data.download": (303, 200, 200, 200),
    "GET account_data.show_closing": (303, 200, 200, 200),
    "POST account_data.close": (303, 303, 303, 303),
    "POST google.start": (404, 404, 404, 404),  # this shop asks no Google; see pages/google
    "GET google.callback": (404, 404, 404, 404),
    "GET google.link": (400, 400, 400, 400),
    "POST google.join": (400, 400, 400, 400),
    "POST google.disconnect": (303, 404, 404, 404),
    "POST theme.set": (303, 303, 303, 303),
    "POST webhooks.stripe": (400, 400, 400, 400),
    "GET health.alive": (200, 200, 200, 200),
    "GET health.ready": (503, 503, 503, 503),  # no worker lives here
    "GET assets.bundle": (404, 404, 404, 404),
    "GET static": (404, 404, 404, 404),
}


def rules(app: Flask) -> list[tuple[str, Rule]]:
    return [
        (method, rule)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def gone_last(route: tuple[str, Rule]) -> bool:
    """A product that is deleted is what no other route can be asked about."""
    return route[1].endpoint in {"admin.products.delete", "api.admin.products.delete"}


def address(app: Flask, rule: Rule) -> str:
    values = {"filename": "nothing.txt", "fingerprint": "00000000", "id_hash": "0" * 64, "slug": "x", "name": "terms"}
    if rule.endpoint == "admin.settings.call":
        values["name"] = "stripe"
    given = {name: values.get(name, 1) for name in rule.arguments if name not in (rule.defaults or {})}
    return str(app.url_map.bind("127.0.0.1").build(rule.endpoint, given, method=next(iter(rule.methods or {"GET"}))))


def test_the_table_names_every_route(app: Flask) -> None:
    assert {f"{method} {rule.endpoint}" for method, rule in rules(app)} == set(TABLE)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_the_table_says(app: Flask, role: str) -> None:
    make_shop()
    product = make_product()
    answers = {}
    for method, rule in sorted(rules(app), key=gone_last):
        browser = Browser(app)
        token = ""
        if gone_last((method, rule)):
            product = make_product()
        if role != "guest":
            sign_in(browser, role)
            page = browser.get(f"/products/{product.id}-{product.slug}").get_data(as_text=True)
            token = page.split('name="csrf_token" value="')[1].split('"')[0]
        data = {"product_id": product.id, "quantity": 1, "csrf_token": token}
        if rule.endpoint == "cart.update_item":
            browser.post("/cart/items", data)
        path = address(app, rule).replace("/1", f"/{product.id}", 1)
        answers[f"{method} {rule.endpoint}"] = (
            browser.get(path) if method == "GET" else browser.post(path, data, method=method)
        ).status_code
    place = ROLES.index(role)
    assert answers == {name: row[place] for name, row in TABLE.items()}


def written() -> int:
    """How many rows this test has added, changed and taken out so far, whatever became of them since."""
    tables = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
    count = int(db.session.scalar(text(tables)) or 0)
    db.release()
    return count


@pytest.mark.parametrize("role", ["guest", "alice"])
def test_reading_writes_nothing_but_for_the_returns_from_outside(app: Flask, role: str) -> None:
    make_shop()
    product, browser = make_product(), Browser(app)
    if role != "guest":
        sign_in(browser, role)
    browser.get("/")
    before = written()
    assert before > 0
    for method, rule in rules(app):
        if method == "GET" and rule.endpoint not in RETURNS:
            path = address(app, rule).replace("/1", f"/{product.id}", 1)
            for look in ("GET", "HEAD"):
                browser.client.open(path, method=look, base_url=ORIGIN)
                assert written() == before, (look, path)
    for endpoint in RETURNS:
        (rule,) = app.url_map.iter_rules(endpoint)
        browser.client.head(address(app, rule), base_url=ORIGIN)
        assert written() == before, endpoint


def test_no_change_comes_from_elsewhere(app: Flask) -> None:
    """The same-origin rule, for every address that changes something, but for signed deliveries."""
    for method, rule in rules(app):
        if method not in UNSAFE or rule.endpoint == "webhooks.stripe":
            continue
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
            answer = app.test_client().open(address(app, rule), method=method, base_url=ORIGIN, headers=headers)
            assert answer.status_code == 403, (rule.endpoint, headers)


def test_a_session_changes_nothing_without_its_token(app: Flask) -> None:
    from mountify.web.csrf import WITHOUT_TOKEN

    make_shop()
    browser = Browser(app)
    sign_in(browser, "alice")
    for method, rule in rules(app):
        if method in UNSAFE and rule.endpoint not in {*WITHOUT_TOKEN, "webhooks.stripe"}:
            assert browser.post(address(app, rule), method=method).status_code == 403, rule.endpoint
    assert "Alice" in browser.get("/settings").get_data(as_text=True)


OF_SOMEBODY = frozenset({"order_id", "address_id", "identity_id"})


def test_other_peoples_things_are_not_found(app: Flask, payments: FakePayments) -> None:
    """Every address that names an order, an address or an identity: its owner gets an answer, Mallory 404."""
    make_shop()
    browser, mallory = Browser(app), Browser(app)
    sign_in(browser, "alice")
    sign_in(mallory, "mallory")
    alice, part, walked = accounts.find_by_email(email_of("alice")) or 0, make_product(stock=99), set()
    for method, rule in rules(app):
        if not OF_SOMEBODY & rule.arguments or rule.endpoint.startswith(("admin.", "api.admin.")):  # the office's: 403
            continue
        walked.add(rule.endpoint)
        things = things_of(alice, part, payments, number=len(walked))
        values = {name: things[name] for name in rule.arguments}
        path = app.url_map.bind("127.0.0.1").build(rule.endpoint, values, method=method)
        for visitor, is_owner in ((mallory, False), (browser, True)):
            data = {"csrf_token": token_of(visitor)}
            answer = visitor.get(path) if method == "GET" else visitor.post(path, data, method=method)
            assert (answer.status_code != 404) is is_owner, (method, path, answer.status_code)
    assert {"orders.show", "addresses.remove", "google.disconnect", "api.orders.show"} <= walked


def things_of(user_id: int, part: Product, payments: FakePayments, *, number: int) -> dict[str, int]:
    """A paid order, the address it went to, and an identity at Google."""
    buyer = Buyer(payments, user_id=user_id)
    buyer.add(part, 1)
    order_id = buyer.buy().order_id
    with transaction() as session:
        identity = OAuthIdentity(issuer="https://accounts.google.com", subject=f"{number}", user_id=user_id)
        session.add(identity)
        session.flush()
        address_id = session.scalars(select(Address.id)).one()
        return {"order_id": order_id, "address_id": address_id, "identity_id": identity.id}

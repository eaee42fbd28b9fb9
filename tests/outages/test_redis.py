"""Redis is gone, hangs, or comes back with an old memory or none: the shop sells, and nobody ended comes back."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import update

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.embedded import EmbeddedRedis
from mountify.embedded.processes import wait_until
from mountify.gateways import Gateways
from mountify.models.account import UserSession
from mountify.models.catalogue import Product
from mountify.services import accounts
from mountify.store import Store, StoreDown
from mountify.transaction import transaction
from mountify.web.limits import limiter
from tests.cast import PASSWORD, email_of, is_signed_in, make_account, sign_in, token_of
from tests.factories import make_category, make_product, make_shop
from tests.fakes import FakePayments
from tests.web import ORIGIN, Browser, field, words

WAYS = ("gone", "hanging")


class Server:
    """A Redis of this file's own, to take away."""

    def __init__(self, folder: Path) -> None:
        self.redis = EmbeddedRedis(folder, fsync=False)
        self.is_stopped = False

    def start(self) -> None:
        self.redis.start()

    def take_away(self, how: str) -> None:
        if how == "gone":
            self.redis.stop()
            return
        assert self.redis.pid is not None
        os.kill(self.redis.pid, signal.SIGSTOP)
        self.is_stopped = True

    def give_back(self) -> None:
        """With everything that it remembered."""
        if self.is_stopped and self.redis.pid is not None:
            os.kill(self.redis.pid, signal.SIGCONT)
        self.is_stopped = False
        self.redis.start()

    def begin_anew(self) -> None:
        """Remembering nothing."""
        self.redis.remove()
        self.redis.start()


@pytest.fixture(scope="module")
def server_of_the_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis") / "data")
    server.start()
    yield server
    server.give_back()
    server.redis.remove()


@pytest.fixture
def server(server_of_the_file: Server) -> Iterator[Server]:
    with Redis.from_url(server_of_the_file.redis.url) as client:
        client.flushall()
    yield server_of_the_file
    server_of_the_file.give_back()


@pytest.fixture
def app(config: Config, gateways: Gateways, database: None, server: Server) -> Flask:
    make_shop()
    return create_app(replace(config, redis_url=server.redis.url, rate_limits=True), gateways)


@pytest.fixture
def product(database: None) -> Product:
    make_shop()
    return make_product("Ledge Phone Stand", stock=50, category_id=make_category("Desk"))


def wait_for_the_store(app: Flask) -> None:
    """Until the shop asks Redis again. It has not asked yet: the first to ask is the request that follows."""
    store: Store = app.extensions["store"]
    assert wait_until(lambda: not store.is_resting, 30)


def badge(browser: Browser) -> int:
    found = re.search(r'id="cart-badge">(\d*)', browser.get("/").get_data(as_text=True))
    assert found
    return int(found[1] or 0)


def stolen_from(browser: Browser, app: Flask | None = None) -> Browser:
    """Another browser with the same session."""
    cookie = browser.client.get_cookie("mountify", domain="127.0.0.1")
    assert cookie
    thief = Browser(app or browser.client.application)
    thief.client.set_cookie("mountify", cookie.value, domain="127.0.0.1")
    return thief


def change_price(product: Product, price: str) -> None:
    with transaction() as session:
        session.get_one(Product, product.id).price = Money.of(price)
    db.release()


@pytest.mark.parametrize("how", WAYS)
def test_the_shop_sells_while_redis_is_away(
    app: Flask, server: Server, product: Product, payments: FakePayments, run_jobs: Callable[[], int], how: str
) -> None:
    make_account("alice")
    browser, reader = Browser(app), Browser(app)
    path = f"/products/{product.id}-{product.slug}"
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    assert reader.get("/products").status_code == 200 and badge(browser) == 1
    server.take_away(how)
    for page in ("/", "/products", "/products?sort=name", path, "/search?q=phone", "/api/products", "/api/cart"):
        assert reader.get(page).status_code == 200, page
    change_price(product, "12.00")
    assert "$12.00" in words(reader.get("/products")) and "$12.00" in words(reader.get(path))

    assert browser.post("/cart/acceptance").status_code == 303
    assert browser.post("/cart/items", {"product_id": product.id, "quantity": 2}).status_code == 303
    assert badge(browser) == 3
    assert browser.post(f"/cart/items/{product.id}", {"quantity": 5}).status_code == 303
    assert badge(browser) == 5 and "5 parts" in words(browser.get("/cart"))
    assert browser.post(f"/cart/items/{product.id}/removal").status_code == 303
    assert badge(browser) == 0
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})

    sign_in(browser, "alice")
    assert is_signed_in(browser) and badge(browser) == 2
    held = stolen_from(browser)
    form = {"email": "sam@example.com", "checkout_key": field(browser.get("/checkout"), "checkout_key")}
    for refused in ({}, {"csrf_token": "x"}):
        assert browser.post("/checkout", form | refused).status_code == 403
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    form |= {"csrf_token": token_of(browser)}
    assert browser.post("/checkout", form, headers=elsewhere).status_code == 403
    place = browser.post("/checkout", form).headers["Location"]
    payments.pay(place.rsplit("/", 1)[1])
    success = payments.asked[-1][1]["success_url"].replace("{CHECKOUT_SESSION_ID}", place.rsplit("/", 1)[1])
    assert "Your order is confirmed." in words(browser.get(success.split("3999", 1)[1]))
    assert badge(browser) == 0
    run_jobs()

    assert browser.post("/auth/signout", {"csrf_token": token_of(browser)}).status_code == 303
    assert not is_signed_in(browser) and not is_signed_in(held)


@pytest.mark.parametrize("how", WAYS)
def test_limits_are_kept_in_memory_while_redis_is_away(app: Flask, server: Server, product: Product, how: str) -> None:
    make_account("alice")
    server.take_away(how)
    browser = Browser(app)
    guess = {"email": email_of("alice"), "password": "a guess", "next": "/"}
    assert [browser.post("/auth/signin", guess).status_code for _ in range(10)] == [401] * 10
    stopped = browser.post("/auth/signin", {**guess, "password": PASSWORD})
    assert stopped.status_code == 429 and 1 <= int(stopped.headers["Retry-After"]) <= 301


@pytest.mark.commits
def test_many_who_find_redis_hanging_at_once_are_all_counted(app: Flask, server: Server, product: Product) -> None:
    """Each of them has asked Redis before the first has learnt that it does not answer."""
    Browser(app).post("/find-my-order", {"email": "sam@example.com"})
    server.take_away("hanging")
    together = threading.Barrier(8)

    def knock(number: int) -> int:
        browser = Browser(app)
        together.wait(30)
        return browser.post("/find-my-order", {"email": "nobody"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(knock, range(8))) == [422] * 8
    last = [Browser(app).post("/find-my-order", {"email": "nobody"}).status_code for _ in range(10)]
    assert last[-1] == 429


def test_who_is_stopped_in_the_moment_redis_dies_is_told_so(app: Flask, server: Server, product: Product) -> None:
    @limiter.limit("1/hour", on_breach=lambda _limit: server.take_away("hanging"))
    def view() -> str:
        return "once"

    app.add_url_rule("/once-an-hour", "once", view)
    browser = Browser(app)
    assert browser.get("/once-an-hour").status_code == 200
    stopped = browser.get("/once-an-hour")
    assert stopped.status_code == 429 and int(stopped.headers["Retry-After"]) >= 1


def test_a_hanging_redis_is_asked_once_and_not_again_and_again(
    config: Config, gateways: Gateways, product: Product
) -> None:
    """A client that repeats by itself makes every request wait that many times."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        calls: list[socket.socket] = []

        def listen() -> None:
            while True:
                try:
                    calls.append(silent.accept()[0])
                except OSError:
                    return

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
            browser = Browser(create_app(replace(config, redis_url=url, rate_limits=True), gateways))
            assert browser.post("/find-my-order", {"email": "nobody"}).status_code == 422
            # The limits: the question, and whether Redis is back. The rest of the shop: one question.
            assert len(calls) <= 3
        finally:
            silent.shutdown(socket.SHUT_RDWR)
            listener.join()
            for call in calls:
                call.close()


@pytest.mark.parametrize("how", WAYS)
def test_a_session_that_ended_meanwhile_stays_dead_when_redis_remembers_it(
    app: Flask, config: Config, gateways: Gateways, server: Server, product: Product, how: str
) -> None:
    alice, bob, carla = Browser(app), Browser(app), Browser(app)
    for browser, name in ((alice, "alice"), (bob, "bob"), (carla, "carla")):
        sign_in(browser, name)
        assert is_signed_in(browser)
    other_process = create_app(replace(config, redis_url=server.redis.url), gateways)
    held, held_elsewhere = stolen_from(alice), stolen_from(alice, other_process)
    assert is_signed_in(held_elsewhere)
    alice_token = token_of(alice)

    server.take_away(how)
    assert alice.post("/auth/signout", {"csrf_token": alice_token}).status_code == 303
    with transaction() as session:
        of_bob = UserSession.user_id == accounts.find_by_email(email_of("bob"))
        session.execute(update(UserSession).where(of_bob).values(revoked_at=utcnow()))
    db.release()
    server.give_back()
    wait_for_the_store(app)

    assert held.post("/cart/removal", {"csrf_token": alice_token}).status_code == 303  # as a guest, who has no cart
    assert not is_signed_in(held) and not is_signed_in(bob)
    assert not is_signed_in(held_elsewhere)
    assert is_signed_in(carla)


@pytest.mark.parametrize("how", WAYS)
def test_numbers_and_pages_that_changed_meanwhile_are_right_when_redis_remembers_others(
    app: Flask, server: Server, product: Product, how: str
) -> None:
    reader, buyer = Browser(app), Browser(app)
    path = f"/products/{product.id}-{product.slug}"
    buyer.post("/cart/items", {"product_id": product.id, "quantity": 1})
    for _ in range(2):
        assert "$14.00" in words(reader.get(path)) and "$14.00" in words(reader.get("/products"))
        assert badge(buyer) == 1

    server.take_away(how)
    change_price(product, "12.00")
    buyer.post("/cart/items", {"product_id": product.id, "quantity": 3})
    server.give_back()
    wait_for_the_store(app)

    assert "$12.00" in words(reader.get(path)) and "$12.00" in words(reader.get("/products"))
    assert badge(buyer) == 4
    for _ in range(2):  # and from now on they are remembered again, and change again
        change_price(product, "13.00")
        assert "$13.00" in words(reader.get(path)) and "$13.00" in words(reader.get("/products"))
        assert "$13.00" in words(reader.get(path))
        buyer.post(f"/cart/items/{product.id}", {"quantity": 7})
        assert badge(buyer) == badge(buyer) == 7


def test_what_a_process_without_requests_could_not_tell_it_tells_by_itself(
    app: Flask, config: Config, gateways: Gateways, server: Server, product: Product
) -> None:
    """The worker sells parts, and has no requests that would ask Redis again."""
    path = f"/products/{product.id}-{product.slug}"
    assert "$14.00" in words(Browser(app).get(path))

    def known() -> object:
        with Redis.from_url(server.redis.url) as client:
            return client.get("catalogue:version")

    before = known()
    assert before
    server.take_away("gone")
    change_price(product, "12.00")
    server.give_back()
    assert known() == before
    assert wait_until(lambda: known() != before, 30)  # of the shop's own code, a timer alone runs here
    other_process = Browser(create_app(replace(config, redis_url=server.redis.url), gateways))
    assert "$12.00" in words(other_process.get(path))


def test_a_redis_that_begins_anew_loses_nobody_anything(app: Flask, server: Server, product: Product) -> None:
    browser, guest = Browser(app), Browser(app)
    sign_in(browser, "alice")
    for shopper, extra in ((browser, {"csrf_token": token_of(browser)}), (guest, {})):
        shopper.post("/cart/items", {"product_id": product.id, "quantity": 2, **extra})
        assert badge(shopper) == 2
    server.begin_anew()
    wait_for_the_store(app)
    assert is_signed_in(browser) and badge(browser) == 2 and badge(guest) == 2
    assert "2 parts" in words(browser.get("/cart")) and "2 parts" in words(guest.get("/cart"))
    assert browser.post("/cart/removal", {"csrf_token": token_of(browser)}).status_code == 303
    assert badge(browser) == 0
    assert browser.client.get("/products", base_url=ORIGIN).status_code == 200


def test_the_store_says_of_everything_from_before_an_outage_that_it_is_in_doubt(server: Server) -> None:
    store = Store(server.redis.url)
    store.ask(lambda redis: redis.set("kept", "1"))
    assert store.recall("kept", "nothing") == (["1", None], 0)
    server.take_away("gone")
    for _ in range(2):
        with pytest.raises(StoreDown):
            store.recall("kept")
    server.give_back()
    assert wait_until(lambda: not store.is_resting, 30)
    known, doubted = store.recall("kept")
    assert known == ["1"] and doubted > 0
    assert store.recall("kept") == (known, doubted)
    assert Store(server.redis.url).recall("kept") == (known, doubted)

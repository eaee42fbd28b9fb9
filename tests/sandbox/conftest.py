"""A sandbox process for the run, emptied before each test, and Stripe's own client pointed at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from .support import Running, Shop, client_of
from .track17_support import Api, Inbox


@pytest.fixture(scope="session")
def shop_of_the_run() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.stop()


@pytest.fixture(scope="session")
def sandbox_of_the_run(tmp_path_factory: pytest.TempPathFactory, shop_of_the_run: Shop) -> Iterator[Running]:
    inbox = Inbox()
    running = Running(tmp_path_factory.mktemp("sandbox"), shop_of_the_run.url, options=inbox.options, inbox=inbox)
    running.start()
    yield running
    assert running.stop() == 0
    inbox.stop()


@pytest.fixture
def shop(shop_of_the_run: Shop) -> Shop:
    return shop_of_the_run


@pytest.fixture
def inbox(sandbox_of_the_run: Running) -> Inbox:
    """Where the shared process brings 17TRACK's webhooks, emptied."""
    sandbox_of_the_run.inbox.empty()
    return sandbox_of_the_run.inbox


@pytest.fixture
def sandbox(sandbox_of_the_run: Running, shop: Shop) -> Running:
    """The shared process, emptied."""
    sandbox_of_the_run.order("/_reset", {})
    shop.received.clear()
    shop.refused.clear()
    shop.attempts = shop.failures_to_come = 0
    shop.thinks_s = 0
    return sandbox_of_the_run


@pytest.fixture
def own_sandbox(tmp_path: Path, shop: Shop, inbox: Inbox) -> Iterator[Running]:
    """A process of the test's own, to kill and start again."""
    running = Running(tmp_path / "data", shop.url, options=inbox.options)
    shop.received.clear()
    shop.failures_to_come = 0
    running.start()
    yield running
    shop.failures_to_come = 0
    if running.process is not None:
        running.stop()


@pytest.fixture
def client(sandbox: Running) -> stripe.StripeClient:
    return client_of(sandbox)


@pytest.fixture
def api(sandbox: Running) -> Api:
    """17TRACK's API as the shop calls it, in the emptied sandbox."""
    return Api(sandbox)

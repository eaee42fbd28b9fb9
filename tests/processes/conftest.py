"""Processes are judged by the same sandbox process as the sandbox's own tests use, or by one that knows their shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis

from mountify import db
from mountify.config import Config
from mountify.embedded.processes import free_port
from tests.databases import empty
from tests.factories import make_product, make_shop
from tests.races.pausing import listening
from tests.sandbox.conftest import sandbox, sandbox_of_the_run, shop, shop_of_the_run
from tests.sandbox.support import Running

from .parts import Parts
from .standing import COMMAND, Standing
from .visit import STOCK, Visit

__all__ = ["sandbox", "sandbox_of_the_run", "shop", "shop_of_the_run"]


@pytest.fixture
def workers(config: Config, database: None, sandbox: Running) -> Iterator[Parts]:
    """Workers to be started, of a shop that hears of no webhook."""
    parts = Parts(config, sandbox)
    yield parts
    parts.stop()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Running]:
    """A sandbox that brings its webhooks to the shop whose parts are to be started."""
    running = Running(tmp_path / "sandbox", f"http://127.0.0.1:{free_port()}/api/webhooks/stripe")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def parts(config: Config, database: None, redis: Redis, outside: Running) -> Iterator[Parts]:
    """A shop to be started part by part."""
    parts = Parts(config, outside, int(outside.webhook_url.split(":")[2].split("/")[0]))
    yield parts
    parts.stop()


@pytest.fixture(scope="module")
def standing(config: Config, engine: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A whole shop for all tests of a module; none of them finds it empty."""
    db.bind(engine, join_transaction_mode="conditional_savepoint")
    make_shop()
    db.release()
    port = free_port()
    outside = Running(tmp_path_factory.mktemp("sandbox"), f"http://127.0.0.1:{port}/api/webhooks/stripe")
    outside.start()
    parts = Parts(config, outside, port)
    with ExitStack() as gates:
        shop = Standing(
            parts, outside, {name: gates.enter_context(listening("")) for name in ("web", "worker", COMMAND)}
        )
        shop.start("worker")
        shop.start("web")
        yield shop
        parts.stop()
    assert outside.stop() == 0
    db.release()
    empty(engine)


@pytest.fixture
def visit(parts: Parts, outside: Running) -> Visit:
    make_shop()
    part = make_product(stock=STOCK)
    db.release()
    return Visit(parts, outside, part)

"""Processes are judged by a sandbox that knows their shop and brings it its webhooks."""

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
from tests.sandbox.support import Running

from .parts import Parts
from .standing import COMMAND, Standing
from .visit import STOCK, Visit


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
    with ExitStack() as stack:
        stack.callback(empty, engine)
        stack.callback(db.release)
        outside.start()
        stack.callback(outside.stop)
        parts = Parts(config, outside, port)
        gates = {name: stack.enter_context(listening("")) for name in ("web", "worker", COMMAND)}
        stack.callback(parts.stop)
        shop = Standing(parts, outside, gates)
        shop.start("worker")
        shop.start("web")
        yield shop


@pytest.fixture
def visit(parts: Parts, outside: Running) -> Visit:
    make_shop()
    part = make_product(stock=STOCK)
    db.release()
    return Visit(parts, outside, part)

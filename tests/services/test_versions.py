"""Versions in Redis of what lies in PostgreSQL: told around each commit, owed while Redis does not listen."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from mountify import freshness, store, versions
from mountify.embedded.processes import wait_until
from mountify.models.account import Setting
from mountify.services import settings
from mountify.store import BREAK_S, Store, StoreDown
from mountify.transaction import transaction
from tests.factories import change_settings, make_shop

VERSION = "catalogue:version"
PATIENCE_S = 10 * BREAK_S


@pytest.fixture
def shared(redis: Redis, redis_url: str) -> Store:
    """The Redis that this process tells."""
    shared = Store(redis_url)
    store.share(shared)
    return shared


@pytest.fixture
def silent() -> Iterator[Redis]:
    """What a Redis looks like that hangs: it takes calls and answers none. Other tests go on with the real one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Store(f"redis://127.0.0.1:{server.getsockname()[1]}/0").redis


def hiccup(shared: Store) -> None:
    def fail(_redis: Redis) -> None:
        raise RedisGone("for a moment")

    with pytest.raises(StoreDown):
        shared.ask(fail)


def told(redis: Redis) -> int:
    return int(redis.get(VERSION) or 0)


@pytest.mark.commits
def test_nothing_is_kept_or_taken_while_a_change_is_committed(
    shared: Store, redis: Redis, database: None, engine: sa.Engine
) -> None:
    """Should the process die there, the moment that was announced passes, and what is read then is kept anew."""
    seen: list[int] = []

    def look(_connection: sa.Connection) -> None:
        seen.append(told(redis) - time.time_ns())
        with pytest.raises(StoreDown):
            freshness.read()

    sa.event.listen(engine, "commit", look)
    try:
        change_settings(name="Bracketeer")
    finally:
        sa.event.remove(engine, "commit", look)
    assert seen and 0 < seen[0] <= versions.CHANGING_NS
    assert freshness.read() == told(redis) <= time.time_ns()


@pytest.mark.commits
def test_a_change_that_is_first_flushed_by_the_commit_is_announced_too(
    shared: Store, redis: Redis, database: None, engine: sa.Engine
) -> None:
    make_shop()
    seen: list[bool] = []

    def look(_connection: sa.Connection) -> None:
        seen.append(told(redis) > time.time_ns())

    sa.event.listen(engine, "commit", look)
    try:
        with transaction() as session:
            session.get_one(Setting, "name").value = {"value": "Bracketeer"}
    finally:
        sa.event.remove(engine, "commit", look)
    assert seen == [True]


def test_an_announced_change_that_fails_is_over_at_once(shared: Store, redis: Redis, database: None) -> None:
    def refuse(_session: sa.orm.Session) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), transaction() as session:
        sa.event.listen(session, "before_commit", refuse)  # after the announcement
        settings.get_shop()
        session.execute(sa.update(Setting).values(value={"value": "Bracketeer"}))
    assert told(redis) and freshness.read() == told(redis)


def test_a_hiccup_just_before_a_change_does_not_keep_it_from_being_told(
    shared: Store, redis: Redis, database: None
) -> None:
    make_shop()
    before = told(redis)
    hiccup(shared)
    change_settings(name="Bracketeer")
    assert before < told(redis) <= time.time_ns()


def test_a_redis_that_hangs_is_insisted_on_once_in_a_break(shared: Store, redis: Redis) -> None:
    asked: list[bool] = []

    def fail(_redis: Redis) -> None:
        asked.append(True)
        raise RedisGone("for good")

    for _ in range(5):
        with pytest.raises(StoreDown):
            shared.ask(fail, urgent=True)
    assert len(asked) == 2


def test_what_redis_did_not_hear_is_owed_and_paid_without_anybody_asking(
    shared: Store, redis: Redis, silent: Redis, monkeypatch: pytest.MonkeyPatch, database: None
) -> None:
    make_shop()
    before = told(redis)
    with monkeypatch.context() as hanging:
        hanging.setattr(shared, "redis", silent)
        change_settings(name="Bracketeer")
        with pytest.raises(StoreDown):
            freshness.read()
    assert wait_until(lambda: told(redis) != before, PATIENCE_S)
    assert told(redis) <= time.time_ns()


def test_what_is_owed_to_one_redis_is_not_paid_to_another(redis: Redis, redis_url: str, database: None) -> None:
    store.share(Store("redis://127.0.0.1:1/0"))
    make_shop()
    store.share(Store(redis_url))
    redis.set(VERSION, 1)
    assert freshness.read() == 1

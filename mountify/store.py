"""Redis, asked briefly and doubted quickly: sessions and limits live here, but the shop sells without it.

What changes while Redis is away it is not told, and it may come back with what it knew before. So whoever finds it back
says first, in Redis itself and to every process, from when on it can be believed again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

TIMEOUT_S = 0.25
BREAK_S = 2.0
_DOUBTED = "store:doubted"  # nanoseconds since 1970; kept for good: what it is about may be kept as long


class StoreDown(Exception):
    """Redis did not answer just now."""


class Store:
    """One client a process. After a failure nothing is asked for two seconds, so that a hanging Redis costs little.

    What is urgent is asked all the same, once in such a break: the failure may have been a hiccup.
    """

    def __init__(self, url: str) -> None:
        self.redis: Redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._lock = threading.Lock()
        self._closed_until = 0.0
        self._has_insisted = False
        self._failures = self._admitted = 0

    @property
    def is_resting(self) -> bool:
        """Say whether Redis has failed just now and is left alone."""
        return time.monotonic() < self._closed_until

    def ask(self, question: Callable[[Redis], Any], *, urgent: bool = False) -> Any:
        """Run one question. Raises StoreDown when Redis does not answer within 250 ms or did not just now."""
        insists = False
        with self._lock:
            if self.is_resting:
                insists = urgent and not self._has_insisted
                if not insists:
                    raise StoreDown
            self._has_insisted = insists
        try:
            self._admit_outages()
            answer = question(self.redis)
        except (RedisError, OSError) as error:
            with self._lock:
                self._failures += 1
                self._closed_until = time.monotonic() + BREAK_S
            raise StoreDown from error
        if insists:
            with self._lock:
                self._closed_until = 0.0
        return answer

    def recall(self, *keys: str) -> tuple[list[str | None], int]:
        """Give what is kept under keys, and the moment (ns since 1970) from before which nothing is to be believed.

        Raises StoreDown.
        """

        def question(redis: Redis) -> Any:
            pipeline = redis.pipeline(transaction=False)
            pipeline.mget(keys)
            pipeline.get(_DOUBTED)
            return pipeline.execute()

        known, doubted = self.ask(question)
        return known, int(doubted or 0)

    def _admit_outages(self) -> None:
        failures = self._failures
        if failures != self._admitted:
            self.redis.set(_DOUBTED, time.time_ns())
            self._admitted = failures


class _Shared:
    store: Store | None = None


def share(store: Store) -> None:
    """From now on this is the Redis that changes of this process are told to."""
    _Shared.store = store


def shared() -> Store | None:
    return _Shared.store


def ask(question: Callable[[Redis], Any], *, urgent: bool = False) -> Any:
    """Run one question on the shared Redis. Raises StoreDown when it does not answer, or when there is none."""
    if _Shared.store is None:
        raise StoreDown
    return _Shared.store.ask(question, urgent=urgent)

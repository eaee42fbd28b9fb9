"""Idempotency keys: the work and its answer are committed together, so a repeat always finds both."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .context import Sandbox

KEEP_S = 24 * 3600

_running: set[tuple[int, str, str]] = set()
_running_lock = threading.Lock()


@dataclass(frozen=True)
class Answer:
    """A stored answer."""

    request: str
    status: int
    body: str
    request_id: str


@contextmanager
def in_progress(sandbox: Sandbox, service: str, key: str) -> Iterator[bool]:
    """Mark a key as being worked on; yields False when another request holds it."""
    entry = (id(sandbox), service, key)
    with _running_lock:
        free = entry not in _running
        if free:
            _running.add(entry)
    try:
        yield free
    finally:
        if free:
            with _running_lock:
                _running.discard(entry)


def fingerprint(*parts: object) -> str:
    """Return what tells two requests apart."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def find(sandbox: Sandbox, service: str, key: str) -> Answer | None:
    """Return the answer stored under a key in the last 24 hours."""
    found = sandbox.store.rows(
        "SELECT request, status, body, request_id FROM answers WHERE service = ? AND key = ? AND created > ?",
        (service, key, sandbox.clock.now() - KEEP_S),
    )
    return Answer(**dict(found[0])) if found else None


def keep(sandbox: Sandbox, service: str, key: str, answer: Answer) -> None:
    """Store an answer inside the transaction that did the work."""
    sandbox.store.change(
        "INSERT OR REPLACE INTO answers (service, key, request, created, status, body, request_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (service, key, answer.request, sandbox.clock.now(), answer.status, answer.body, answer.request_id),
    )

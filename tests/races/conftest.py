"""What is true of every race."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.races.crowd import Observer


@pytest.fixture(scope="module")
def no_deadlock(observer: Observer) -> Iterator[None]:
    """PostgreSQL has broken no deadlock in all tests of a module."""
    before = observer.deadlocks()
    yield
    assert observer.deadlocks() == before

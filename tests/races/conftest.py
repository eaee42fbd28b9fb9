"""An eye on the database while many change it at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.races.crowd import Observer


@pytest.fixture(scope="package")
def observer(engine: sa.Engine) -> Iterator[Observer]:
    observer = Observer(engine)
    yield observer
    observer.close()


@pytest.fixture(scope="module")
def no_deadlock(observer: Observer) -> Iterator[None]:
    """PostgreSQL has broken no deadlock in all tests of a module."""
    before = observer.deadlocks()
    yield
    assert observer.deadlocks() == before

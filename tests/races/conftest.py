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

"""One shop for all tests of this folder: none finds it empty, and each that touches it leaves books that balance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from mountify import db

from .estate import Estate


@pytest.fixture(scope="package")
def estate(engine: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = Estate(tmp_path_factory.mktemp("chaos"), "tests")
    yield estate
    estate.close()
    db.bind(engine, join_transaction_mode="conditional_savepoint")

"""R17: whatever happens to the shop, in whatever order and wherever it dies, it keeps what it promised."""

from __future__ import annotations

import os

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import ShopMachine

pytestmark = pytest.mark.commits

PROFILES = {"ci": (25, 50), "long": (400, 80)}  # examples, steps of each


def test_the_shop_keeps_its_promises(engine: sa.Engine, database: None) -> None:
    examples, steps = PROFILES[os.environ.get("MOUNTIFY_MODEL", "ci")]
    ShopMachine.engine = engine
    run_state_machine_as_test(
        ShopMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )

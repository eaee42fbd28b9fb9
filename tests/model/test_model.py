"""R17: whatever happens to the shop, in whatever order and wherever it dies, it keeps what it promised.

The same choices are played every time, so that nobody's change fails by chance; MOUNTIFY_MODEL=long (`make model`)
plays thousands of steps by chance.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import ShopMachine
from tests.model.planted import BUGS, Plant

pytestmark = pytest.mark.commits

# Nothing is kept: a failure prints the steps that lead to it, and a blob that plays them again.
BASE = settings(
    deadline=None,
    database=None,
    print_blob=True,
    # A step is a handful of transactions, and a rule has to wait until there is something that it can happen to.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
PROFILES = {
    "ci": settings(BASE, max_examples=24, stateful_step_count=50, derandomize=True),
    "long": settings(BASE, max_examples=300, stateful_step_count=80),
}


@pytest.fixture
def machine(engine: sa.Engine, database: None) -> Iterator[type[ShopMachine]]:
    """The same choices lead to the same events: where the shop asks PostgreSQL for chance, it is always the same."""

    def begin(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SELECT setseed(0.5)")
        cursor.close()

    sa.event.listen(engine, "connect", begin)
    ShopMachine.engine = engine
    yield ShopMachine
    sa.event.remove(engine, "connect", begin)


def test_the_shop_keeps_its_promises(machine: type[ShopMachine]) -> None:
    run_state_machine_as_test(machine, settings=PROFILES[os.environ.get("MOUNTIFY_MODEL", "ci")])


@pytest.mark.parametrize("plant", BUGS, ids=lambda plant: plant.__name__)
def test_a_bug_would_be_found(machine: type[ShopMachine], monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    plant(monkeypatch)
    once = settings(PROFILES["ci"], phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError, match=BUGS[plant]):
        run_state_machine_as_test(machine, settings=once)

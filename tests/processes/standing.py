"""A shop of real processes that stands from one test to the next: whoever is killed is started again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import sqlalchemy as sa

from mountify import db
from mountify.models.catalogue import Product
from mountify.transaction import transaction
from tests.factories import make_product
from tests.races.pausing import Pause
from tests.sandbox.support import Running

from .forking import Forked
from .parts import Parts
from .visit import BOUGHT, PATIENCE_S, STOCK, Visit

COMMAND = "command"
_numbers = count(1)


@dataclass
class Standing:
    """Each part tells a gate of its own which points it reaches, so that the right one can be killed there."""

    parts: Parts
    outside: Running
    gates: dict[str, tuple[Pause, str]]
    living: dict[str, Forked] = field(default_factory=dict)

    def start(self, name: str) -> None:
        self.living[name] = self.parts.start(name, checkpoints_at=self.gates[name][1])

    def run(self, *arguments: str) -> int:
        """Run a command of the shop to its end, whatever that is; gives its exit code."""
        self.living[COMMAND] = self.parts.launch("mountify", *arguments, checkpoints_at=self.gates[COMMAND][1])
        return self.living[COMMAND].wait(PATIENCE_S)

    @contextmanager
    def killed_at(self, name: str, point: str, *, waits: bool = False) -> Iterator[None]:
        """Kill a part when it comes to a point, and start it again as the supervisor would; a command stays dead.

        A worker is taken for dead when it has been silent for ten seconds; these are over at once unless it `waits`.
        """
        pause, _ = self.gates[name]
        pause.hold(point)
        with ThreadPoolExecutor(1) as supervisor:
            again = supervisor.submit(self._kill_and_start, name, point, waits)
            yield
            again.result(2 * PATIENCE_S)

    def _kill_and_start(self, name: str, point: str, waits: bool) -> None:
        pause, _ = self.gates[name]
        assert pause.is_reached.wait(PATIENCE_S), f"{name} never came to {point}"
        self.kill(name, waits=waits)
        pause.is_over.set()
        if name != COMMAND:
            self.start(name)

    def kill(self, name: str, *, waits: bool = False) -> None:
        self.parts.kill(self.living[name])
        if name == "worker" and not waits:
            let_time_pass()

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """Whatever is queued meanwhile waits until the block is over."""
        self.kill("worker")
        try:
            yield
        finally:
            self.start("worker")

    def visit(self, part: Product | None = None, quantity: int = BOUGHT) -> Visit:
        """Somebody who was never here before, for a part that is nobody else's unless it is named."""
        part = part or make_product(stock=STOCK)
        db.release()
        return Visit(self.parts, self.outside, part, f"sam-{next(_numbers)}@example.com", quantity)


def let_time_pass() -> None:
    with transaction() as session:
        session.execute(sa.text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"))
    db.release()

"""A shop of real processes that stands from one test to the next: whoever is killed is started again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from mountify import db
from mountify.core import checkpoints
from mountify.transaction import transaction
from tests.races.pausing import Pause
from tests.running import ROOT
from tests.sandbox.support import Running

from .parts import Parts
from .visit import PATIENCE_S

COMMAND = "command"


@dataclass
class Standing:
    """Each part tells a gate of its own which points it reaches, so that the right one can be killed there."""

    parts: Parts
    outside: Running
    gates: dict[str, tuple[Pause, str]]
    living: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        self.living[name] = self.parts.start(name, checkpoints_at=self.gates[name][1])

    def run(self, *arguments: str) -> int:
        """Run a command of the shop to its end, whatever that is; gives its exit code."""
        told = {checkpoints.VARIABLE: self.gates[COMMAND][1]}
        command = subprocess.Popen(
            [sys.executable, "-m", "mountify", *arguments],
            cwd=ROOT,
            env={**self.parts.env, **told},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.living[COMMAND] = command
        self.parts.started.append(command)
        return command.wait(PATIENCE_S)

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

    def mails(self) -> list[dict[str, object]]:
        return list(json.loads(self.outside.get("/mailbox.json").text))


def let_time_pass() -> None:
    with transaction() as session:
        session.execute(sa.text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"))
    db.release()

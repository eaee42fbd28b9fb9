"""One child process: started in a session of its own, known by a mark in its environment, ended with all it started."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from mountify.embedded.processes import Process, end, every_process, launch, tail
from mountify.supervisor.house import ROOT

MARK = "MOUNTIFY_PART_OF"
MOST_DEATHS, WITHIN_S = 5, 60.0
MOST_LOG_BYTES = 5_000_000


@dataclass
class Child:
    """`patience_s` is how long it may take to finish what it is doing when told to end."""

    name: str
    command: list[str]
    env: dict[str, str]
    var: Path
    patience_s: float = 10.0
    _running: subprocess.Popen[bytes] | None = None
    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_DEATHS))
    _again_at: float = 0.0

    @property
    def log(self) -> Path:
        return self.var / "log" / f"{self.name}.log"

    @property
    def is_running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def dies_too_often(self) -> bool:
        return len(self._deaths) == MOST_DEATHS and time.monotonic() - self._deaths[0] < WITHIN_S

    @property
    def last_words(self) -> str:
        return tail(self.log)

    def start(self) -> None:
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > MOST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        env = {**self.env, MARK: str(self.var)}
        self._running = launch(self.command, log=self.log, folder=ROOT, env=env)
        pid_file = self.var / "run" / f"{self.name}.pid"
        pid_file.parent.mkdir(parents=True, exist_ok=True)
        pid_file.write_text(f"{self._running.pid}\n")

    def keep_alive(self) -> None:
        """Start it again when it has died, later each time."""
        if self.is_running:
            return
        now = time.monotonic()
        if self._running is not None:
            self._running = None
            self._deaths.append(now)
            self._again_at = now + 0.2 * 2 ** len(self._deaths)
        if now >= self._again_at:
            self.start()

    def stop(self, *, hurry: bool = False) -> None:
        if self._running is not None:
            group = [process for process in every_process() if process.session == self._running.pid]
            end(group, (signal.SIGTERM, 0.5 if hurry else self.patience_s))
            self._running.wait()
            self._running = None
        (self.var / "run" / f"{self.name}.pid").unlink(missing_ok=True)


def end_leftovers(var: Path) -> int:
    """End what a killed run left behind, however deep; say how many processes there were."""
    left = [process for process in _marked(var) if process.is_alive]
    end(left, (signal.SIGTERM, 10.0))
    return len(left)


def _marked(var: Path) -> list[Process]:
    return [process for process in every_process() if process.environment.get(MARK) == str(var)]

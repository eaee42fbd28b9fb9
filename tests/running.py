"""The whole shop as its owner starts it, for tests that need real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from mountify.embedded.processes import Process, end, every_process, wait_until
from mountify.supervisor.children import MARK

ROOT = Path(__file__).parent.parent
START_S = 120.0


def mountify(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "mountify", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


class Supervisor:
    """`mountify up` in a folder of its own."""

    def __init__(self, var: Path, **settings: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.var, self.env = var, {**kept, "MOUNTIFY_VAR": str(var), **settings}
        self.output: list[str] = []

    def start(self) -> Supervisor:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mountify", "up"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip())
        self.process.stdout.close()

    @property
    def said(self) -> str:
        return "\n".join(self.output)

    def wait_until_ready(self) -> Supervisor:
        is_over = wait_until(
            lambda: "Ctrl-C ends everything." in self.output or self.process.poll() is not None, START_S
        )
        assert is_over and self.process.poll() is None, self.said
        return self

    def wait(self) -> int:
        code = self.process.wait(timeout=60)
        self.reader.join(timeout=10)
        return code

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def end(self) -> None:
        """End whoever keeps this shop running, whoever has started it; who is told to do so ends its parts first."""
        end([process for process in self._family() if MARK not in process.environment], (signal.SIGTERM, 60.0))

    @property
    def is_alive(self) -> bool:
        """Say whether a supervisor of this shop lives, whoever has started it: it holds the servers' locks."""
        return bool(self._family())

    def _family(self) -> list[Process]:
        told = ("MOUNTIFY_VAR", str(self.var))
        return [process for process in every_process() if told in process.environment.items() and process.is_alive]

    def parts(self) -> list[Process]:
        """Everything that this run has started and that still lives."""
        mine = [p for p in every_process() if p.environment.get(MARK) == str(self.var)]
        home = (self.var / "postgres").resolve()
        servers = [p for p in every_process() if p.folder and p.folder in (home / "data", self.var / "redis")]
        return [process for process in (*mine, *servers) if process.is_alive]

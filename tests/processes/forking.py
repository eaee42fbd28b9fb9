"""Parts of the shop without the second in which each reads the shop's code: forked from a process that has read it.

What is forked runs the same module with the same arguments and environment as a new interpreter would.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mountify.embedded.processes import wait_until

STARTS_WITHIN_S = 60.0
_READ = ["granian.cli", "mountify.app", "mountify.cli", "mountify.gateways", "mountify.jobs.worker", "stripe", "resend"]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_READ)
_one_at_a_time = threading.Lock()  # who starts a process asks after all others, and their last words are heard once


class Forked:
    """A process that leads a group of its own."""

    def __init__(self, *command: str, cwd: Path, env: Mapping[str, str], log: Path) -> None:
        """Start a module with its arguments; what it says is added to the log."""
        self.args = command
        self._process = _context.Process(target=_become, args=(command, cwd, dict(env), log))
        with _one_at_a_time:
            self._process.start()
        assert self._process.pid
        self.pid = self._process.pid
        assert wait_until(self._leads, STARTS_WITHIN_S)

    def _leads(self) -> bool:
        with suppress(ProcessLookupError):
            return os.getpgid(self.pid) == self.pid
        return True

    def poll(self) -> int | None:
        """The exit code, negative for a signal; none while it lives."""
        with _one_at_a_time:
            return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Raises TimeoutError."""
        wait_until(lambda: self.poll() is not None, timeout)
        code = self.poll()
        if code is None:
            raise TimeoutError(f"{self.args} did not end within {timeout} s")
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def _become(command: tuple[str, ...], cwd: Path, env: dict[str, str], log: Path) -> None:
    with log.open("ab") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    multiprocessing.set_start_method(None, force=True)  # the platform's own again
    sys.argv[1:] = command[1:]
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)

"""What Linux tells about processes and ports: who is alive, who works in a folder, what is free."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_S = 0.02


class EmbeddedError(Exception):
    """One sentence a person can act on."""


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    started: int
    """Clock ticks since the machine started."""

    @classmethod
    def find(cls, pid: int) -> Process | None:
        fields = _stat(pid)
        return cls(pid, int(fields[19])) if fields else None

    @property
    def is_alive(self) -> bool:
        """Say whether it still runs; one that has ended and waits for its parent does not."""
        fields = _stat(self.pid)
        return bool(fields) and int(fields[19]) == self.started and fields[0] not in "ZX"

    @property
    def session(self) -> int | None:
        fields = _stat(self.pid)
        return int(fields[3]) if fields else None

    @property
    def command(self) -> str:
        return _read(self.pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()

    @property
    def environment(self) -> dict[str, str]:
        pairs = (part.partition(b"=") for part in _read(self.pid, "environ").split(b"\0") if part)
        return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}

    @property
    def name(self) -> str:
        return _read(self.pid, "comm").decode(errors="replace").strip()

    @property
    def folder(self) -> Path | None:
        try:
            return (PROC / str(self.pid) / "cwd").readlink()
        except OSError:
            return None

    def send(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.is_alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


class Server:
    """A server that we start: one process, and the lock on the folder it works in."""

    _lock: int | None = None
    _child: subprocess.Popen[bytes] | None = None
    _process: Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self.is_running and self._process else None

    @property
    def is_running(self) -> bool:
        if self._child:
            self._child.poll()
        return self._process is not None and self._process.is_alive


def every_process() -> Iterator[Process]:
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (process := Process.find(int(entry.name))):
            yield process


def working_in(folder: Path, names: tuple[str, ...]) -> list[Process]:
    """Find the servers that have this folder as theirs: more certain than a pid file, which may lie."""
    real = folder.resolve()
    return [p for p in every_process() if p.folder == real and p.name.startswith(names) and p.is_alive]


def wait_until(is_true: Callable[[], bool], within_s: float) -> bool:
    """Ask again and again until it is true; say whether that happened in time."""
    deadline = time.monotonic() + within_s
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def end(processes: Iterable[Process], *steps: tuple[int, float]) -> None:
    """Send each signal in turn, waiting its seconds, and SIGKILL last. Raises EmbeddedError if even that fails."""
    group = list(processes)
    for number, patience_s in (*steps, (signal.SIGKILL, 10.0)):
        for process in group:
            process.send(number)
        if wait_until(lambda: not any(process.is_alive for process in group), patience_s):
            return
    raise EmbeddedError(f"Processes {[process.pid for process in group]} could not be ended.")


def is_port_free(port: int) -> bool:
    """Say whether a server may listen there on 127.0.0.1. Raises PermissionError where this user may not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise
        except OSError:
            return False
        return True


def free_port() -> int:
    """Draw a port below the kernel's range for outgoing connections, so that none takes it while a server restarts."""
    for _ in range(200):
        port = random.randint(20000, 32000)  # noqa: S311 - not a secret
        if is_port_free(port):
            return port
    raise EmbeddedError("No free port was found between 20000 and 32000.")


def lock(path: Path) -> int | None:
    """Take the lock and return its descriptor, or None while another process holds it. It ends with this process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def launch(
    command: list[str],
    *,
    log: Path,
    folder: Path,
    env: dict[str, str],
    user: tuple[int, int] | None = None,
    feed: str = "",
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that a Ctrl-C meant for the parent does not reach it."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user[0] if user else None,
            group=user[1] if user else None,
            extra_groups=[] if user else None,
        )
    if child.stdin:
        with child.stdin as pipe:
            pipe.write(feed.encode())
    return child


def tail(log: Path, lines: int = 12) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    # The name, second field, may hold spaces and brackets: count from the last bracket.
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""

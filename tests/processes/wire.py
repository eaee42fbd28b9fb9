"""The wire between a process and its server, which can fall silent: neither end hears of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MOST_BYTES = 65536


class Wire:
    """Carries bytes both ways; while it is silent what was sent waits on the way, as do those who call."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._speaks = threading.Event()
        self._speaks.set()
        self._ends: list[socket.socket] = []
        self._entrance = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._entrance.getsockname()[1])
        self._threads = [threading.Thread(target=self._answer, daemon=True)]
        self._threads[0].start()

    def fall_silent(self) -> None:
        self._speaks.clear()

    def speak(self) -> None:
        self._speaks.set()

    def cut(self) -> None:
        """End every call, and take no more of them."""
        self.speak()
        for end in (self._entrance, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in list(self._threads):
            thread.join()

    def _answer(self) -> None:
        with suppress(OSError):  # the entrance is closed
            while True:
                caller, _ = self._entrance.accept()
                server = socket.create_connection(self._to)
                self._ends += [caller, server]
                for pair in ((caller, server), (server, caller)):
                    thread = threading.Thread(target=self._carry, args=pair, daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # one of them has hung up
            while said := source.recv(MOST_BYTES):
                self._speaks.wait()
                target.sendall(said)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def wire_to(host: str, port: int) -> Iterator[Wire]:
    wire = Wire((host, port))
    try:
        yield wire
    finally:
        wire.cut()

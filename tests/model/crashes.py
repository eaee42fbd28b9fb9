"""The shop's process dies at one of its checkpoints, inside this one: as if by kill −9, nothing it holds is put right.

What the shop calls there is a socket (core/checkpoints), and the socket is ours: so a point added tomorrow counts, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from mountify import db
from mountify.core import checkpoints

Dies = int | frozenset[str] | None  # at the n-th checkpoint on the way, or at the first that is not spared


class Killed(BaseException):
    """The process is no more. Nobody may catch this but who started it."""


class Crashes:
    """Stands at every checkpoint, and kills when it was told to: at the n-th, or at the first that is not spared."""

    def __init__(self) -> None:
        self._when: Dies = None
        self.victim: str | None = None
        self.last_victim: str | None = None

    def arm(self, when: Dies) -> None:
        self._when, self.victim = when, None

    def disarm(self) -> str | None:
        """Give the point that killed, if one did."""
        victim, self._when, self.victim = self.victim, None, None
        return victim

    def meet(self, point: str) -> None:
        self.assert_alive()
        if isinstance(self._when, int):
            self._when -= 1
        if self._when == 0 or (isinstance(self._when, frozenset) and point not in self._when):
            self.victim = self.last_victim = point
            db.session().invalidate()  # PostgreSQL sees the connection go, and undoes what was not committed
            raise Killed(point)

    def assert_alive(self, *_context: object) -> None:
        """To be asked by whatever the outside world sees of a process."""
        assert self.victim is None, f"something went on after its process was killed at {self.victim}"

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Be the socket of every checkpoint, and see to it that no dead process commits."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(checkpoints.VARIABLE, "127.0.0.1:0")
            patch.setattr(checkpoints, "socket", SimpleNamespace(create_connection=self._connect))
            event.listen(db.factory, "before_commit", self.assert_alive)
            try:
                yield
            finally:
                event.remove(db.factory, "before_commit", self.assert_alive)

    @contextmanager
    def _connect(self, _address: object, **_options: Any) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(sendall=lambda line: self.meet(line.decode().strip()), recv=lambda _most: b"\n")

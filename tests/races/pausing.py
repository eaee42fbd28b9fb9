"""One action stands still at a named point of the code while its rival runs."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from mountify.core import checkpoints
from mountify.embedded.processes import wait_until
from tests.races.crowd import PATIENCE_S, Observer, outcome_of


class Pause:
    """Holds whoever comes first to a point; every other point, and whoever comes later, passes at once."""

    def __init__(self, point: str) -> None:
        self._one_at_a_time = threading.Lock()
        self.hold(point)

    def hold(self, point: str) -> None:
        """Hold at this point from now on. Whoever stood at an earlier one must have gone on, or be dead."""
        with self._one_at_a_time:
            self._point, self.is_reached, self.is_over = point, threading.Event(), threading.Event()

    def meet(self, point: str) -> None:
        with self._one_at_a_time:
            is_over = self.is_over
            is_mine = point == self._point and not self.is_reached.is_set()
            if is_mine:
                self.is_reached.set()
        if is_mine:
            is_over.wait(PATIENCE_S)


@contextmanager
def listening(point: str) -> Iterator[tuple[Pause, str]]:
    """Listen for checkpoints until the block is over, and give where; then nobody is held any more."""
    pause = Pause(point)

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            pause.meet(self.rfile.readline().decode().strip())
            with suppress(OSError):  # it was killed where it stood
                self.wfile.write(b"\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        server.daemon_threads = True  # not waited for: who was stopped before it said where it is says nothing
        listener = threading.Thread(target=server.serve_forever, args=(0.01,))
        listener.start()
        try:
            yield pause, f"127.0.0.1:{server.server_address[1]}"
        finally:
            pause.is_over.set()
            server.shutdown()
            listener.join()


@contextmanager
def pause_at(point: str) -> Iterator[Pause]:
    """Listen for the checkpoints of this process until the block is over; then nobody is held any more."""
    with listening(point) as (pause, address), pytest.MonkeyPatch.context() as patch:
        patch.setenv(checkpoints.VARIABLE, address)
        yield pause


def run_while_held(
    point: str,
    first: Callable[[], object],
    rivals: list[Callable[[], object]],
    observer: Observer,
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[object]:
    """Hold `first` at a point, let its rivals run until they are done or wait for its locks, then let it go on.

    Gives what each has returned or raised, `first` before its rivals. `meanwhile` happens before the rivals start.
    """
    with pause_at(point) as pause, ThreadPoolExecutor(1 + len(rivals)) as pool:
        held = pool.submit(outcome_of, first)
        assert wait_until(lambda: pause.is_reached.is_set() or held.done(), PATIENCE_S)
        assert pause.is_reached.is_set(), f"{point} was never reached: {held.result()!r}"
        meanwhile()
        others = [pool.submit(outcome_of, rival) for rival in rivals]

        def all_stand() -> bool:
            running = sum(not other.done() for other in others)
            return running <= observer.waiting()

        stand = wait_until(all_stand, PATIENCE_S)
        pause.is_over.set()
        assert stand, "a rival neither ended nor waited for a lock"
        return [future.result(PATIENCE_S) for future in (held, *others)]

"""A part is killed where it stands, and started again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import sqlalchemy as sa

from mountify import db
from mountify.transaction import transaction
from tests.races.pausing import listening

from .parts import Parts
from .visit import PATIENCE_S


def nothing() -> None:
    pass


@contextmanager
def killed_at(
    parts: Parts, name: str, point: str, before: Callable[[], None] = nothing, *, waits: bool = False
) -> Iterator[None]:
    """Start a part. When it comes to a point it is killed there, and started again as the supervisor would.

    A worker is taken for dead when it has been silent for ten seconds; these are over at once unless the test `waits`.
    """
    with listening(point) as (pause, address), ThreadPoolExecutor(1) as supervisor:
        part = parts.start(name, checkpoints_at=address)

        def kill_and_start() -> None:
            assert pause.is_reached.wait(PATIENCE_S), f"{name} never came to {point}"
            before()
            parts.kill(part)
            if not waits:
                let_time_pass()
            parts.start(name)

        again = supervisor.submit(kill_and_start)
        yield
        again.result(2 * PATIENCE_S)


def let_time_pass() -> None:
    with transaction() as session:
        session.execute(sa.text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"))
    db.release()

"""The sandbox's clock: real time plus an offset that survives a restart."""

import time
from datetime import UTC, datetime

from .store import Store


class Clock:
    """Tell the sandbox's time and move it ahead."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> int:
        """Return seconds since the epoch, offset included."""
        return int(time.time()) + self.offset()

    def monotonic(self) -> float:
        """Return seconds that only grow, to measure spans by; they move ahead with the clock."""
        return time.monotonic() + self.offset()

    def iso(self) -> str:
        """Return the time as Resend writes it."""
        return datetime.fromtimestamp(time.time() + self.offset(), UTC).isoformat()

    def offset(self) -> int:
        """Return how many seconds the clock is ahead of real time."""
        return int(self._store.setting("clock_offset", "0"))

    def advance(self, seconds: int) -> None:
        """Move the clock ahead."""
        with self._store.transaction():
            self._store.set_setting("clock_offset", str(self.offset() + seconds))

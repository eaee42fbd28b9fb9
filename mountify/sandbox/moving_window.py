"""How often 17TRACK lets a key call: three times in any second, then HTTP 429.

https://asset.17track.net/api/document/v2.2_en/index.html
"""

import threading
from collections import deque

MOST_CALLS = 3
WINDOW_S = 1.0


class MovingWindow:
    """Let a key through while fewer than `most` of its calls were let through in the last `seconds`."""

    def __init__(self, most: int = MOST_CALLS, seconds: float = WINDOW_S) -> None:
        self._most = most
        self._seconds = seconds
        self._lock = threading.Lock()
        self._let_through: dict[str, deque[float]] = {}

    def admit(self, key: str, now: float) -> bool:
        """Say whether a call that arrives now may go on; `now` is any clock that only grows."""
        with self._lock:
            calls = self._let_through.setdefault(key, deque(maxlen=self._most))
            if len(calls) == self._most and now - calls[0] < self._seconds:
                return False
            calls.append(now)
            return True

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._let_through.clear()

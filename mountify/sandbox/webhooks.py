"""Keep events as rows and bring them to the shop until it takes them: one background thread a vendor."""

import sqlite3
import threading
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from email.message import Message
from typing import IO, ClassVar

from .store import Doc, Store

TIMEOUT_S = 10.0
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 60.0
_IDLE_S = 1.0
_WAITING = "FROM deliveries WHERE delivered = 0 AND (SELECT kind FROM objects WHERE objects.id = event_id) = ?"


class Destination(ABC):
    """Where one vendor's events go, how it writes and signs them. Without a URL they are kept and not sent."""

    kind: ClassVar[str]  # what its events are called in the store
    type_name: ClassVar[str]  # the field that says what has happened
    signs_time: ClassVar[bool]

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.secret = secret

    @abstractmethod
    def encode(self, event: Doc) -> bytes:
        """Return an event as the bytes that are signed and sent."""

    @abstractmethod
    def headers(self, payload: bytes, secret: str, signed_at: int) -> dict[str, str]:
        """Return the vendor's headers, signature included."""

    @abstractmethod
    def tampered(self, event: Doc) -> Doc:
        """Return the event as a thief on the way would have it."""

    @abstractmethod
    def related(self, store: Store, event: Doc) -> list[Doc]:
        """Return every event of the same thing, newest first."""

    def is_taken(self, status: int) -> bool:
        """Say whether the shop's answer ends the redelivery."""
        return 200 <= status < 300

    def note_taken(self, store: Store, event_id: str) -> None:  # noqa: B027 (most vendors keep no such note)
        """Keep what the vendor notes of a delivery that was taken, inside the caller's transaction."""


class Webhooks:
    """Deliver one destination's events in order, retry with backoff; a shop that is deaf to one vendor hears others."""

    def __init__(
        self, store: Store, destination: Destination, *, before_round: Callable[[], None] = lambda: None
    ) -> None:
        self.destination = destination
        self._store = store
        self._before_round = before_round
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._under_way = threading.Lock()

    def record(self, event: Doc) -> None:
        """Store an event and its delivery inside the caller's transaction."""
        self._store.save(event, self.destination.kind)
        if self.destination.url:
            self._store.change(
                "INSERT INTO deliveries (event_id, seq, next_at) SELECT id, seq, ? FROM objects WHERE id = ?",
                (time.time(), event["id"]),
            )
            self._wake.set()

    def find(self, asked: str) -> Doc | None:
        """Return an event by id, or the newest of a type."""
        kind, of_type = self.destination.kind, f"json_extract(doc, '$.{self.destination.type_name}') = ?"
        return self._store.find(kind, asked) or next(iter(self._store.select(kind, [(of_type, (asked,))], 1)), None)

    def listed(self, most: int = 50) -> list[sqlite3.Row]:
        """Return the newest deliveries with what has happened, for the pages."""
        return self._store.rows(
            "SELECT deliveries.*, json_extract(doc, ?) AS type, json_extract(doc, '$.data.number') AS number "
            "FROM deliveries JOIN objects ON id = event_id WHERE kind = ? ORDER BY deliveries.seq DESC LIMIT ?",
            (f"$.{self.destination.type_name}", self.destination.kind, most),
        )

    def start(self) -> None:
        """Start the delivery thread."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name=f"{self.destination.kind} webhooks", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """Stop the delivery thread; a delivery under way is repeated at the next start."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None

    def wake(self) -> None:
        """Look for due deliveries now."""
        self._wake.set()

    def wait_until_idle(self) -> None:
        """Return once nothing is under way to the shop: what was emptied before does not arrive after."""
        with self._under_way:
            return

    def send(
        self, event: Doc, *, secret: str = "", signed_at: float | None = None, instead: Doc | None = None
    ) -> tuple[int, str]:
        """Sign an event and post it, or another one under its signature.

        Returns the shop's status (0 when it did not answer) and a sentence.
        """
        to = self.destination
        payload = to.encode(event)
        headers = to.headers(payload, secret or to.secret, int(time.time() if signed_at is None else signed_at))
        return _post(to.url, payload if instead is None else to.encode(instead), headers)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self._before_round()
                self._deliver_due()
            except Exception as error:  # the thread must outlive anything, a failed round is tried again
                print(f"sandbox: webhook round failed: {type(error).__name__}: {error}", flush=True)
            self._wake.wait(self._pause_s())

    def _deliver_due(self) -> None:
        due = self._store.rows(
            f"SELECT event_id {_WAITING} AND next_at <= ? ORDER BY seq LIMIT 100",
            (self.destination.kind, time.time()),
        )
        for row in due:
            if self._stop.is_set():
                return
            with self._under_way:
                self._deliver(str(row["event_id"]))

    def _deliver(self, event_id: str) -> None:
        event = self._store.find(self.destination.kind, event_id)
        if event is None:  # emptied meanwhile
            return
        status, sentence = self.send(event)
        with self._store.transaction():
            if self.destination.is_taken(status):
                self._store.change(
                    "UPDATE deliveries SET delivered = 1, attempts = attempts + 1, last_answer = ? WHERE event_id = ?",
                    (sentence, event_id),
                )
                self.destination.note_taken(self._store, event_id)
                return
            attempts = self._store.rows("SELECT attempts FROM deliveries WHERE event_id = ?", (event_id,))
            if attempts:
                self._store.change(
                    "UPDATE deliveries SET attempts = attempts + 1, next_at = ?, last_answer = ? WHERE event_id = ?",
                    (time.time() + retry_after_s(attempts[0]["attempts"]), sentence, event_id),
                )

    def _pause_s(self) -> float:
        upcoming = self._store.rows(
            f"SELECT min(next_at) AS next_at {_WAITING}",
            (self.destination.kind,),
        )
        next_at = upcoming[0]["next_at"]
        return _IDLE_S if next_at is None else min(_IDLE_S, max(0.02, next_at - time.time()))


def retry_after_s(attempts: int) -> float:
    """Return the pause after so many failed attempts: 1, 2, 4, 8 … 60 seconds."""
    return float(min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** min(attempts, 10)))


def _post(url: str, payload: bytes, headers: dict[str, str]) -> tuple[int, str]:
    if not url:
        return 0, "no address to send it to"
    request = urllib.request.Request(  # noqa: S310 (the address comes from the command line)
        url, data=payload, method="POST", headers=headers
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
            return int(answer.status), f"{answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return error.code, f"{error.code}"
    except (OSError, ValueError) as error:
        return 0, f"no answer: {type(error).__name__}"
    except Exception as error:  # http.client raises its own kinds for broken answers
        return 0, f"broken answer: {type(error).__name__}"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Take a redirect for what it is to the vendors: a failed delivery."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())

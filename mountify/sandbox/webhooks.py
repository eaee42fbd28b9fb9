"""Sign events as Stripe does and bring them to the shop until it says 2xx."""

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from typing import IO

from .ids import new_id
from .store import Doc, Store

API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 10.0
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 60.0
_IDLE_S = 1.0


class Webhooks:
    """Keep events as rows, deliver them in order from one background thread, retry with backoff."""

    def __init__(self, store: Store, url: str, secret: str, *, before_round: Callable[[], None]) -> None:
        self._store = store
        self._url = url
        self._secret = secret
        self._before_round = before_round
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def record(
        self, event_type: str, obj: Doc, *, created: int, idempotency_key: str | None, request_id: str | None
    ) -> Doc:
        """Store an event and its delivery inside the caller's transaction."""
        event: Doc = {
            "id": new_id("evt_1"),
            "object": "event",
            "api_version": API_VERSION,
            "created": created,
            "data": {"object": obj},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": request_id, "idempotency_key": idempotency_key},
            "type": event_type,
        }
        self._store.save(event)
        self._store.change(
            "INSERT INTO deliveries (event_id, seq, next_at) SELECT id, seq, ? FROM objects WHERE id = ?",
            (time.time(), event["id"]),
        )
        self._wake.set()
        return event

    def start(self) -> None:
        """Start the delivery thread."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop the delivery thread; a delivery under way is repeated at the next start."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None

    def wake(self) -> None:
        """Look for due deliveries now."""
        self._wake.set()

    def send(self, payload: bytes, *, secret: str = "", signed_at: float | None = None) -> tuple[int, str]:
        """Post one signed payload; return the shop's status (0 when it did not answer) and a sentence."""
        header = signature(payload, secret or self._secret, int(time.time() if signed_at is None else signed_at))
        return self.post(payload, header)

    def post(self, payload: bytes, signature_header: str) -> tuple[int, str]:
        """Post a payload with the given signature."""
        request = urllib.request.Request(  # noqa: S310 (the address comes from the command line)
            self._url,
            data=payload,
            method="POST",
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                "Stripe-Signature": signature_header,
            },
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

    def sign(self, payload: bytes) -> str:
        """Return a good signature for a payload, made now."""
        return signature(payload, self._secret, int(time.time()))

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
            "SELECT event_id FROM deliveries WHERE delivered = 0 AND next_at <= ? ORDER BY seq LIMIT 100",
            (time.time(),),
        )
        for row in due:
            if self._stop.is_set():
                return
            self._deliver(str(row["event_id"]))

    def _deliver(self, event_id: str) -> None:
        event = self._store.find("event", event_id)
        if event is None:  # emptied meanwhile
            return
        status, sentence = self.send(encode(event))
        with self._store.transaction():
            if 200 <= status < 300:
                self._store.change(
                    "UPDATE deliveries SET delivered = 1, attempts = attempts + 1, last_answer = ? WHERE event_id = ?",
                    (sentence, event_id),
                )
                self._store.change(
                    "UPDATE objects SET doc = json_set(doc, '$.pending_webhooks', 0) WHERE id = ?", (event_id,)
                )
                return
            attempts = self._store.rows("SELECT attempts FROM deliveries WHERE event_id = ?", (event_id,))
            if attempts:
                self._store.change(
                    "UPDATE deliveries SET attempts = attempts + 1, next_at = ?, last_answer = ? WHERE event_id = ?",
                    (time.time() + retry_after_s(attempts[0]["attempts"]), sentence, event_id),
                )

    def _pause_s(self) -> float:
        upcoming = self._store.rows("SELECT min(next_at) AS next_at FROM deliveries WHERE delivered = 0")
        next_at = upcoming[0]["next_at"]
        return _IDLE_S if next_at is None else min(_IDLE_S, max(0.02, next_at - time.time()))


def retry_after_s(attempts: int) -> float:
    """Return the pause after so many failed attempts: 1, 2, 4, 8 … 60 seconds."""
    return float(min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** min(attempts, 10)))


def encode(event: Doc) -> bytes:
    """Return an event as the bytes that are signed and sent."""
    return json.dumps(event, indent=2).encode()


def signature(payload: bytes, secret: str, timestamp: int) -> str:
    """Return a Stripe-Signature header: HMAC-SHA256 of `timestamp.payload`."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Take a redirect for what it is to Stripe: a failed delivery."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())

"""Brings Stripe's webhooks to the shop as a bad network would: some twice, some late or out of order, some never."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOST, LATEST_S, AGAIN_S = 0.04, 3.0, 0.5
COPIES = (1, 1, 1, 2, 3)
CARRIERS = 2
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(order=True)
class Letter:
    due: float
    event: str = field(compare=False)
    payload: bytes = field(compare=False)
    headers: dict[str, str] = field(compare=False)


class Courier:
    """Takes every delivery at once, and tries each copy of it until the shop takes it."""

    def __init__(self, to: str, seed: str) -> None:
        self.to = to
        self.taken: set[str] = set()
        """The events that the shop has acknowledged: those it must have stored."""
        self.answers: Counter[int] = Counter()
        self.lost = 0
        self._chance = random.Random(f"courier {seed}")
        self._bag: list[Letter] = []
        self._carried = 0
        self._news = threading.Condition()
        self._is_over = False
        courier = self

        class Box(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                kept = {name: self.headers[name] for name in ("Content-Type", "Stripe-Signature")}
                courier._take(payload, kept)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Box)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)]
        self._threads += [threading.Thread(target=self._carry, daemon=True) for _ in range(CARRIERS)]
        for thread in self._threads:
            thread.start()

    @property
    def is_idle(self) -> bool:
        with self._news:
            return not self._bag and not self._carried

    def hurry(self) -> None:
        """Whatever is late is due now."""
        with self._news:
            for letter in self._bag:
                letter.due = 0.0
            self._news.notify_all()

    def stop(self) -> None:
        with self._news:
            self._is_over = True
            self._news.notify_all()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def _take(self, payload: bytes, headers: dict[str, str]) -> None:
        event = str(json.loads(payload)["id"])
        with self._news:
            if self._chance.random() < LOST:
                self.lost += 1
                return
            for _ in range(self._chance.choice(COPIES)):
                late = self._chance.choice((0.0, self._chance.uniform(0, LATEST_S)))
                self._bag.append(Letter(time.monotonic() + late, event, payload, headers))
            self._news.notify_all()

    def _carry(self) -> None:
        while (letter := self._next()) is not None:
            status = self._bring(letter)
            with self._news:
                self._carried -= 1
                self.answers[status] += 1
                if status == 200:
                    self.taken.add(letter.event)
                else:
                    letter.due = time.monotonic() + AGAIN_S
                    self._bag.append(letter)

    def _next(self) -> Letter | None:
        """Wait for a letter that is due."""
        with self._news:
            while not self._is_over:
                letter = min(self._bag, default=None)
                now = time.monotonic()
                if letter is not None and letter.due <= now:
                    self._bag.remove(letter)
                    self._carried += 1
                    return letter
                self._news.wait(None if letter is None else letter.due - now)
        return None

    def _bring(self, letter: Letter) -> int:
        request = urllib.request.Request(self.to, letter.payload, letter.headers)
        with suppress(OSError, HTTPException):
            try:
                with _OPENER.open(request, timeout=10) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code
        return 0

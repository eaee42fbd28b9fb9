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
from email.message import Message
from http.client import HTTPException

from tests.processes.parts import NO_PROXY
from tests.sandbox.support import Receiver

LOST, LATEST_S, AGAIN_S = 0.04, 3.0, 0.5
COPIES = (1, 1, 1, 2, 3)
CARRIERS = 2
_OPENER = urllib.request.build_opener(NO_PROXY)


@dataclass(order=True)
class Letter:
    due: float
    event: str = field(compare=False)
    payload: bytes = field(compare=False)
    headers: dict[str, str] = field(compare=False)


class Courier(Receiver):
    """Takes every delivery at once, and tries each copy of it until the shop takes it."""

    path = "/"

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
        super().__init__()
        self._carriers = [threading.Thread(target=self._carry, daemon=True) for _ in range(CARRIERS)]
        for carrier in self._carriers:
            carrier.start()

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
        super().stop()
        for carrier in self._carriers:
            carrier.join()

    def take(self, payload: bytes, headers: Message) -> int:
        """Stripe is told that it has arrived, whatever becomes of it."""
        event = str(json.loads(payload)["id"])
        kept = {name: str(headers[name]) for name in ("Content-Type", "Stripe-Signature")}
        with self._news:
            if self._chance.random() < LOST:
                self.lost += 1
                return 200
            for _ in range(self._chance.choice(COPIES)):
                late = self._chance.choice((0.0, self._chance.uniform(0, LATEST_S)))
                self._bag.append(Letter(time.monotonic() + late, event, payload, kept))
            self._news.notify_all()
        return 200

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

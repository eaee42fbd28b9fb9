"""A shopper's phone: it asks again while nobody answers, and notes what it was told."""

from __future__ import annotations

import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

from tests.processes.parts import Shopper

NOBODY, HALF = 0, -1  # nobody who takes a call, and one who hangs up before the answer is over
TRY_AGAIN = frozenset({NOBODY, HALF, 429, 503})
TIMEOUT_S = 30.0


class OutOfTime(Exception):
    """The deadline of the whole run is over."""


@dataclass
class Answer:
    status: int
    text: str = ""
    location: str = ""


@dataclass
class Told:
    """Every answer that any phone got, by its status, and each that no shopper should ever see."""

    deadline: float
    """Of time.monotonic(): after it nobody tries again."""
    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: Answer, asked: str) -> None:
        with self._one_at_a_time:
            self.answers[answer.status] += 1
            if answer.status not in (TRY_AGAIN | {200, 303, 410}):
                self.wrong.append(f"{answer.status} for {asked}")

    def complain(self, what: str) -> None:
        with self._one_at_a_time:
            self.wrong.append(what)


class Phone(Shopper):
    def __init__(self, url: str, told: Told, chance: random.Random) -> None:
        super().__init__(url)
        self.told, self._chance = told, chance
        self.address = ".".join(str(chance.randint(1, 250)) for _ in range(4))
        self._hesitation = threading.Event()

    def ask(self, path: str, **form: str) -> Answer:
        """Ask once; with a form, send it."""
        body = urllib.parse.urlencode(form).encode() if form else None
        headers = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": self.address}
        answer = self._ask(urllib.request.Request(self.url + path, body, headers))
        self.told.note(answer, path.partition("?")[0])
        return answer

    def insist(self, path: str, **form: str) -> Answer:
        """Ask until the shop can answer. Raises OutOfTime."""
        return self.until(lambda: self.ask(path, **form))

    def until(self, step: Callable[[], Answer]) -> Answer:
        while (answer := step()).status in TRY_AGAIN:
            self.hesitate()
        return answer

    def hesitate(self) -> None:
        """As long as it takes a finger to try again. Raises OutOfTime."""
        if time.monotonic() > self.told.deadline:
            raise OutOfTime
        self._hesitation.wait(self._chance.uniform(0.1, 0.6))

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            try:
                with self.opener.open(request, timeout=TIMEOUT_S) as answer:
                    return Answer(answer.status, answer.read().decode())
            except urllib.error.HTTPError as answer:
                with answer:
                    return Answer(answer.code, answer.read().decode(), answer.headers.get("Location", ""))
        except (IncompleteRead, RemoteDisconnected):
            return Answer(HALF)
        except (OSError, HTTPException):
            return Answer(NOBODY)

"""What strikes the shop, drawn from a seed: who is hit and how, and how long it takes until somebody comes."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from .estate import PARTS, SERVERS, Estate

LONGEST_AWAY_S, LONGEST_STILL_S = 1.0, 3.0
WAYS = ("kill", "end", "stand still")
ALL = (*PARTS, *SERVERS)


@dataclass(frozen=True)
class Strike:
    way: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.way} {'everything' if self.names == ALL else ' '.join(self.names)}"


MUST = [Strike("kill", (name,)) for name in ALL]
DECK = [
    *(Strike(way, (name,)) for name in ALL for way in WAYS),
    Strike("forget", ("redis",)),
    Strike("kill", PARTS),
    Strike("kill", ALL),
]


def draw(count: int, chance: random.Random) -> list[Strike]:
    """Draw so many, in any order; every single one is killed before anything else is repeated."""
    drawn = list(MUST)
    while len(drawn) < count:
        drawn += chance.sample(DECK, len(DECK))
    drawn = drawn[:count]
    chance.shuffle(drawn)
    return drawn


class Storm:
    """Strikes whenever the crowd has come so far, and looks after whoever has died meanwhile."""

    def __init__(self, estate: Estate, strikes: list[Strike], chance: random.Random) -> None:
        self.estate, self.strikes, self._chance = estate, strikes, chance
        self.struck: Counter[str] = Counter()
        self._pause = threading.Event()

    def rage(self, progress: Callable[[], float]) -> None:
        """Until all has struck that was drawn, or the crowd has gone (progress 1)."""
        for number, strike in enumerate(self.strikes):
            due = (number + self._chance.random()) / len(self.strikes) * 0.95
            while progress() < due:
                self.estate.look_after()
                self._pause.wait(0.02)
            self.estate.look_after()
            self.strike(strike)

    def strike(self, strike: Strike) -> None:
        names = strike.names
        self.struck[str(strike)] += 1
        match strike.way:
            case "stand still":
                self.estate.stand_still(*names)
                self._pause.wait(self._chance.uniform(0.2, LONGEST_STILL_S))
                self.estate.go_on(*names)
                return
            case "forget":
                self.estate.forget_redis()
                return
            case "kill":
                self.estate.kill(*names)
            case "end":
                self.estate.end(*names)
        self._pause.wait(self._chance.uniform(0, LONGEST_AWAY_S))
        self.estate.start(*sorted(names, key=[*SERVERS, *PARTS].index))

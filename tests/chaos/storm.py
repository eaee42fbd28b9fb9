"""What strikes the shop, drawn from a seed: who is hit and how, and how long it takes until somebody comes."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from .estate import PARTS, SERVERS, Estate

LONGEST_AWAY_S, LONGEST_STILL_S = 1.0, 3.0
ALL = (*PARTS, *SERVERS)


@dataclass(frozen=True)
class Strike:
    """`for_s`: how long somebody stands still, drawn unless it is named."""

    way: str
    names: tuple[str, ...]
    for_s: float | None = None

    def __str__(self) -> str:
        return f"{self.way} {'everything' if self.names == ALL else ' '.join(self.names)}"


MUST = [Strike("kill", (name,)) for name in ALL]
KILLS = [*MUST, Strike("kill", PARTS), Strike("kill", ALL)]
OTHERS = [*(Strike(way, (name,)) for name in ALL for way in ("end", "stand still")), Strike("forget", ("redis",))]
KILLS_FOR_EACH_OTHER = 4


def draw(kills: int, chance: random.Random) -> list[Strike]:
    """Draw so many kills, every single one before any is repeated, and in between some that end, stop or forget."""
    drawn = _deal(MUST, KILLS, kills, chance) + _deal([], OTHERS, kills // KILLS_FOR_EACH_OTHER, chance)
    chance.shuffle(drawn)
    return drawn


def _deal(first: list[Strike], deck: list[Strike], count: int, chance: random.Random) -> list[Strike]:
    dealt = list(first)
    while len(dealt) < count:
        dealt += chance.sample(deck, len(deck))
    return dealt[:count]


class Storm:
    """Strikes whenever the crowd has come so far, and looks after whoever has died meanwhile."""

    def __init__(self, estate: Estate, strikes: list[Strike], chance: random.Random) -> None:
        self.estate, self.strikes, self._chance = estate, strikes, chance
        self.struck: Counter[str] = Counter()
        self._pause = threading.Event()

    def rage(self, progress: Callable[[], float]) -> None:
        """Until all has struck that was drawn; nobody strikes a shop whose crowd has gone (progress 1)."""
        for number, strike in enumerate(self.strikes):
            due = (number + self._chance.random()) / len(self.strikes) * 0.95
            while progress() < due:
                self.estate.look_after()
                self._pause.wait(0.02)
            if progress() >= 1.0:
                return
            self.estate.look_after()
            self.strike(strike)

    def off(self) -> list[str]:
        fell, drawn = self.struck.total(), len(self.strikes)
        return [f"only {fell} of {drawn} strikes fell among shoppers"] if fell < drawn else []

    def strike(self, strike: Strike) -> None:
        names = strike.names
        self.struck[str(strike)] += 1
        match strike.way:
            case "stand still":
                self.estate.stand_still(*names)
                self._pause.wait(strike.for_s or self._chance.uniform(0.2, LONGEST_STILL_S))
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

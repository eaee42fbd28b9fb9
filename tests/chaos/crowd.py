"""Shoppers, a few at a time, until so many orders have been placed; each comes with an empty cart."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import operator
from .errand import Errand, Ledger
from .estate import Estate
from .phone import OutOfTime, Told

AT_ONCE = 8
MOST_VISITS = 3  # for each order that is wanted


@dataclass
class Crowd:
    estate: Estate
    seed: str
    orders: int
    scarce: list[int]
    plenty: list[int]
    told: Told
    ledger: Ledger
    placed: set[str] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @property
    def progress(self) -> float:
        """From 0 to 1, when nobody comes any more."""
        return 1.0 if self._is_gone.is_set() else min(len(self.placed) / self.orders, 0.999)

    def __post_init__(self) -> None:
        self._is_gone = threading.Event()

    def come(self) -> None:
        """Come and go; whatever a shopper dies of is raised."""
        with ThreadPoolExecutor(AT_ONCE + 1) as pool:
            desk = pool.submit(self._serve)
            try:
                shoppers = [pool.submit(self._shop) for _ in range(AT_ONCE)]
                for shopper in shoppers:
                    shopper.result()
            finally:
                self._is_gone.set()
            desk.result()

    def _shop(self) -> None:
        while len(self.placed) < self.orders:
            with self._one_at_a_time:
                number = next(self._numbers)
            if number > MOST_VISITS * self.orders:
                return
            name, shop = f"sam-{number}-{self.seed}", self.estate
            errand = Errand(name, shop.parts.url, shop.outside, self.told, self.ledger)
            try:
                reached = errand.make(self.scarce, self.plenty)
            except OutOfTime:
                return
            if reached is not None:
                self.placed.add(reached)

    def _serve(self) -> None:
        """An operator sends money back to whoever regrets, once the payment is known."""
        while not self._is_gone.wait(0.2):
            if self.ledger.to_refund:
                session_id = self.ledger.to_refund.pop(0)
                if not operator.refund(session_id):
                    self.ledger.to_refund.append(session_id)

"""Shoppers, a few at a time, until so many orders have been placed; each comes with an empty cart."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import operator
from .errand import TOO_LATE, Errand
from .estate import Estate
from .ledger import Ledger
from .phone import OutOfTime, Told
from .shelves import Shelves

AT_ONCE = 8
MOST_ERRANDS = 3  # for each order that is wanted, once nothing strikes any more
COMES_TOO_LATE = 2  # whoever else does


@dataclass
class Crowd:
    estate: Estate
    seed: str
    orders: int
    shelves: Shelves
    told: Told
    ledger: Ledger
    vendors_fail: bool = True
    placed: set[str] = field(default_factory=set)
    storm_is_over: threading.Event = field(default_factory=threading.Event)
    _is_gone: threading.Event = field(default_factory=threading.Event)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @property
    def progress(self) -> float:
        """From 0 to 1, when nobody comes any more."""
        return 1.0 if self._is_gone.is_set() else min(len(self.placed) / self.orders, 0.999)

    def come(self) -> None:
        """Come and go, for as long as the storm lasts at least; whatever a shopper dies of is raised."""
        with ThreadPoolExecutor(AT_ONCE + 1) as pool:
            desk = pool.submit(self._serve)
            try:
                shoppers = [pool.submit(self._shop) for _ in range(min(AT_ONCE, self.orders))]
                for shopper in shoppers:
                    shopper.result()
            finally:
                self._is_gone.set()
            desk.result()

    def go_home(self) -> None:
        """Nobody tries again, and nobody else comes."""
        self.told.deadline = 0.0

    def _shop(self) -> None:
        while not (len(self.placed) >= self.orders and self.storm_is_over.is_set()):
            with self._one_at_a_time:
                number = next(self._numbers)
            are_enough = number > MOST_ERRANDS * self.orders and self.storm_is_over.is_set()
            if are_enough or time.monotonic() > self.told.deadline:
                return
            name, shop = f"sam-{number}-{self.seed}", self.estate
            errand = Errand(name, shop.parts.url, shop.outside, self.told, self.ledger)
            try:
                fate = TOO_LATE if number == COMES_TOO_LATE else None
                reached = errand.make(self.shelves, fate, vendors_fail=self.vendors_fail)
            except OutOfTime:
                return
            if reached is not None:
                self.placed.add(reached)

    def _serve(self) -> None:
        """An operator sends money back to whoever regrets, once the payment is known."""
        while not self._is_gone.wait(0.2):
            if self.ledger.to_refund:
                operator.serve(self.ledger, self.ledger.to_refund.pop(0))

"""A whole run: shoppers, faults and strikes, then calm, then the books."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from mountify import db
from mountify.core.clock import utcnow
from mountify.services.audit import audit

from .books import Books, Lines
from .calm import Calm, Unrest
from .crowd import Crowd
from .estate import Estate
from .phone import Told
from .reading import read
from .shelves import furnish
from .storm import Storm, Strike, draw
from .table import counted, lines_of


@dataclass(frozen=True)
class Profile:
    """`within_s` is when a run is broken off, not how long it takes."""

    orders: int
    kills: int
    within_s: float


SMALL = Profile(orders=120, kills=10, within_s=300)
SOAK = Profile(orders=2000, kills=200, within_s=3600)


@dataclass
class Result:
    lines: list[tuple[str, str]] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    """What the shoppers were told, by its status."""

    def __str__(self) -> str:
        table = [f"{name:<10}{what}" for name, what in self.lines]
        verdict = ["balanced"] if not self.off else ["NOT BALANCED:", *(f"  {what}" for what in self.off)]
        return "\n".join([*table, *verdict])


def run(estate: Estate, profile: Profile, seed: str) -> Result:
    """Play a whole profile, in which at least one payment must go back by itself."""
    strikes, freed_before = draw(profile.kills, random.Random(f"strikes {seed}")), len(estate.ledger.freed)
    result, books = play(estate, profile.orders, strikes, seed, within_s=profile.within_s)
    if books is not None:
        freed = [books.paid[name] for name in estate.ledger.freed[freed_before:] if name in books.paid]
        if not any(map(books.went_back_alone, freed)):
            result.off.append("no payment went back by itself, so that nobody knows whether one would")
    return result


def play(
    estate: Estate, orders: int, strikes: list[Strike], seed: str, *, within_s: float, vendors_fail: bool = True
) -> tuple[Result, Books | None]:
    """Let a crowd come while these strikes fall, and count when everything is over; no books when it never is."""
    begun = time.monotonic()
    shelves, result, ledger = furnish(orders), Result(), estate.ledger
    told = Told(begun + within_s, result.answers)
    crowd = Crowd(estate, seed, orders, shelves, told, ledger, vendors_fail)
    storm = Storm(estate, strikes, random.Random(f"storm {seed}"))
    estate.begin()
    rage_among(crowd, storm, result.off)
    stormy = time.monotonic()
    result.off += storm.off()
    if len(crowd.placed) < orders:
        result.off.append(f"only {len(crowd.placed)} of {orders} orders were placed before the deadline")
    result.lines.append(("seed", seed))
    books = settle(estate, told, seed, shelves.opening, result)
    struck, kills = storm.struck, sum(n for what, n in storm.struck.items() if what.startswith("kill"))
    result.lines += [
        ("shoppers", counted(ledger.fates) + f", sold out {ledger.sold_out}, gave up {ledger.gave_up}"),
        ("answers", counted(told.answers)),
        ("faults", counted(ledger.faults)),
        ("webhooks", f"taken {len(estate.courier.taken)}, lost {estate.courier.lost}"),
        ("strikes", f"{struck.total()}, {kills} of them kills: {counted(struck)}"),
        ("seconds", f"{stormy - begun:.0f} of storm, {time.monotonic() - stormy:.0f} of calm"),
    ]
    return result, books


def rage_among(crowd: Crowd, storm: Storm, off: list[str]) -> None:
    """Let the storm rage while the crowd comes; whatever ends the one, the other does not go on."""
    coming = threading.Thread(target=_noting(crowd.come, off))
    coming.start()
    try:
        storm.rage(lambda: crowd.progress)
    except BaseException:
        crowd.go_home()
        raise
    finally:
        crowd.storm_is_over.set()
        coming.join()


def settle(estate: Estate, told: Told, seed: str, opening: Lines, result: Result) -> Books | None:
    """Let calm come, and compare; None when it does not come."""
    calm, books = Calm(estate, estate.ledger, told.deadline, random.Random(f"calm {seed}")), None
    try:
        calm.come()
        books = read(estate, estate.ledger, opening)
        result.off += [*books.compare(), *(f"{each.invariant}: {each.what}" for each in audit(now=utcnow()))]
        db.release()
        result.lines += [*lines_of(books), ("repaired", f"by comparing {calm.repaired}")]
    except Unrest as unrest:
        result.off.append(str(unrest))
    result.off += [*told.wrong, *calm.off, *estate.off()]
    return books


def _noting(work: Callable[[], None], off: list[str]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except BaseException as error:
            off.append(f"a shopper fell over: {error!r}")

    return run

"""A whole run: shoppers, faults and strikes, then calm, then the books."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from mountify import db
from tests.factories import make_product, make_shop

from .books import Books
from .calm import Calm, Unrest
from .crowd import Crowd
from .errand import Ledger
from .estate import Estate
from .phone import Told
from .storm import Storm, Strike, draw


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


def furnish(orders: int) -> tuple[list[int], list[int], dict[int, int]]:
    """Make four products that sell out and two of which there is enough; gives them, and what is on their shelves."""
    make_shop()
    few, enough = max(3, orders // 12), orders * 4
    scarce = [make_product(f"Scarce {n}", price=f"{7 + 8 * n}.50", stock=few).id for n in range(4)]
    plenty = [make_product(f"Plenty {n}", price=f"{12 + n}.00", stock=enough).id for n in range(2)]
    db.release()
    return scarce, plenty, dict.fromkeys(scarce, few) | dict.fromkeys(plenty, enough)


def run(estate: Estate, profile: Profile, seed: str) -> Result:
    strikes = draw(profile.kills, random.Random(f"strikes {seed}"))
    return play(estate, profile.orders, strikes, seed, within_s=profile.within_s)


def play(estate: Estate, orders: int, strikes: list[Strike], seed: str, *, within_s: float) -> Result:
    """Let a crowd come while these strikes fall, and count when everything is over."""
    begun = time.monotonic()
    deadline, result = begun + within_s, Result()
    scarce, plenty, opening = furnish(orders)
    told, ledger = Told(deadline, result.answers), Ledger()
    crowd = Crowd(estate, seed, orders, scarce, plenty, told, ledger)
    storm = Storm(estate, strikes, random.Random(f"storm {seed}"))
    coming = threading.Thread(target=_noting(crowd.come, result.off))
    coming.start()
    storm.rage(lambda: crowd.progress)
    coming.join()
    stormy = time.monotonic()
    try:
        calm = Calm(estate, ledger, deadline, random.Random(f"calm {seed}"))
        first, second = calm.come()
    except Unrest as unrest:
        result.off.append(str(unrest))
        return result
    books = Books(estate, ledger, opening)
    result.off += [*told.wrong, *books.off]
    result.off += [f"mismatch: {what}" for what in second.mismatches]
    result.off += [f"repaired only at the second comparison: {what}" for what in second.repaired]
    result.off += [f"the {name} died {count} times by itself" for name, count in estate.died_alone.items()]
    if len(crowd.placed) < orders:
        result.off.append(f"only {len(crowd.placed)} of {orders} orders were placed before the deadline")
    result.lines += [
        ("seed", seed),
        *books.lines(),
        ("shoppers", _counted(ledger.fates) + f", sold out {ledger.sold_out}, gave up {ledger.gave_up}"),
        ("answers", _counted(told.answers)),
        ("faults", _counted(ledger.faults)),
        ("webhooks", f"taken {len(estate.courier.taken)}, lost {estate.courier.lost}"),
        ("repaired", f"by comparing {len(first.repaired)}, by sweeping {calm.swept}"),
        ("strikes", f"{sum(storm.struck.values())}: {_counted(storm.struck)}"),
        ("seconds", f"{stormy - begun:.0f} of storm, {time.monotonic() - stormy:.0f} of calm"),
    ]
    return result


def _noting(work: Callable[[], None], off: list[str]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except BaseException as error:
            off.append(f"a shopper fell over: {error!r}")

    return run


def _counted(counts: Counter[str] | Counter[int] | dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=str))

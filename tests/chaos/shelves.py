"""What is for sale in a run, and how much of it there was at first."""

from __future__ import annotations

from dataclasses import dataclass

from mountify import db
from tests.factories import make_product, make_shop

LAST = 2  # pieces


@dataclass(frozen=True)
class Shelves:
    """Products that sell out, some of which there is enough, and some whose last pieces only one visit asks for."""

    scarce: list[int]
    plenty: list[int]
    lasts: list[int]
    opening: dict[int, int]


def furnish(orders: int) -> Shelves:
    make_shop()
    few, enough = max(3, orders // 12), orders * 4
    scarce = [make_product(f"Scarce {n}", price=f"{7 + 8 * n}.50", stock=few).id for n in range(4)]
    plenty = [make_product(f"Plenty {n}", price=f"{12 + n}.00", stock=enough).id for n in range(2)]
    lasts = [make_product(f"Last {n}", price="21.00", stock=LAST).id for n in range(3 + orders // 10)]
    db.release()
    opening = dict.fromkeys(scarce, few) | dict.fromkeys(plenty, enough) | dict.fromkeys(lasts, LAST)
    return Shelves(scarce, plenty, lasts, opening)

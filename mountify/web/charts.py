"""Charts as the numbers of an SVG: where each line, bar and word goes. Templates write them down."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import format_date
from flask_babel import gettext as _

from mountify.core.money import Money, smallest
from mountify.services.stats import Figures, Point, Unit
from mountify.services.wording import format_money

WIDTH, HEIGHT = 960, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 6, 18, 26  # room for amounts, nothing, the tag of today, and days
_BAR = 0.62  # of its place
_LEAST_APART = 60  # px between two days that are named
_LETTER = 8  # px of a letter of the tag, about
_LINES = 5
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Word:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    is_now: bool
    text: str


@dataclass(frozen=True)
class Row:
    """A line of the table below the chart."""

    name: str
    revenue: Money
    orders: int


@dataclass(frozen=True)
class Chart:
    description: str
    amounts: Sequence[Word]
    bars: Sequence[Bar]
    names: Sequence[Word]
    tag: Word | None
    rows: Sequence[Row]
    left: int = _LEFT
    width: int = WIDTH
    height: int = HEIGHT
    base: int = HEIGHT - _BOTTOM


def revenue(figures: Figures, currency: str) -> Chart:
    """Draw the revenue of each hour, day or month of a period; without any there are no bars."""
    points = figures.series
    lines = _scale(max(point.sums.revenue for point in points).amount, smallest(currency))
    place = (WIDTH - _LEFT - _RIGHT) / len(points)

    def height(amount: Decimal) -> float:
        return round(float(amount / lines[-1]) * (HEIGHT - _TOP - _BOTTOM), 1) if lines else 0.0

    def words(amount: Money) -> str:
        return format_money(amount, currency, short=True)

    bars = [
        Bar(
            x=round(_LEFT + _RIGHT + at * place, 1),
            y=round(HEIGHT - _BOTTOM - height(point.sums.revenue.amount), 1),
            width=round(place * _BAR, 1),
            height=height(point.sums.revenue.amount),
            is_now=point.is_now,
            text=f"{_name(point, figures.unit)}: {words(point.sums.revenue)}",
        )
        for at, point in enumerate(points)
    ]
    every = math.ceil(_LEAST_APART / place)
    last = next(at for at, point in enumerate(points) if point.is_now)
    named = [at for at in range(len(points)) if (at - last) % every == 0]
    now = points[last].sums.revenue
    return Chart(
        description=_describe(figures, words),
        amounts=[Word(_LEFT - 10, round(HEIGHT - _BOTTOM - height(line), 1), words(Money(line))) for line in lines],
        bars=[bar for bar in bars if bar.height],
        names=[
            Word(round(bars[at].x + bars[at].width / 2, 1), HEIGHT - 8, _name(points[at], figures.unit)) for at in named
        ],
        tag=_tag(bars[: last + 1], words(now), place) if now else None,
        rows=[Row(_name(point, figures.unit), point.sums.revenue, point.sums.orders) for point in reversed(points)],
    )


def _tag(bars: Sequence[Bar], text: str, place: float) -> Word:
    """What the last of some bars stands for, above all those that it reaches over."""
    covered = bars[-math.ceil(len(text) * _LETTER / place) :]
    return Word(round(bars[-1].x + bars[-1].width, 1), min(bar.y for bar in covered) - 6, text)


def _describe(figures: Figures, words: Callable[[Money], str]) -> str:
    if figures.sums.orders == 0:
        return _("No order yet.")
    amounts = [point.sums.revenue for point in figures.series]
    return _("Between %(least)s and %(most)s.", least=words(min(amounts)), most=words(max(amounts)))


def _name(point: Point, unit: Unit) -> str:
    if point.hour is not None:
        return f"{point.hour:02}:00"
    return str(format_date(point.day, "MMM y" if unit is Unit.MONTH else "d MMM"))


def _scale(highest: Decimal, least: Decimal) -> list[Decimal]:
    """Round amounts from the first step up to or above the highest, five at most; none when there is nothing."""
    if not highest:
        return []
    magnitude = Decimal(10) ** (highest / _LINES).adjusted()
    step = max(least, next(magnitude * times for times in _STEPS if magnitude * times * _LINES >= highest))
    return [step * number for number in range(1, math.ceil(highest / step) + 1)]

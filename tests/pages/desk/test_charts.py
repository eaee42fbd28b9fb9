"""The chart of the dashboard, in numbers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from mountify.core.money import Money
from mountify.services.stats import Figures, Point, Sums, Unit
from mountify.web import charts


@pytest.mark.parametrize("days", [7, 30, 90])
def test_what_today_took_in_is_written_above_every_bar_that_it_reaches_over(app: Flask, days: int) -> None:
    """The days before took in twice as much each."""
    begin = date(2026, 1, 1)
    points = [
        Point(
            begin + timedelta(days=at),
            None,
            Sums(Money.of("100.00" if at == days - 1 else "200.00"), 1),
            at == days - 1,
        )
        for at in range(days)
    ]
    with app.test_request_context():
        chart = charts.revenue(Figures(days, Unit.DAY, Sums(), Sums(), points), "USD")
    assert chart.tag and chart.tag.text == "$100"
    reached = [bar for bar in chart.bars if bar.x + bar.width > chart.tag.x - len(chart.tag.text) * 8]
    assert len(reached) >= 1 and all(chart.tag.y < bar.y for bar in reached)

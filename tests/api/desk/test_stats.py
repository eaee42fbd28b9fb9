"""The desk's figures for programs."""

from __future__ import annotations

import pytest
from flask import Flask

from mountify.services.checkout import Started
from tests.buyers import order_of
from tests.desk import Desk

PATH = "/api/admin/stats"


def test_a_program_reads_the_figures(app: Flask, paid: Started) -> None:
    answer = Desk(app).ask("GET", f"{PATH}?days=7").json
    series, recent, low = answer.pop("series"), answer.pop("recentOrders"), answer.pop("lowStock")
    assert answer == {"products": 1, "orders": 1, "revenue": 32.5, "averageOrder": 32.5}
    assert len(series) == 7 and series[-1]["revenue"] == 32.5 and set(series[0]) == {"date", "orders", "revenue"}
    assert (recent[0]["number"], recent[0]["itemCount"], recent[0]["status"]) == (order_of(paid).number, 2, "paid")
    assert [(part["available"], part["lowStockLevel"]) for part in low] == [(3, 4)]


@pytest.mark.parametrize("days", ["0", "8", "-1", "x", "9" * 30])
def test_another_period_is_refused(ada: Desk, days: str) -> None:
    answer = ada.ask("GET", f"{PATH}?days={days}")
    assert answer.status_code == 400 and "days" in answer.json["fields"]

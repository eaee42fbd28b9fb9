"""Stock, kept by programs."""

from __future__ import annotations

import pytest

from mountify.services import stock_table
from tests.desk import Desk
from tests.factories import make_product, new_key

PATH = "/api/admin/inventory"


def test_a_program_reads_and_sets_what_is_on_hand(ada: Desk) -> None:
    product = make_product(stock=5)
    answer = ada.ask("GET", PATH).json
    (row,) = answer["inventory"]
    assert row.pop("updated_at")
    assert row == {
        "id": product.id, "name": product.name, "sku_id": product.id, "on_hand": 5, "reserved": 0, "available": 5,
    }  # fmt: skip
    assert answer["pagination"] == {"page": 1, "limit": 12, "total": 1, "totalPages": 1, "hasMore": False}
    changed = ada.ask("PUT", f"{PATH}/{product.id}", {"onHand": 9, "expected": 5})
    assert changed.json == {"inventory": {"sku_id": product.id, "on_hand": 9, "reserved": 0, "available": 9}}
    assert ada.ask("PUT", f"{PATH}/{product.id}", {"delta": -4}).json["inventory"]["on_hand"] == 5
    assert ada.ask("PUT", f"{PATH}/{product.id}", {"onHand": 7}).json["inventory"]["on_hand"] == 7
    why = {"delta": -2, "reason": "damaged", "note": "Fell down", "key": new_key()}
    for _ in range(2):  # an answer that did not arrive is asked for again
        assert ada.ask("PUT", f"{PATH}/{product.id}", why).json["inventory"]["on_hand"] == 5
    newest = stock_table.list_movements(product.id).items[0]
    assert (newest.reason, newest.note) == ("damaged", "Fell down")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"onHand": 1, "delta": 1}, 400),
        ({"onHand": -1}, 400),
        ({"onHand": 1.5}, 400),
        ({"onHand": "7"}, 400),
        ({"onHand": True}, 400),
        ({"onHand": 10**20}, 400),
        ({"delta": "1.299,00"}, 400),
        ({"delta": 1, "reason": "lost"}, 400),
        ({"delta": 1, "key": "again"}, 400),
        ({"onHand": 9, "expected": 4}, 409),
        ({"delta": -6}, 409),
    ],
)
def test_what_does_not_hold_is_refused(ada: Desk, body: dict[str, object], status: int) -> None:
    product = make_product(stock=5)
    assert ada.ask("PUT", f"{PATH}/{product.id}", body).status_code == status
    assert ada.ask("GET", PATH).json["inventory"][0]["on_hand"] == 5


def test_a_list_is_asked_for_by_words_and_level(ada: Desk) -> None:
    make_product("Low One", stock=1)
    make_product("Plenty", stock=50)
    names = [row["name"] for row in ada.ask("GET", f"{PATH}?level=low").json["inventory"]]
    assert names == ["Low One"]
    assert ada.ask("GET", f"{PATH}?search=plenty&limit=1").json["pagination"]["total"] == 1
    for odd in ("?level=high", "?page=0", "?limit=51"):
        assert ada.ask("GET", PATH + odd).status_code == 400

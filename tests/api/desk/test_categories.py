"""Categories, kept by programs."""

from __future__ import annotations

import pytest

from tests.desk import Desk, log_of
from tests.factories import make_category, make_product

PATH = "/api/admin/categories"


def test_a_program_keeps_categories(ada: Desk) -> None:
    added = ada.ask("POST", PATH, {"name": "Desk", "displayOrder": 3})
    assert added.status_code == 201
    desk = added.json["category"]
    assert desk == {
        "id": desk["id"], "name": "Desk", "slug": "desk", "description": "", "display_order": 3, "product_count": 0,
    }  # fmt: skip
    make_product(category_id=desk["id"])
    changed = ada.ask("PUT", f"{PATH}/{desk['id']}", {"name": "Desks", "slug": "desk", "description": "All of them."})
    assert changed.json["category"] == {
        **desk, "name": "Desks", "description": "All of them.", "product_count": 1,
    }  # fmt: skip
    assert ada.ask("GET", PATH).json == {"categories": [changed.json["category"]]}
    gone = ada.ask("DELETE", f"{PATH}/{desk['id']}")
    assert gone.json == {"success": True, "deleted": desk["id"], "productsWithoutCategory": 1}
    assert ada.ask("DELETE", f"{PATH}/{desk['id']}").status_code == 404
    assert [action for action, _ in log_of("categories")] == [
        "category.added", "category.changed", "category.deleted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "name"),
        ({"name": 7}, 400, "name"),
        ({"name": "New", "slug": "/etc"}, 400, "slug"),
        ({"name": "New", "displayOrder": "1"}, 400, "displayOrder"),
        ({"name": "New", "displayOrder": -1}, 400, "displayOrder"),
        ({"name": "TAKEN"}, 409, "name"),
    ],
)
def test_what_does_not_hold_is_refused_by_field(ada: Desk, body: dict[str, object], status: int, field: str) -> None:
    make_category("Taken")
    answer = ada.ask("POST", PATH, body)
    assert answer.status_code == status and field in answer.json["fields"]
    assert len(ada.ask("GET", PATH).json["categories"]) == 1

"""The table of products at the desk."""

from __future__ import annotations

from tests.desk import Desk
from tests.factories import make_product
from tests.web import words

PAGE = "/admin/products"


def test_the_table_shows_what_there_is(ada: Desk) -> None:
    make_product("Ledge Phone Stand", stock=3)
    page = ada.get(PAGE)
    assert page.status_code == 200, page.text
    assert "Ledge Phone Stand" in words(page) and "3 left" in words(page)

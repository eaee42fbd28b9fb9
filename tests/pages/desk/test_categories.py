"""Categories at the desk: each change as a form, as what htmx swaps in, and in the log."""

from __future__ import annotations

import pytest

from mountify.services import categories
from tests.desk import Desk, log_of
from tests.factories import make_category, make_product
from tests.web import words

PAGE = "/admin/categories"


def names() -> list[str]:
    return [row.name for row in categories.list_rows()]


def test_the_empty_shop_says_what_to_do(ada: Desk) -> None:
    assert "No category yet" in words(ada.get(PAGE))


def test_a_category_is_added_with_an_address_made_of_its_name(ada: Desk) -> None:
    answer = ada.do(PAGE, name="  Bike & Road  ", slug="", description="For the road.")
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    page = words(ada.get(PAGE))
    assert "Bike & Road is added." in page and "bike-road" in page
    assert log_of("categories") == [("category.added", {"name": [None, "Bike & Road"]})]


def test_names_in_other_letters_get_addresses_of_their_own(ada: Desk) -> None:
    for name in ("日本", "中国", "All"):
        assert ada.do(PAGE, name=name, slug="").status_code == 303
    assert [row.slug for row in categories.list_rows()] == ["item", "item-2", "all-2"]


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [
        ({"name": " "}, 422, "Enter a name."),
        ({"name": "x" * 81}, 422, "at most 80 characters"),
        ({"name": "a\x00b"}, 422, "characters that cannot be used"),
        ({"name": "New", "slug": "Not A Slug"}, 422, "small letters"),
        ({"name": "New", "slug": "all"}, 422, "small letters"),
        ({"name": "desk"}, 409, "Another category has this name."),
        ({"name": "New", "slug": "category"}, 409, "Another category has this address."),
    ],
)
def test_what_does_not_hold_is_said_beside_its_field(ada: Desk, values: dict[str, str], status: int, said: str) -> None:
    ada.do(PAGE, name="Desk", slug="category")
    other = make_category("Other")
    for path in (PAGE, f"{PAGE}/{other}"):
        for answer in (ada.do(path, **values), ada.swap(path, **values)):
            assert answer.status_code == status and said in words(answer), path
            assert 'aria-invalid="true"' in answer.text
    assert names() == ["Desk", "Other"] and len(log_of("categories")) == 1


def test_a_row_turns_into_a_form_and_back(ada: Desk) -> None:
    desk = make_category("Desk")
    form = ada.htmx("GET", f"{PAGE}?edit={desk}")
    assert form.status_code == 200 and 'class="editing"' in form.text and "<html" not in form.text
    row = ada.htmx("GET", f"{PAGE}/{desk}")
    assert "<html" not in row.text and f'id="category-{desk}"' in row.text and "editing" not in row.text
    page = ada.get(f"{PAGE}?edit={desk}")
    assert "<html" in page.text and 'class="editing"' in page.text


def test_a_saved_row_comes_back_with_a_toast(ada: Desk) -> None:
    desk = make_category("Desk")
    saved = ada.swap(f"{PAGE}/{desk}", name="Tables", slug="tables", description="")
    assert saved.status_code == 200 and 'class="saved"' in saved.text and "Tables is saved." in words(saved)
    plain = ada.do(f"{PAGE}/{desk}", name="Desks", slug="tables", description="")
    assert plain.status_code == 303 and "Desks is saved." in words(ada.get(PAGE))
    assert [changes["name"] for _action, changes in log_of("categories")] == [["Desk", "Tables"], ["Tables", "Desks"]]
    assert "Ada: changed, name Tables → Desks" in words(ada.get(f"{PAGE}/{desk}"))


def test_saving_what_is_so_already_leaves_no_trace(ada: Desk) -> None:
    ada.do(PAGE, name="Desk", slug="desk", description="")
    ada.do(f"{PAGE}/{categories.list_rows()[0].id}", name="Desk", slug="desk", description="")
    assert [action for action, _changes in log_of("categories")] == ["category.added"]


def test_categories_change_places_and_stop_at_the_ends(ada: Desk) -> None:
    first, second = make_category("First"), make_category("Second")
    for path, to, then in (
        (second, "up", ["Second", "First"]),
        (second, "up", ["Second", "First"]),
        (second, "down", ["First", "Second"]),
        (first, "up", ["First", "Second"]),
    ):
        assert ada.do(f"{PAGE}/{path}/place", to=to).status_code == 303
        assert names() == then


def test_products_stay_when_their_category_goes(ada: Desk) -> None:
    desk = make_category("Desk")
    product = make_product(category_id=desk)
    assert "1 part is in it. It stays, in no category." in words(ada.get(f"{PAGE}/{desk}"))
    assert ada.do(f"{PAGE}/{desk}/removal").status_code == 303
    assert "Desk is deleted. 1 product is in no category now." in words(ada.get(PAGE))
    assert names() == [] and ada.get(f"/products/{product.id}").status_code == 301
    assert log_of("products") == [("product.changed", {"category_id": [desk, None]})]
    for path in (f"{PAGE}/{desk}", f"{PAGE}?edit={desk}"):
        assert ada.get(path).status_code == 404
    for path in (f"{PAGE}/{desk}", f"{PAGE}/{desk}/place", f"{PAGE}/{desk}/removal"):
        assert ada.do(path, name="x", to="up").status_code == 404

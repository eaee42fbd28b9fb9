"""Photos of a product, added and put in order, with and without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import has_script
from .test_desk import expect_open_to_everybody, sit_down

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Files of these sizes are dropped on the frame.
DROP = """sizes => {
  const data = new DataTransfer();
  for (const size of sizes) data.items.add(new File([new Uint8Array(size)], `${size}.jpg`));
  const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.querySelector("[data-drop]").dispatchEvent(drop);
}"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two photos."""
    for name in ("front", "side"):
        Image.effect_noise((400, 500), 80).convert("RGB").save(tmp_path / f"{name}.jpg")
    return [str(tmp_path / f"{name}.jpg") for name in ("front", "side")]


def test_two_photos_are_uploaded_and_change_places(page: Page, files: list[str], look: Callable[[str], None]) -> None:
    sit_down(page)
    page.goto("/admin/products/new")
    page.get_by_label("Name").fill("Peg hook")
    page.get_by_label("Price, USD").fill("9.00")
    page.get_by_role("main").get_by_role("button", name="Save product").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Peg hook")
    pictures = page.locator("#pictures")
    page.get_by_label("Add photos").set_input_files(files)
    if not has_script(page):
        page.get_by_role("button", name="Upload").click()
    expect(pictures.locator("img")).to_have_count(2)
    before = [image.get_attribute("src") for image in pictures.locator("img").all()]
    pictures.get_by_role("button", name="Move photo 2 earlier").click()
    expect(pictures.locator("img").first).to_have_attribute("src", re.compile(re.escape(before[1] or "?")))
    assert [image.get_attribute("src") for image in pictures.locator("img").all()] == before[::-1]
    expect(pictures.locator("li.first img")).to_have_js_property("complete", True)
    look("photos")
    expect_open_to_everybody(page)
    bad = Path(files[0]).with_name("drawing.jpg")
    bad.write_text("<svg/>")
    page.get_by_label("Add photos").set_input_files(str(bad))
    if not has_script(page):
        page.get_by_role("button", name="Upload").click()
    expect(pictures.get_by_role("alert")).to_contain_text("no JPEG, PNG, WebP or AVIF picture")
    expect(pictures.locator("img")).to_have_count(2)
    look("refused")
    if has_script(page):
        page.evaluate(DROP, [5 * 1024 * 1024 + 1, 7])
        expect(pictures.get_by_role("alert")).to_contain_text(["A picture has at most 5 MB.", "or it is damaged"])
        expect(page.get_by_label("Add photos")).to_be_focused()
    page.get_by_label("Where").select_option("In place of photo 1")
    page.get_by_label("Add photos").set_input_files([str(bad), *files])
    if not has_script(page):
        page.get_by_role("button", name="Upload").click()
    expect(pictures.locator("img")).to_have_count(3)
    after = [image.get_attribute("src") for image in pictures.locator("img").all()]
    assert after[1] == before[0] and before[1] not in after, "the first that is a picture has taken the place"

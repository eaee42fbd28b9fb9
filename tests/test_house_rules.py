"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "mountify"
TEMPLATES = SHOP / "templates"
CSS = SHOP / "static" / "css"
PYTHON = sorted(SHOP.rglob("*.py"))
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if "email" not in path.parts)


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_there_is_one_clock(path: Path) -> None:
    if path.name == "clock.py":
        return
    told = [ast.unparse(call.func) for call in calls(path)]
    assert not {"datetime.now", "datetime.utcnow", "date.today", "datetime.today"} & set(told)


@pytest.mark.parametrize("path", sorted((SHOP / "services").rglob("*.py")), ids=named)
def test_a_service_never_catches_everything(path: Path) -> None:
    caught = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler)]
    assert not [node.lineno for node in caught if node.type is None or ast.unparse(node.type).endswith("Exception")]


@pytest.mark.parametrize("path", sorted((SHOP / "blueprints").rglob("*.py")), ids=named)
def test_a_blueprint_asks_no_database(path: Path) -> None:
    assert not re.search(r"^(from|import) (sqlalchemy|mountify\.db|mountify import db)", path.read_text(), re.M)


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_template_is_small_and_holds_no_script_or_style(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 60
    for forbidden in (
        r"\shx-on",
        r"\sstyle=",
        r"\son\w+=",
        r"<style",
        r"<script(?![^>]*\s(src=|type=\"application/ld\+json\"))",
        r"\bjs:",
        r"\|\s*safe",
    ):
        assert not re.search(forbidden, text), forbidden


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_form_that_changes_something_carries_the_token(path: Path) -> None:
    for form in re.findall(r'(?s)<form[^>]*method="post".*?</form>', path.read_text()):
        if 'formmethod="get"' in form:  # a token has no place in an address: what the form posts needs none
            assert "csrf_field()" not in form and 'action="{{ url_for("cart.add_item") }}"' in form
        else:
            assert "csrf_field()" in form or 'action="{{ url_for("auth.start_session") }}"' in form


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_text_is_translated(path: Path) -> None:
    text = re.sub(r"(?s)\{[{%#].*?[}%#]\}", "", path.read_text())
    text = re.sub(r"(?s)<(title|script)\b.*?</\1>|<[^>]*>", " ", text)
    left = re.findall(r"[A-Za-z]{3,}", text)
    assert set(left) <= {"Stripe", "MIT", "TRACK"}, left


def test_colours_are_tokens() -> None:
    for path in CSS.glob("*.css"):
        if path.name != "tokens.css":
            rules = re.sub(
                r"(?s)/\*.*?\*/|#0000|rgb\(0 0 0 / \.35\)|rgb\(10 12 13 / \.55\)|--paper: #fff", "", path.read_text()
            )
            assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsl\(", rules), path.name


def test_every_style_sheet_closes_what_it_opens() -> None:
    for path in CSS.glob("*.css"):
        assert path.read_text().count("{") == path.read_text().count("}"), path.name


def test_no_test_waits_for_a_clock() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        slept = [call for call in calls(path) if ast.unparse(call.func) in {"time.sleep", "sleep"}]
        assert not slept or named(path) == "tests/sandbox/support.py", named(path)  # it polls with a deadline


def test_no_committed_file_names_a_package_index() -> None:
    for path in (
        *(ROOT / "requirements").iterdir(),
        ROOT / "pyproject.toml",
        ROOT / "Makefile",
        ROOT / "bin" / "setup",
    ):
        assert not re.search(r"index-url|find-links|https?://(pypi|files\.pythonhosted)", _without_uv(path.read_text()))


def _without_uv(text: str) -> str:
    return text.replace("--no-emit-index-url", "").replace("--no-emit-find-links", "")

"""The planted bugs still fit the source, and a run that says nothing is never taken for a bug that was caught.

`make mutants` plants them; here they are only kept from rotting.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.planting import ROOT, Mutant, Rotten, list_mutants, read
from tests.mutants.run import GREEN, RED, Broken, Run, find_failure
from tests.mutants.witness import Evidence, Seen, without_row

MUTANTS = list_mutants()
COPY = Path("/a/copy")
TEST = "tests/test_x.py::test_x"


def named(mutant: Mutant) -> str:
    return mutant.name


def copy_of_files(mutant: Mutant, to: Path) -> Path:
    """Only what is changed: a whole copy for each would take its time."""
    for path in {change.path for change in mutant.changes}:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        (to / path).write_text((ROOT / path).read_text())
    return to


@pytest.mark.parametrize("mutant", MUTANTS, ids=named)
def test_a_planted_bug_still_fits_the_source_and_changes_the_shop_alone(mutant: Mutant, tmp_path: Path) -> None:
    paths = {change.path for change in mutant.changes}
    assert paths and all(path.startswith("mountify/") and path.endswith(".py") for path in paths)
    root = copy_of_files(mutant, tmp_path)
    mutant.plant(root)
    for path in paths:
        changed = (root / path).read_text()
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse((ROOT / path).read_text())), path


@pytest.mark.parametrize("mutant", MUTANTS, ids=named)
def test_the_tests_that_are_to_see_it_exist(mutant: Mutant) -> None:
    for test in mutant.tests:
        path, _, name = without_row(test).partition("::")
        functions = {
            node.name for node in ast.parse((ROOT / path).read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert name in functions, test


def test_there_are_at_least_ten() -> None:
    assert len(MUTANTS) >= 10


PATCH = f"""Something is wrong.
Tests: {TEST}
--- a/shop.py
+++ b/shop.py
@@ -1,2 +1,2 @@
 def open():
-    lock()
+    pass
"""


@pytest.mark.parametrize(
    "source", ["", "def open():\n    unlock()\n", "def open():\n    lock()\n\n\ndef open():\n    lock()\n"]
)
def test_a_patch_that_fits_nowhere_or_twice_is_not_planted(tmp_path: Path, source: str) -> None:
    (tmp_path / "shop.py").write_text(source)
    with pytest.raises(Rotten):
        read("x", PATCH).plant(tmp_path)
    assert (tmp_path / "shop.py").read_text() == source


@pytest.mark.parametrize(
    "wrong", ["", "no sentence\nTests: x\ndiff x\n", f"{PATCH}?\n", PATCH.replace("Tests:", "Test:")]
)
def test_a_patch_that_says_nothing_of_itself_is_none(wrong: str) -> None:
    with pytest.raises(Rotten):
        read("x", wrong)


def run_of(code: int | None, *steps: Seen, package: Path = COPY / "mountify") -> Run:
    return Run(code, Evidence(package, steps), "")


def step(when: str, *, has_failed: bool = False, why: str = "", raised: str = "AssertionError") -> Seen:
    return Seen(TEST, when, has_failed, why, raised if has_failed else "")


def test_a_test_or_the_audit_after_it_that_fails_has_found_the_bug() -> None:
    for when in ("call", "teardown"):
        failed = step(when, has_failed=True, why="two were sold")
        assert find_failure(run_of(RED, step("setup"), failed), COPY) == "two were sold"
    assert find_failure(run_of(GREEN, step("setup"), step("call"), step("teardown")), COPY) is None


def test_a_bug_that_lets_no_test_come_to_its_assertion_is_found_by_the_exception_it_names() -> None:
    fallen = run_of(RED, step("call", has_failed=True, why="no", raised="IntegrityError"))
    assert find_failure(fallen, COPY, "IntegrityError") == "no"
    for other in (None, "TypeError"):
        with pytest.raises(Broken):
            find_failure(fallen, COPY, other)
    assert read("x", PATCH.replace("--- a", "Raises: IntegrityError\n--- a")).raises == "IntegrityError"


@pytest.mark.parametrize(
    "run",
    [
        *(run_of(code, step("call", has_failed=True)) for code in (None, 2, 3, 4, 5, -9)),
        Run(RED, None, "a module could not be imported, and -x says so with the code of a failed test"),
        run_of(RED, step("setup", has_failed=True)),
        run_of(RED, step("call", has_failed=True, raised="TypeError")),
        run_of(RED),
        run_of(GREEN, step("call", has_failed=True)),
        run_of(RED, step("call", has_failed=True), package=ROOT / "mountify"),
    ],
    ids=lambda run: f"{run.code}",
)
def test_a_run_that_failed_for_another_reason_has_found_nothing(run: Run) -> None:
    with pytest.raises(Broken):
        find_failure(run, COPY)

"""Bugs to plant: each is a patch that says what it breaks and which tests see that, and is applied to a copy only.

The files are unified diffs, so `git apply` plants one by hand, too. Here they are applied by their words and not by
line numbers: what is taken out must stand in the file once, so that a bug never lands beside its place.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PATCHES = Path(__file__).parent
_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "var", "node_modules", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info"
)
_HEADER = re.compile(
    r"(?P<what>[A-Z].*\.)\n(?P<tests>(?:Tests: \S+\n)+)(?:Raises: (?P<raises>\w+)\n)?(?P<diff>(?:diff|---) .*)",
    re.DOTALL,
)


class Rotten(Exception):
    """A patch that does not fit the source any more, or was never well-formed."""


@dataclass(frozen=True)
class Change:
    """Lines of one file, with what stands around them, before and after."""

    path: str
    before: str
    after: str

    def apply(self, root: Path) -> None:
        file = root / self.path
        text = file.read_text() if file.is_file() else ""
        if text.count(self.before) != 1:
            raise Rotten(f"{self.path} holds {text.count(self.before)} times what is to be changed:\n{self.before}")
        file.write_text(text.replace(self.before, self.after))


@dataclass(frozen=True)
class Mutant:
    """One bug. Each of its tests (`path::name`, or one row of it) must see it by itself.

    They must say so: `raises` names the exception of the few bugs that let no test come as far as to its assertion.
    """

    name: str
    what: str
    tests: tuple[str, ...]
    changes: tuple[Change, ...]
    raises: str | None = None

    def plant(self, root: Path) -> None:
        """Change a copy of the source. Raises Rotten."""
        for change in self.changes:
            change.apply(root)


def list_mutants() -> list[Mutant]:
    """Read every patch. Raises Rotten."""
    return [read(path.stem, path.read_text()) for path in sorted(PATCHES.glob("*.patch"))]


def read(name: str, text: str) -> Mutant:
    """Raises Rotten."""
    header = _HEADER.fullmatch(text)
    if header is None:
        raise Rotten(f"{name} does not begin with one sentence and its tests, then a diff")
    tests = tuple(line.removeprefix("Tests: ") for line in header["tests"].splitlines())
    return Mutant(name, header["what"], tests, tuple(_changes_of(name, header["diff"])), header["raises"])


def _changes_of(name: str, diff: str) -> list[Change]:
    changes: list[Change] = []
    path = ""
    for line in diff.splitlines():
        if line.startswith(("diff ", "index ", "--- ")):
            continue
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif line.startswith("@@ ") and path:
            changes.append(Change(path, "", ""))
        elif changes and (line[:1] or " ") in " -+":
            changes[-1] = _with_line(changes[-1], line)
        else:
            raise Rotten(f"{name} has a line that belongs to no diff: {line}")
    return changes


def _with_line(change: Change, line: str) -> Change:
    sign, words = line[:1] or " ", f"{line[1:]}\n"
    return Change(
        change.path,
        change.before + words * (sign != "+"),
        change.after + words * (sign != "-"),
    )


def copy_source(to: Path) -> Path:
    """Copy the checkout as it stands, uncommitted changes too, without what can be made again."""
    shutil.copytree(ROOT, to, ignore=_NOT_COPIED)
    return to

"""A plugin of pytest that says what has failed, and in which shop.

By the exit code alone, a shop that cannot even be imported may look like a bug that was found.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Seen:
    """A step of a test (setup, call or teardown) and whether it failed: with which exception, and why in one line."""

    test: str
    when: str
    has_failed: bool
    why: str = ""
    raised: str = ""

    @property
    def name(self) -> str:
        """The test without its parameters, as most patches name it."""
        return without_row(self.test)


@dataclass(frozen=True)
class Evidence:
    """Which shop was tested, and what was seen."""

    package: Path
    steps: tuple[Seen, ...]

    @classmethod
    def read(cls, file: Path) -> Evidence | None:
        """None when the run did not come as far as to its first test."""
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return cls(Path(lines[0]["package"]), tuple(Seen(**line) for line in lines[1:])) if lines else None


def without_row(test: str) -> str:
    """A test without the parameters of one of its rows."""
    return test.partition("[")[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--evidence", required=True, help="the file to write to")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Nothing failed so far: every module that holds a test could be imported."""
    import mountify

    _write(session.config, {"package": mountify.__file__})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    seen = {"test": report.nodeid, "when": report.when, "has_failed": report.failed}
    raised = call.excinfo.typename if call.excinfo and report.failed else ""
    _write(item.config, {**seen, "why": _first_line(report) if report.failed else "", "raised": raised})
    return report


def _first_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).partition("\n")[0][:200]


def _write(config: pytest.Config, line: dict[str, object]) -> None:
    with Path(config.getoption("--evidence")).open("a") as file:
        file.write(json.dumps(line) + "\n")

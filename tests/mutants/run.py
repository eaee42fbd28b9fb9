"""`make mutants`: plant one bug after the other in a copy of the shop, and show which test catches each.

Names of mutants choose some of them. A bug that nobody catches is a hole in the tests, and the answer is a failure.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mountify.embedded import EmbeddedPostgres, EmbeddedRedis
from mountify.embedded.processes import end, every_process
from tests.mutants.planting import Mutant, Rotten, copy_source, list_mutants
from tests.mutants.witness import Evidence

PATIENCE_S = 900.0  # of one run of pytest; twenty seconds are usual
SAID_BY_A_TEST = ("AssertionError", "Failed")  # the latter is pytest's own
GREEN, RED = 0, 1  # of pytest's exit codes; every other one says that the tests could not be run


class Broken(Exception):
    """Says nothing about the tests: a run that did not come to a verdict."""


@dataclass(frozen=True)
class Run:
    """How pytest ended, None when it had to be ended, and what it saw on the way."""

    code: int | None
    evidence: Evidence | None
    output: str


def main(names: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers are ended then, too
    mutants = [mutant for mutant in list_mutants() if not names or mutant.name in names]
    if unknown := set(names) - {mutant.name for mutant in mutants}:
        _say(f"There is no mutant {', '.join(sorted(unknown))}.")
        return 1
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mountify-mutants-") as folder:
        try:
            _check_unchanged(Path(folder), mutants)
        except Broken as reason:
            _say(f"BROKEN without any bug: {reason}")
            return 1
        survived = [mutant.name for mutant in mutants if not _is_caught(Path(folder), mutant)]
    _say(f"\n{len(mutants) - len(survived)} of {len(mutants)} caught in {_since(began)}.")
    if survived:
        _say(f"Not caught: {', '.join(survived)}")
    return 1 if survived else 0


def _check_unchanged(folder: Path, mutants: Sequence[Mutant]) -> None:
    """Raises Broken unless every test that is named runs, and is green, where there is no bug."""
    began, named = time.monotonic(), sorted({test for mutant in mutants for test in mutant.tests})
    root = copy_source(folder / "unchanged")
    run = _run_tests(root, named)
    if run.code != GREEN or run.evidence is None:
        raise Broken(_words_of(run))
    _check_package(run.evidence, root)
    seen = [step for step in run.evidence.steps if step.when == "call"]
    if missing := set(named) - {name for step in seen for name in (step.name, step.test)}:
        raise Broken(f"these were not run: {', '.join(sorted(missing))}")
    shutil.rmtree(root)
    _say(f"Bugs to plant: {len(mutants)}. Tests that are green without them: {len(named)} ({_since(began)}).")


def _is_caught(folder: Path, mutant: Mutant) -> bool:
    """Plant a bug, let each of its tests look for it alone, and say what came of it."""
    _say(f"\n{mutant.name}: {mutant.what}")
    root = copy_source(folder / mutant.name)
    try:
        mutant.plant(root)
        caught = [_is_caught_by(root, test, mutant.raises) for test in mutant.tests]
        return all(caught)  # every one was asked, also after one that has not seen it
    except (Broken, Rotten) as reason:
        _say(f"    BROKEN      {reason}")
        return False
    finally:
        shutil.rmtree(root)


def _is_caught_by(root: Path, test: str, raises: str | None) -> bool:
    began = time.monotonic()
    why = find_failure(_run_tests(root, [test]), root, raises)
    _say(f"    {'caught by' if why else 'NOT CAUGHT by':<11} {test} ({_since(began)})")
    if why:
        _say(f"                {why}")
    return why is not None


def find_failure(run: Run, root: Path, raises: str | None = None) -> str | None:
    """Say what failed, in a test or in the audit after it; None when nothing did. Raises Broken.

    A run that ended for any other reason has caught nothing: a bug that lets no test begin would pass for a found one,
    and so would one that makes something fall over before anybody has looked, unless `raises` names how.
    """
    if run.code not in (GREEN, RED) or run.evidence is None:
        raise Broken(_words_of(run))
    _check_package(run.evidence, root)
    failed = next((step for step in run.evidence.steps if step.has_failed), None)
    if (failed is None) is not (run.code == GREEN):
        raise Broken(_words_of(run))
    if failed is not None and failed.when == "setup":
        raise Broken(f"{failed.test} could not begin: {failed.why}")
    if failed is not None and failed.raised not in (*SAID_BY_A_TEST, raises):
        raise Broken(f"{failed.test} fell over before it could say so, with {failed.raised}: {failed.why}")
    return None if failed is None else failed.why or "it failed"


def _check_package(evidence: Evidence, root: Path) -> None:
    if not evidence.package.resolve().is_relative_to(root.resolve()):
        raise Broken(f"the shop that was tested is not the copy but {evidence.package}")


def _run_tests(root: Path, tests: Sequence[str]) -> Run:
    """Run tests of a copy there, until the first that fails, in a temporary folder of their own."""
    with tempfile.TemporaryDirectory(prefix="mountify-mutant-") as temporary:
        said, output = Path(temporary) / "evidence", Path(temporary) / "output"
        options = ["-x", "-q", "-p", "tests.mutants.witness", f"--evidence={said}"]
        with output.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=root,
                env=_environment(temporary),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                if process.poll() is None:
                    _end(process, root, Path(temporary))
        return Run(code, Evidence.read(said), output.read_text())


def _environment(temporary: str) -> dict[str, str]:
    """Whoever runs Python in a folder finds the packages there first, unless told otherwise."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    return {**kept, "TMPDIR": temporary}


def _end(process: subprocess.Popen[bytes], root: Path, temporary: Path) -> None:
    """As a Ctrl-C would, then by force, with whatever it has started."""
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(60)
    process.kill()
    process.wait()
    end([other for other in every_process() if other.folder == root.resolve()])
    for left in temporary.glob("mountify-tests-*"):
        for server in (EmbeddedPostgres(left / "postgres"), EmbeddedRedis(left / "redis")):
            server.end_leftover()
            server.remove()


def _words_of(run: Run) -> str:
    how = f"was not done within {PATIENCE_S:.0f} s" if run.code is None else f"ended with {run.code}"
    return f"pytest {how}:\n{run.output[-2000:]}"


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

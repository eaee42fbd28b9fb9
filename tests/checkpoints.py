"""The points at which the shop can be paused or killed, as its source names them: none can be forgotten."""

from __future__ import annotations

import ast
from pathlib import Path

import mountify


def every_point() -> list[str]:
    """List each call of `reached`, so that a name used twice is there twice."""
    calls = (
        node
        for path in Path(mountify.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    )
    return sorted(
        ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func).rpartition(".")[2] == "reached"
    )

"""What the shop takes for JSON, and what it does not."""

from __future__ import annotations

import json

import pytest

from mountify.core import strict_json


@pytest.mark.parametrize("value", [{}, [], None, 7, -1.5e300, "é😀\\u0000", {"a": [{"b": "c"}, True]}, 10**4000])
def test_an_ordinary_value_is_read_as_it_was_written(value: object) -> None:
    assert strict_json.loads(json.dumps(value)) == value
    assert strict_json.loads(json.dumps(value, ensure_ascii=False)) == value


@pytest.mark.parametrize("text", ['"\\u0000"', '{"\\u0000": 1}', '["\\ud800"]', '{"\\udc00": 1}', '"\\udc00\\ud800"'])
def test_texts_that_postgresql_cannot_keep_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        strict_json.loads(text)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "[1e400]", "9" * 10_000])
def test_numbers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        strict_json.loads(text)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '[{"b": {"a": 1, "\\u0061": 2}}]'])
def test_one_name_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one name twice"):
        strict_json.loads(text)


def test_depth_is_bounded() -> None:
    def nested(levels: int) -> str:
        return "[" * levels + "]" * levels

    assert strict_json.loads(nested(strict_json.DEEPEST))
    for levels in (strict_json.DEEPEST + 1, 990, 100_000):
        with pytest.raises(ValueError, match="too deep"):
            strict_json.loads(nested(levels))

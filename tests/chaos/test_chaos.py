"""All of it at once, drawn from a seed: nothing is lost, nothing is done twice, and the books balance (R18)."""

from __future__ import annotations

import pytest

from .estate import Estate
from .run import SMALL, run

pytestmark = pytest.mark.xdist_group("chaos")


def test_whatever_falls_the_books_balance(estate: Estate) -> None:
    """`make soak` is the same for longer, and draws anew each time: here nobody's change shall fail by chance."""
    result = run(estate, SMALL, "small")
    assert not result.off, f"{result}\n{estate.last_words()}"

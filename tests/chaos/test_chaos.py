"""All of it at once, drawn from a seed: nothing is lost, nothing is done twice, and the books balance (R18)."""

from __future__ import annotations

import secrets

import pytest

from .estate import Estate
from .run import SMALL, run

pytestmark = pytest.mark.xdist_group("chaos")


def test_whatever_falls_the_books_balance(estate: Estate) -> None:
    """`make soak` is the same for longer; SEED=… there draws again what has failed here."""
    result = run(estate, SMALL, secrets.token_hex(4))
    assert not result.off, f"{result}\n{estate.last_words()}"

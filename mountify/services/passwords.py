"""Passwords: which are taken, and how they are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

import bcrypt

from mountify.core.errors import N_
from mountify.core.errors.accounts import WeakPassword

LEAST, MOST_BYTES = 8, 72  # bcrypt reads 72 bytes
LEAST_COST = 10
_LEAST_SCORE = 2  # 0…4: under 2, a million tries find it. https://github.com/dropbox/zxcvbn#usage
# Signs that may stand for letters: zxcvbn tries every reading of them, and with twenty of them that takes 20 seconds.
_SIGNS, _MOST_SIGNS = frozenset("!$%(+0123456789<@[{|"), 4


@dataclass(frozen=True)
class Chosen:
    """A new password that was judged: no account gets another. See choose."""

    text: str = field(repr=False)


def choose(given: str, *, about: Iterable[str] = ()) -> Chosen:
    """Judge a new password; `about` are words that others know of its owner. Raises WeakPassword."""
    password = unicodedata.normalize("NFKC", given)
    if len(password) < LEAST:
        raise WeakPassword(N_("A password has at least %(least)s characters."), least=LEAST)
    raw = _readable(password)
    if raw is None:
        raise WeakPassword(N_("This password holds a character that cannot be used here."))
    if len(raw) > MOST_BYTES:
        raise WeakPassword(
            N_("A password has at most %(most)s bytes: so many plain letters, or fewer of others."), most=MOST_BYTES
        )
    if _score(password, about) < _LEAST_SCORE:
        raise WeakPassword(N_("This password is easy to guess. A short sentence works well."))
    return Chosen(given)


def hashed(password: str, *, cost: int) -> str:
    """Hash a password that was judged; takes some 50 ms, and no transaction should wait for it."""
    raw = _readable(password)
    if raw is None:
        raise ValueError("a password is judged before it is kept")
    return bcrypt.hashpw(raw, bcrypt.gensalt(cost)).decode()


def fits(password: str, stored: str | None, *, cost: int) -> bool:
    """Say whether it is the one that was stored: as much work when none is, or when it cannot be one at all."""
    raw = _readable(password)
    is_readable = raw is not None and len(raw) <= MOST_BYTES
    given = raw if raw is not None and is_readable else b"unreadable"
    against = stored or _nobodys(cost)
    is_it = bcrypt.checkpw(given, against.encode())
    for missing in range(_cost_of(against), cost):  # each step doubles the work: all of them together make it up
        bcrypt.checkpw(given, _nobodys(missing).encode())
    return is_it and is_readable and stored is not None


def is_outdated(stored: str, *, cost: int) -> bool:
    """Say whether it was hashed at a lower cost than is asked for today."""
    return _cost_of(stored) < cost


def _cost_of(stored: str) -> int:
    return int(stored.split("$")[2])


def _readable(password: str) -> bytes | None:
    """The bytes that are hashed, the same whichever way a keyboard writes ü; None for what bcrypt cannot read."""
    try:
        raw = unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None
    return None if b"\0" in raw else raw


def _score(password: str, about: Iterable[str]) -> int:
    from zxcvbn import zxcvbn

    return int(zxcvbn(few_signs(password), user_inputs=[word for word in about if word])["score"])


def few_signs(password: str) -> str:
    """Leave the first four of the signs that may stand for letters, and put something else in the place of others."""
    kept = set(list(dict.fromkeys(sign for sign in password if sign in _SIGNS))[:_MOST_SIGNS])
    return "".join("·" if sign in _SIGNS - kept else sign for sign in password)


@cache
def _nobodys(cost: int) -> str:
    return hashed("nobody has this password", cost=cost)

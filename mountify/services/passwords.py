"""Passwords: which are taken, and how they are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

import bcrypt

from mountify.core.errors import N_, WeakPassword

LEAST, MOST_BYTES = 8, 72  # bcrypt reads 72 bytes
LEAST_COST = 10
_LEAST_SCORE = 2  # 0…4: under 2, a million tries find it. https://github.com/dropbox/zxcvbn#usage


def check(password: str, *, about: Iterable[str] = ()) -> None:
    """Raises WeakPassword for one that nobody should have; `about` are words that others know of its owner."""
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


def hashed(password: str, *, cost: int) -> str:
    """Hash a password that was checked; takes some 50 ms, and no transaction should wait for it."""
    raw = _readable(password)
    if raw is None:
        raise ValueError("a password is checked before it is kept")
    return bcrypt.hashpw(raw, bcrypt.gensalt(cost)).decode()


def fits(password: str, stored: str | None, *, cost: int) -> bool:
    """Say whether it is the one that was stored: as much work when none is, or when it cannot be one at all."""
    raw = _readable(password)
    is_readable = raw is not None and len(raw) <= MOST_BYTES
    against = stored or _nobodys(cost)
    return bcrypt.checkpw(raw if raw is not None and is_readable else b"unreadable", against.encode()) and (
        is_readable and stored is not None
    )


def is_outdated(stored: str, *, cost: int) -> bool:
    """Say whether it was hashed at a lower cost than is asked for today."""
    return int(stored.split("$")[2]) < cost


def _readable(password: str) -> bytes | None:
    """The bytes that are hashed, the same whichever way a keyboard writes ü; None for what bcrypt cannot read."""
    try:
        raw = unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None
    return None if b"\0" in raw else raw


def _score(password: str, about: Iterable[str]) -> int:
    from zxcvbn import zxcvbn

    return int(zxcvbn(password, user_inputs=[word for word in about if word])["score"])


@cache
def _nobodys(cost: int) -> str:
    return hashed("nobody has this password", cost=cost)

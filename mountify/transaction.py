"""The one place where work is committed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from mountify import db
from mountify import freshness as _freshness  # noqa: F401  it listens to what is committed, in every process

P = ParamSpec("P")
R = TypeVar("R")

_OPEN = "mountify.transaction"


class Outdated(Exception):
    """What had to be read before the locks were had is not so any more: begin again."""


@contextmanager
def transaction() -> Iterator[Session]:
    """Commit at the end, roll back on anything raised. Raises RuntimeError when one is already open.

    Reads that went before in the same request belong to the same database transaction; rows that matter are
    locked and read again inside.
    """
    session = db.session()
    if session.info.get(_OPEN):
        raise RuntimeError("transaction() does not nest")
    session.info[_OPEN] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_OPEN, None)


def violated(error: IntegrityError) -> str:
    """Name the constraint that refused a change."""
    return str(getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "")


def retried_once(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function that opens its own transaction again when PostgreSQL broke a deadlock at its cost, or Outdated.

    Not when it has waited for a lock in vain: that took as long as anybody can be asked to wait.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Outdated:
            return function(*args, **kwargs)
        except OperationalError as error:
            if db.code_of(error) not in db.COLLISIONS:
                raise
            return function(*args, **kwargs)

    return run

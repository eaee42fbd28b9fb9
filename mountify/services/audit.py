"""The invariants, asked of the database. An empty answer means that every promise holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from mountify import db
from mountify.services import audit_money, audit_work

CHECKS = audit_money.CHECKS | audit_work.CHECKS


@dataclass(frozen=True)
class Violation:
    """One promise that does not hold; `repair` is the command that mends it or shows more."""

    invariant: str
    what: str
    repair: str


def audit(*, now: datetime) -> list[Violation]:
    """Check every invariant and say what is wrong.

    What no query can see (I1 against Stripe's own list, I11 in code) is for the reconciler and for tests.
    """
    return [
        Violation(invariant, *row)
        for invariant, query in CHECKS.items()
        for row in db.session.execute(text(query), {"now": now})
    ]

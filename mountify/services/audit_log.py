"""The log of the desk: who, when, what, old → new. Every change from the back office is written down through here.

An entry is part of the transaction that makes the change: both are kept, or neither. It is never changed, so nothing
may stand in it that tells who a buyer is: such things are named, never quoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.money import Money
from mountify.models.account import User
from mountify.models.audit_log import AuditEntry
from mountify.models.base import Base

MOST_LISTED = 30
_LONGEST, _BEFORE = 1000, 40  # characters of a text that are kept, some of them before what is different
_OF_ITSELF = frozenset({"created_at", "updated_at", "search"})  # what the database or the model changes by itself

Change = tuple[object, object]


@dataclass(frozen=True)
class Actor:
    """Who acts, and from which address; id None: whoever runs the commands of the shop."""

    id: int | None
    client: str = ""


TERMINAL = Actor(None)


@dataclass(frozen=True)
class Entry:
    """One line of the log; `actor` is a name or an address, empty for the shop's commands or a closed account."""

    action: str
    actor: str
    actor_id: int | None
    changes: Mapping[str, Sequence[Any]]
    created_at: datetime


def record(
    session: Session,
    by: Actor,
    action: str,
    thing: Base | tuple[str, object],
    *,
    now: datetime,
    **changes: Change,
) -> None:
    """Write down what somebody did to a row, or to (table, key); each change is a pair of old and new."""
    table, key = thing if isinstance(thing, tuple) else _place_of(session, thing)
    session.add(
        AuditEntry(
            actor_id=by.id,
            client=by.client[:45],
            action=action,
            thing=table,
            thing_id=str(key)[:60],
            changes={name: _cut(_plain(old), _plain(new)) for name, (old, new) in changes.items()},
            created_at=now,
        )
    )


@contextmanager
def watching(session: Session, by: Actor, action: str, row: Base, *, now: datetime) -> Iterator[None]:
    """Write down what becomes different about a row inside the block; nothing when nothing does."""
    before = _snapshot(row)
    yield
    after = _snapshot(row)
    changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    if changes:
        record(session, by, action, row, now=now, **changes)


def list_about(thing: str, key: object, *, most: int = MOST_LISTED) -> Sequence[Entry]:
    """List what was done to a row of a table, newest first."""
    rows = db.session.execute(
        select(AuditEntry, User.name, User.email)
        .outerjoin(User, User.id == AuditEntry.actor_id)
        .where(AuditEntry.thing == thing, AuditEntry.thing_id == str(key))
        .order_by(AuditEntry.id.desc())
        .limit(most)
    )
    return [
        Entry(row.action, name or email or "", row.actor_id, row.changes, row.created_at) for row, name, email in rows
    ]


def _place_of(session: Session, row: Base) -> tuple[str, object]:
    if inspect(row).identity is None:
        session.flush()  # what is new has no key before
    (key, *_more) = inspect(row).identity or (None,)
    return row.__tablename__, key


def _snapshot(row: Base) -> dict[str, object]:
    """What stands in the columns of a row, as far as it was read."""
    state = inspect(row)
    names = (name for name in state.mapper.column_attrs.keys() if name not in _OF_ITSELF)  # noqa: SIM118
    return {name: _plain(getattr(row, name)) for name in names if name not in state.unloaded}


def _plain(value: object) -> object:
    if isinstance(value, Money | datetime):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    return value


def _cut(old: object, new: object) -> list[object]:
    """Of long texts keep as much as there is room for, from shortly before where they differ."""
    if not isinstance(old, str) or not isinstance(new, str) or max(len(old), len(new)) <= _LONGEST:
        return [_beginning(old), _beginning(new)]
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), _LONGEST)
    begin = max(0, same - _BEFORE)
    return [("…" if begin else "") + str(_beginning(text[begin:])) for text in (old, new)]


def _beginning(value: object) -> object:
    return value[:_LONGEST] + "…" if isinstance(value, str) and len(value) > _LONGEST else value

"""State in one SQLite file: what was answered is on disk first."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Doc = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_payment ON objects (json_extract(doc, '$.payment_intent'), kind);
CREATE INDEX IF NOT EXISTS sessions_open ON objects (json_extract(doc, '$.expires_at'))
    WHERE kind = 'checkout.session' AND json_extract(doc, '$.status') = 'open';
CREATE TABLE IF NOT EXISTS deliveries (
    event_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0, last_answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_at) WHERE delivered = 0;
CREATE TABLE IF NOT EXISTS answers (
    service TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, created INTEGER NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, request_id TEXT NOT NULL, PRIMARY KEY (service, key));
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, path_prefix TEXT NOT NULL, status INTEGER,
    delay_s REAL NOT NULL, cut INTEGER NOT NULL, times INTEGER NOT NULL, after INTEGER NOT NULL DEFAULT 0,
    method TEXT NOT NULL DEFAULT '');
"""
# What a file of an older sandbox does not have yet.
_LATER_COLUMNS = (("faults", "after", "INTEGER NOT NULL DEFAULT 0"), ("faults", "method", "TEXT NOT NULL DEFAULT ''"))
_TABLES = ("settings", "objects", "deliveries", "answers", "faults")


class Store:
    """One connection, one lock: every transaction is serial, durable and may be nested."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)
        for table, column, kind in _LATER_COLUMNS:
            if column not in {row["name"] for row in self._db.execute(f"PRAGMA table_info({table})")}:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end or roll back on anything; inside another transaction this is a savepoint."""
        with self._lock:
            begin, commit, undo = _WORDS if self._depth == 0 else _NESTED_WORDS
            self._db.execute(begin.format(self._depth))
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                for statement in undo:
                    self._db.execute(statement.format(self._depth))
                raise
            self._depth -= 1
            self._db.execute(commit.format(self._depth))

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._db.execute(sql, params).fetchall()

    def change(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run one statement and return how many rows it touched."""
        with self._lock:
            return self._db.execute(sql, params).rowcount

    def setting(self, name: str, default: str) -> str:
        """Return a stored setting."""
        found = self.rows("SELECT value FROM settings WHERE name = ?", (name,))
        return str(found[0]["value"]) if found else default

    def set_setting(self, name: str, value: str) -> None:
        """Store a setting."""
        self.change("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))

    def save(self, doc: Doc, kind: str = "") -> None:
        """Insert a document, or overwrite the one of the same id, which keeps its place in lists."""
        self.change(
            "INSERT INTO objects (id, kind, doc) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc",
            (doc["id"], kind or doc["object"], json.dumps(doc)),
        )

    def find(self, kind: str, doc_id: str) -> Doc | None:
        """Return one document or None."""
        found = self.rows("SELECT doc FROM objects WHERE id = ? AND kind = ?", (doc_id, kind))
        return _load(found[0]) if found else None

    def select(
        self,
        kind: str,
        where: Sequence[tuple[str, Sequence[object]]] = (),
        limit: int = -1,
        *,
        oldest_first: bool = False,
    ) -> list[Doc]:
        """Return documents, newest first; `where` holds trusted SQL conditions with their values."""
        conditions = "".join(f" AND ({condition})" for condition, _ in where)
        values = [value for _, some in where for value in some]
        order = "ASC" if oldest_first else "DESC"
        sql = f"SELECT doc FROM objects WHERE kind = ?{conditions} ORDER BY seq {order} LIMIT ?"  # noqa: S608
        return [_load(row) for row in self.rows(sql, (kind, *values, limit))]

    def position(self, kind: str, doc_id: str) -> int | None:
        """Return where a document stands in its list."""
        found = self.rows("SELECT seq FROM objects WHERE id = ? AND kind = ?", (doc_id, kind))
        return int(found[0]["seq"]) if found else None

    def clear(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in _TABLES:
                self.change(f"DELETE FROM {table}")  # noqa: S608

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


_WORDS = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_NESTED_WORDS = ("SAVEPOINT level{}", "RELEASE level{}", ("ROLLBACK TO level{}", "RELEASE level{}"))


def _load(row: sqlite3.Row) -> Doc:
    doc: Doc = json.loads(row["doc"])
    return doc

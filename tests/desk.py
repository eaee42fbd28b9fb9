"""What the tests of the desk share: who sits at it, and what is in its log."""

from __future__ import annotations

import io
from functools import cached_property
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from mountify import db
from mountify.models.audit_log import AuditEntry
from mountify.services import accounts
from mountify.services.audit_log import Actor
from mountify.services.product_table import NO_CATEGORY, Row
from tests.cast import email_of, make_account, sign_in, token_of
from tests.web import Browser


class Desk(Browser):
    """Somebody of the office at work: signed in, with the token that every form carries."""

    def __init__(self, app: Flask, name: str = "ada") -> None:
        super().__init__(app)
        sign_in(self, name)

    @cached_property
    def token(self) -> str:
        """What every form of theirs carries; whoever reads it stays where they are."""
        where = self.where
        token = token_of(self)
        self.where = where
        return token

    def do(self, path: str, **values: Any) -> Any:
        """Send a form without script."""
        return self.post(path, {**values, "csrf_token": self.token})

    def swap(self, path: str, **values: Any) -> Any:
        """Send a form as htmx does."""
        return self.htmx("POST", path, {**values, "csrf_token": self.token})

    def upload(self, path: str, field: str, *files: tuple[bytes, str], is_swap: bool = False, **values: Any) -> Any:
        """Send files, each with its name, as a form does or as script does."""
        chosen = [FileStorage(io.BytesIO(content), name) for content, name in files]
        boundary, body = encode_multipart({**values, "csrf_token": self.token, field: chosen})
        headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if is_swap else {"X-CSRFToken": self.token}
        return self.post(path, body, headers=headers, content_type=f"multipart/form-data; boundary={boundary}")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON as a program does."""
        return self.send(method, path, body, **{"X-CSRFToken": self.token})


def as_typed(row: Row, **changes: str) -> dict[str, str]:
    """What the form of a row of the products sends, with what somebody has typed over it."""
    category = str(row.category_id or NO_CATEGORY)
    drawn = {"name": row.name, "price": str(row.price), "category": category, "status": row.status.value}
    return {**drawn, "seen": row.seen, **changes}


def somebody(name: str = "ada") -> Actor:
    """An actor for services that are called without a browser."""
    return Actor(accounts.find_by_email(email_of(name)) or make_account(name), "127.0.0.1")


def log_of(thing: str) -> list[tuple[str, dict[str, Any]]]:
    """What was done to things of a table, oldest first."""
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.thing == thing).order_by(AuditEntry.id))
    return [(entry.action, dict(entry.changes)) for entry in entries]

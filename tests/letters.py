"""What people find in their mail."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select

from mountify import db
from mountify.models.email import Email


def letters(kind: str) -> list[Email]:
    """The mails of a kind, oldest first, sent or not."""
    db.release()
    return list(db.session.scalars(select(Email).where(Email.kind == kind).order_by(Email.id)))


def link_in(letter: Email) -> str:
    """The path of the link in a mail that is not sent yet: the same in both of its parts."""
    (url,) = set(re.findall(r"http\S+token=[\w-]+", letter.text))
    assert url in letter.html
    return f"{urlsplit(url).path}?{urlsplit(url).query}"


def token_in(letter: Email) -> str:
    return parse_qs(urlsplit(link_in(letter)).query)["token"][0]

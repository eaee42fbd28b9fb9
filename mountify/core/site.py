"""What links and amounts need to know about this installation."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Site:
    """`base_url` without a trailing slash, `secret` signs links, `currency` is a code of three letters."""

    base_url: str
    secret: str = field(repr=False)
    currency: str = "USD"
    timezone: str = "UTC"

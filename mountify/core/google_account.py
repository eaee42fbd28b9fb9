"""What Google vouches for: who somebody is there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GoogleAccount:
    """A person at Google, known by issuer and subject; address and name may change there.

    `email` is empty when Google named none that a mail could go to.
    """

    issuer: str
    subject: str
    email: str
    is_verified: bool
    name: str

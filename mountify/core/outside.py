"""What an outside service says to a call that changes nothing."""

from __future__ import annotations

from enum import StrEnum


class Answer(StrEnum):
    WELL = "well"
    REFUSED = "key refused"
    FAILED = "failed"
    NONE = "no answer"

"""A page of a list that may be long."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """`number` counts from 1 and may lie past the end, then there is nothing on it."""

    items: Sequence[T]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        return max(1, math.ceil(self.total / self.size))

    @property
    def has_more(self) -> bool:
        return self.number < self.pages

    @property
    def first(self) -> int:
        """The place of the first item in the whole list, counted from 1."""
        return min(self.total, (self.number - 1) * self.size + 1)

    @property
    def last(self) -> int:
        return min(self.total, self.number * self.size)

    @property
    def numbers(self) -> list[int]:
        """The pages worth a link: the first, the last, and those around this one."""
        near = range(self.number - 2, self.number + 3)
        return [number for number in range(1, self.pages + 1) if number in (1, self.pages, *near)]

    @property
    def is_past_the_end(self) -> bool:
        return self.number > self.pages

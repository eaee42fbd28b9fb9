"""What the groups of commands have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import click

from mountify.core.errors import ShopError
from mountify.core.ids import BIGGEST_ID

T = TypeVar("T")
ID = click.IntRange(1, BIGGEST_ID)


class Operations(click.Group):
    """A group whose refusals are sentences, not tracebacks."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ShopError as error:
            raise click.ClickException(str(error)) from error


def or_nothing(found: Sequence[T]) -> Sequence[T]:
    """What is listed; that there is nothing is said too."""
    if not found:
        click.echo("Nothing waits, and nothing was given up.")
    return found

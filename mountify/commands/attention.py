"""What a person has to look at."""

from __future__ import annotations

import json

import click

from mountify.commands.context import connected
from mountify.commands.groups import ID, Operations
from mountify.core.clock import utcnow


@click.group(cls=Operations)
def attention() -> None:
    """What a person has to look at."""


@attention.command("list")
@click.option("--json", "as_json", is_flag=True, help="Write it for programs.")
def list_attention(as_json: bool) -> None:
    """List what needs attention, oldest first, each with the command that resolves it."""
    from mountify.services import attention as desk

    connected()
    found = desk.list_open(now=utcnow())
    if as_json:
        click.echo(json.dumps(found.as_json()))
        return
    for item in found.items:
        about = f"order {item.order_number}: " if item.order_number else ""
        click.echo(f"{item.since:%Y-%m-%d %H:%M}  {item.kind}  {about}{item.what}\n  Next: {item.command}")
    if not found.items:
        click.echo("Nothing needs attention.")
    elif found.total > len(found.items):
        click.echo(f"There are {found.total - len(found.items)} more.")


@attention.command("done")
@click.argument("note_id", type=ID, metavar="ID")
@click.option("--refund", is_flag=True, help="ID is of a refund that failed, and that was paid in another way.")
def finish_attention(note_id: int, refund: bool) -> None:
    """Say that somebody has looked at something and done what was to be done."""
    from mountify.services import attention_notes

    connected()
    (attention_notes.resolve_refund if refund else attention_notes.resolve)(note_id, now=utcnow())
    click.echo(f"{'Refund' if refund else 'Note'} {note_id} is done with.")

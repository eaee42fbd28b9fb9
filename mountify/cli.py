"""The command line: `mountify up`, `migrate`, `seed`, `worker`, and those in commands/."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

import click

from mountify.commands import COMMANDS
from mountify.commands.context import connected


@click.group()
def main() -> None:
    """Mountify, a small shop that works without JavaScript and never loses an order."""


@main.command()
def up() -> None:
    """Run the whole shop here: what is not configured is started from the box."""
    from mountify.supervisor import up as run

    sys.exit(run(os.environ))


@main.command()
def migrate() -> None:
    """Bring the database's shape up to date."""
    from mountify import schema

    schema.upgrade(connected().database_url)


@main.command()
@click.option("--demo", is_flag=True, required=True, help="Load the demo shop into an empty database.")
@click.option("--accounts", type=click.Path(path_type=Path), help="JSON file: address of a demo account → password.")
def seed(demo: bool, accounts: Path | None) -> None:
    """Load products, stock and a past, once. Without cents, as in JPY, each price is a hundred times as much."""
    from mountify.core.clock import utcnow
    from mountify.gateways import from_config
    from mountify.services import demo as shop

    config = connected()
    images = from_config(config).images
    passwords = json.loads(accounts.read_text("utf-8")) if accounts else {}
    click.echo(
        "The demo shop is loaded."
        if shop.seed(passwords, images=images, currency=config.currency, now=utcnow())
        else "There are products already."
    )


@main.command()
def worker() -> None:
    """Work off jobs until told to stop."""
    from mountify import gateways
    from mountify.jobs.worker import run

    config = connected(logs_from=logging.INFO)
    run(config, gateways.from_config(config))


for command in COMMANDS:
    main.add_command(command)

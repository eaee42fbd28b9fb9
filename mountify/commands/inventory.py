"""Stock."""

from __future__ import annotations

import click

from mountify.commands.context import connected
from mountify.commands.groups import ID, Operations


@click.group(cls=Operations)
def inventory() -> None:
    """Stock."""


@inventory.command("recount")
@click.argument("product_id", type=ID)
def recount(product_id: int) -> None:
    """Set what is reserved of a product to what its orders hold."""
    from mountify.services import inventory as stock
    from mountify.transaction import transaction

    connected()
    with transaction() as session:
        click.echo(f"{stock.recount(session, product_id)} of product {product_id} are reserved.")

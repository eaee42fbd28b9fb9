"""People who work in the shop, and people who may not use it any more."""

from __future__ import annotations

import click

from mountify.commands.context import connected
from mountify.commands.groups import Operations
from mountify.core.clock import utcnow

ROLES = ("customer", "staff", "admin")


@click.group(cls=Operations)
def accounts() -> None:
    """Accounts and their roles."""


@accounts.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default="admin", show_default=True)
@click.option("--name", default="")
@click.password_option(help="Asked for when it is not given.")
def create_account(email: str, role: str, name: str, password: str) -> None:
    """Make an account whose address needs no confirmation."""
    from mountify.models.account import Role
    from mountify.services import accounts as people
    from mountify.services.email_addresses import canonical, is_address

    cost = connected().bcrypt_cost
    email = canonical(email)
    if not is_address(email):
        raise click.ClickException(f"{email} is no address such as sam@example.com.")
    if people.find_by_email(email) is not None:
        raise click.ClickException(f"There is an account {email} already.")
    people.create(email, password, role=Role(role), name=name, cost=cost, now=utcnow())
    click.echo(f"{email} can sign in, as {role}.")


@accounts.command("show")
@click.argument("email")
def show_account(email: str) -> None:
    """Say what an account may do, how it is signed in to, and where it is signed in."""
    from mountify.services import staffing

    connected()
    for line in staffing.describe(email, now=utcnow()):
        click.echo(line)


@accounts.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES))
def change_role(email: str, role: str) -> None:
    """Give an account another role; it is signed out everywhere."""
    from mountify.models.account import Role
    from mountify.services import staffing

    connected()
    staffing.change_role(email, Role(role), now=utcnow())
    click.echo(f"{email} is {role} now.")


@accounts.command("disable")
@click.argument("email")
def disable_account(email: str) -> None:
    """Let nobody use an account any more; it is signed out everywhere."""
    from mountify.services import staffing

    connected()
    staffing.disable(email, now=utcnow())
    click.echo(f"{email} is disabled.")


@accounts.command("enable")
@click.argument("email")
def enable_account(email: str) -> None:
    """Let an account be used again."""
    from mountify.services import staffing

    connected()
    staffing.enable(email, now=utcnow())
    click.echo(f"{email} can sign in again.")


@accounts.command("sign-out")
@click.argument("email")
def sign_out(email: str) -> None:
    """Sign an account out everywhere."""
    from mountify.services import staffing

    connected()
    staffing.sign_out(email, now=utcnow())
    click.echo(f"{email} is signed out everywhere.")

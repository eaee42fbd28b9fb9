"""What a merchant does with an order at a terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import click

from mountify.commands.context import connected
from mountify.commands.groups import ID, Operations
from mountify.core.clock import utcnow
from mountify.core.errors.payments import BadAmount
from mountify.core.money import Money


@click.group(cls=Operations)
def orders() -> None:
    """Orders and their payments."""


@orders.command("show")
@click.argument("number")
def show_order(number: str) -> None:
    """Say what is known of an order: lines, timeline, payments, mails."""
    from mountify.services import order_report

    connected()
    for line in order_report.describe(number):
        click.echo(line)


@orders.command("sync")
@click.argument("number")
def sync_order(number: str) -> None:
    """Ask Stripe about an order and do what follows: settle it, send its refunds, or end it when its time is over."""
    from mountify.gateways import from_config
    from mountify.services import order_sync

    config = connected()
    payments = from_config(config).payments
    order = order_sync.sync_order(number, payments=payments, site=config.site, now=utcnow())
    click.echo(f"Order {order.number} is {order.status}.")


_ALL_PARTS = click.option("--restock", "all_parts", is_flag=True, help="All its parts go on the shelf again.")
_PARTS = click.option(
    "--part",
    "parts",
    multiple=True,
    metavar="PRODUCT=QUANTITY",
    help="So many of a product, by its id, go on the shelf again.",
)


@orders.command("refund")
@click.argument("number")
@click.option("--amount", help="How much goes back, such as 5.00; all that is left when this is not given.")
@click.option("--payment", metavar="PI_…", help="Another payment of the order than the one that paid it.")
@click.option("--again", type=ID, metavar="ID", help="Make a refund again that failed, by its id.")
@_ALL_PARTS
@_PARTS
def refund_order(
    number: str, amount: str | None, payment: str | None, again: int | None, all_parts: bool, parts: Sequence[str]
) -> None:
    """Send money back to the buyer of an order, all of it or a part."""
    from mountify.core.errors.payments import PaymentsUnavailable, UnknownSession
    from mountify.gateways import from_config
    from mountify.models.payment import RefundState
    from mountify.services import order_sync, refund_requests, refund_sending
    from mountify.services.orders import get_by_number

    if again is not None and (amount is not None or payment is not None or all_parts or parts):
        raise click.UsageError("--again says all there is to say: leave the other options out.")
    config = connected()
    payments, site = from_config(config).payments, config.site
    back = None if all_parts else _read_parts(parts)
    wish = refund_requests.Wish(amount=_read_amount(amount), payment_intent=payment, parts=back)
    with suppress(PaymentsUnavailable):  # what Stripe's dashboard has sent back already is not sent again
        order_sync.sync_order(number, payments=payments, site=site, now=utcnow())
    order_id = get_by_number(number).id
    if again is None:
        refund_id = refund_requests.request(order_id, wish, now=utcnow())
    else:
        refund_id = refund_requests.request_again(order_id, again, now=utcnow())
    try:
        made = refund_sending.send(refund_id, payments=payments, site=site, now=utcnow())
    except (PaymentsUnavailable, UnknownSession) as error:
        click.echo(f"Stripe has not made it yet ({error.__cause__}). It is written down, and tried until Stripe has.")
        return
    if made.state is RefundState.FAILED:
        raise click.ClickException(f"Stripe refused it: {made.error}")
    if made.state is RefundState.VOID:
        click.echo("All of it had gone back already; nothing was sent.")
    else:
        click.echo(f"{made.amount} of order {number} goes back to its buyer.")
    if made.parts:
        click.echo(_said(sum(made.parts.values())))


@orders.command("restock")
@click.argument("number")
@_ALL_PARTS
@_PARTS
def restock_order(number: str, all_parts: bool, parts: Sequence[str]) -> None:
    """Put parts of an order on the shelf again whose money has gone back already."""
    from mountify.services import returns
    from mountify.services.orders import get_by_number

    if not all_parts and not parts:
        raise click.UsageError("Say which: --restock for all of them, or --part PRODUCT=QUANTITY.")
    connected()
    back = None if all_parts else _read_parts(parts)
    click.echo(_said(returns.restock(get_by_number(number).id, back, now=utcnow())))


def _said(count: int) -> str:
    return f"{count} {'part is' if count == 1 else 'parts are'} on the shelf again."


def _read_amount(text: str | None) -> Money | None:
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,8}(\.[0-9]{1,2})?", text):
        raise BadAmount
    return Money.of(text)


def _read_parts(texts: Sequence[str]) -> dict[int, int]:
    """Add up `12=1` and the like."""
    parts: Counter[int] = Counter()
    for text in texts:
        found = re.fullmatch(r"([0-9]{1,18})=([0-9]{1,9})", text)
        if found is None:
            raise click.BadParameter(f"{text!r} is not PRODUCT=QUANTITY, such as 12=1", param_hint="--part")
        parts[int(found[1])] += int(found[2])
    return dict(parts)

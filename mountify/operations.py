"""Commands for whoever keeps a shop alive: what waits, what was given up, and how to set it going again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import click

from mountify.cli_context import connected
from mountify.core.clock import utcnow
from mountify.core.errors import BadAmount, NotFound, ShopError
from mountify.core.money import Money

T = TypeVar("T")


class Operations(click.Group):
    """A group whose refusals are sentences, not tracebacks."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ShopError as error:
            raise click.ClickException(str(error)) from error


def _or_nothing(found: Sequence[T]) -> Sequence[T]:
    """What is listed; that there is nothing is said too."""
    if not found:
        click.echo("Nothing waits, and nothing was given up.")
    return found


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
    """Ask Stripe about an order and do what follows: settle it, or end it when its time is over."""
    from mountify.gateways import from_config
    from mountify.services import payment_sessions

    config = connected()
    payments = from_config(config).payments
    order = payment_sessions.sync_order(number, payments=payments, site=config.site, now=utcnow())
    click.echo(f"Order {order.number} is {order.status}.")


@orders.command("refund")
@click.argument("number")
@click.option("--amount", help="How much goes back, such as 5.00; all that is left when this is not given.")
@click.option("--payment", metavar="PI_…", help="Another payment of the order than the one that paid it.")
@click.option("--restock", "all_parts", is_flag=True, help="All its parts go on the shelf again.")
@click.option("--part", "parts", multiple=True, metavar="PRODUCT=QUANTITY", help="These go on the shelf again.")
def refund_order(number: str, amount: str | None, payment: str | None, all_parts: bool, parts: Sequence[str]) -> None:
    """Send money back to the buyer of an order, all of it or a part."""
    from mountify.core.errors import PaymentsUnavailable
    from mountify.gateways import from_config
    from mountify.models.payment import RefundState
    from mountify.services import refund_requests
    from mountify.services.orders import get_by_number

    config = connected()
    wish = refund_requests.Wish(
        amount=_read_amount(amount), payment_intent=payment, parts=_read_parts(parts), all_parts=all_parts
    )
    refund_id = refund_requests.request(get_by_number(number).id, wish, now=utcnow())
    try:
        made = refund_requests.send(refund_id, payments=from_config(config).payments, site=config.site, now=utcnow())
    except PaymentsUnavailable:
        click.echo("Stripe does not answer. The refund is written down and will be sent as soon as it does.")
        return
    if made.state is RefundState.FAILED:
        raise click.ClickException(f"Stripe refused it: {made.error}")
    if made.state is RefundState.VOID:
        click.echo("All of it had gone back already; nothing was sent.")
    else:
        click.echo(f"{made.amount} of order {number} goes back to its buyer.")


def _read_amount(text: str | None) -> Money | None:
    try:
        return None if text is None else Money.of(text)
    except ValueError:
        raise BadAmount from None


def _read_parts(texts: Sequence[str]) -> dict[int, int]:
    """Add up `12=1` and the like."""
    parts: Counter[int] = Counter()
    for text in texts:
        product_id, _, quantity = text.partition("=")
        if not (product_id.isascii() and product_id.isdigit() and quantity.isascii() and quantity.isdigit()):
            raise click.BadParameter(f"{text!r} is not PRODUCT=QUANTITY, such as 12=1", param_hint="--part")
        parts[int(product_id)] += int(quantity)
    return dict(parts)


@click.group(cls=Operations)
def webhooks() -> None:
    """What Stripe told us."""


@webhooks.command("list")
def list_webhooks() -> None:
    """List deliveries that wait or were given up."""
    from mountify.services import webhooks as inbox

    connected()
    for event in _or_nothing(inbox.list_unprocessed()):
        state = f"given up: {event.error}" if event.parked_at else f"waits, {event.attempts} attempts"
        click.echo(f"{event.id}  {event.type}  {event.event_id}  {event.received_at:%Y-%m-%d %H:%M}  {state}")


@webhooks.command("replay")
@click.argument("event_id", type=int)
def replay_webhook(event_id: int) -> None:
    """Work on a stored delivery again."""
    from mountify.services import webhooks as inbox

    connected()
    inbox.replay(event_id)
    click.echo(f"Webhook {event_id} is queued.")


@webhooks.command("dismiss")
@click.argument("event_id", type=int)
def dismiss_webhook(event_id: int) -> None:
    """Call a delivery done without working on it: it is about nothing of this shop."""
    from mountify.services import webhooks as inbox

    connected()
    inbox.dismiss(event_id, now=utcnow())
    click.echo(f"Webhook {event_id} is done with.")


@click.group(cls=Operations)
def emails() -> None:
    """Mails that wait or failed."""


@emails.command("list")
def list_emails() -> None:
    """List mails that wait or failed."""
    from mountify.services import emails as outbox

    connected()
    for email in _or_nothing(outbox.list_unsent()):
        last = f", last {email.tried_at:%Y-%m-%d %H:%M}" if email.tried_at else ""
        about = f"{email.id}  {email.state}  {email.idempotency_key}  {email.attempts} attempts{last}"
        click.echo(f"{about}  {email.error or ''}".rstrip())


@emails.command("resend")
@click.argument("email_id", type=int)
def resend_email(email_id: int) -> None:
    """Try a mail that failed again, for another 23 hours."""
    from mountify.services import emails as outbox

    connected()
    outbox.resend(email_id, now=utcnow())
    click.echo(f"Mail {email_id} is queued.")


@click.group(cls=Operations)
def jobs() -> None:
    """Jobs that failed for the last time, and tasks that come round by themselves."""


@jobs.command("list")
def list_jobs() -> None:
    """List dead jobs."""
    from mountify import queue
    from mountify.transaction import transaction

    connected()
    with transaction() as session:
        for job in _or_nothing(queue.list_dead(session)):
            click.echo(f"{job.id}  {job.task}  {job.arguments}  {job.attempts} attempts")


@jobs.command("retry")
@click.argument("job_id", type=int)
def retry_job(job_id: int) -> None:
    """Queue a dead job again."""
    from mountify import queue
    from mountify.transaction import transaction

    connected()
    with transaction() as session:
        if not queue.retry(session, job_id):
            raise NotFound
    click.echo(f"Job {job_id} is queued again.")


@jobs.command("run")
@click.argument("task")
def run_job(task: str) -> None:
    """Do here and now what a periodic task does; what it dies of is shown as it is.

    The worker's own turn may run at the same time: each order is locked while it is decided on, so that nothing is done
    twice.
    """
    from mountify.gateways import from_config
    from mountify.jobs import tasks, worker

    if task not in tasks.PERIODIC:
        raise click.ClickException(f"There is no task {task}; there are {', '.join(tasks.PERIODIC)}.")
    config = connected()
    worker.run_once(task, config, from_config(config))
    click.echo(f"Task {task} has been done.")


@click.group(cls=Operations)
def inventory() -> None:
    """Stock."""


@inventory.command("recount")
@click.argument("product_id", type=int)
def recount(product_id: int) -> None:
    """Set what is reserved of a product to what its orders hold."""
    from mountify.services import inventory as stock
    from mountify.transaction import transaction

    connected()
    with transaction() as session:
        click.echo(f"{stock.recount(session, product_id)} of product {product_id} are reserved.")


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
@click.argument("note_id", type=int, metavar="ID")
@click.option("--refund", is_flag=True, help="ID is of a refund that failed, and that was paid in another way.")
def finish_attention(note_id: int, refund: bool) -> None:
    """Say that somebody has looked at something and done what was to be done."""
    from mountify.services import attention_notes

    connected()
    (attention_notes.resolve_refund if refund else attention_notes.resolve)(note_id, now=utcnow())
    click.echo(f"{'Refund' if refund else 'Note'} {note_id} is done with.")


GROUPS = (orders, webhooks, emails, jobs, inventory, attention)

"""What waits and what was given up: deliveries, mails and jobs, and how to set them going again."""

from __future__ import annotations

import click

from mountify.commands.context import connected
from mountify.commands.groups import ID, Operations, or_nothing
from mountify.core.clock import utcnow
from mountify.core.errors import N_, NotFound


@click.group(cls=Operations)
def webhooks() -> None:
    """What Stripe told us."""


@webhooks.command("list")
def list_webhooks() -> None:
    """List deliveries that wait or were given up."""
    from mountify.services import webhooks as inbox

    connected()
    for event in or_nothing(inbox.list_unprocessed()):
        state = f"given up: {event.error}" if event.parked_at else f"waits, {event.attempts} attempts"
        click.echo(f"{event.id}  {event.type}  {event.event_id}  {event.received_at:%Y-%m-%d %H:%M}  {state}")


@webhooks.command("replay")
@click.argument("event_id", type=ID)
def replay_webhook(event_id: int) -> None:
    """Work on a stored delivery again."""
    from mountify.services import webhooks as inbox

    connected()
    inbox.replay(event_id)
    click.echo(f"Webhook {event_id} is queued.")


@webhooks.command("dismiss")
@click.argument("event_id", type=ID)
def dismiss_webhook(event_id: int) -> None:
    """Call a delivery done without working on it: somebody has mended it at Stripe."""
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
    for email in or_nothing(outbox.list_unsent()):
        last = f", last {email.tried_at:%Y-%m-%d %H:%M}" if email.tried_at else ""
        about = f"{email.id}  {email.state}  {email.idempotency_key}  {email.attempts} attempts{last}"
        click.echo(f"{about}  {email.error or ''}".rstrip())


@emails.command("resend")
@click.argument("email_id", type=ID)
def resend_email(email_id: int) -> None:
    """Try once more to send a mail that failed, for another 23 hours."""
    from mountify.services import emails as outbox

    connected()
    is_queued = outbox.resend(email_id, now=utcnow())
    click.echo(f"Mail {email_id} is queued." if is_queued else f"Mail {email_id} was sent already.")


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
        for job in or_nothing(queue.list_dead(session)):
            click.echo(f"{job.id}  {job.task}  {job.arguments}  {job.attempts} attempts")


@jobs.command("retry")
@click.argument("job_id", type=ID)
def retry_job(job_id: int) -> None:
    """Queue a dead job again."""
    from mountify import queue
    from mountify.transaction import transaction

    connected()
    with transaction() as session:
        if not queue.retry(session, job_id):
            raise NotFound(N_("There is no dead job %(id)s."), id=job_id)
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

"""Is all as it should be? Of the database, beside Stripe, and of the machine."""

from __future__ import annotations

import os
import re
import sys
from datetime import timedelta

import click

from mountify.commands.context import connected, hint


@click.command()
def audit() -> None:
    """Check every invariant; say what is wrong and end with 1 when something is."""
    from mountify.core.clock import utcnow
    from mountify.services.audit import audit as check

    connected()
    violations = check(now=utcnow())
    for violation in violations:
        click.echo(f"{violation.invariant}: {violation.what}. Next: {violation.repair}")
    click.echo(f"{len(violations)} violations" if violations else "Every invariant holds.")
    sys.exit(1 if violations else 0)


@click.command()
@click.option("--since", default="72h", show_default=True, help="How far back, such as 90m, 72h or 14d.")
def reconcile(since: str) -> None:
    """Compare the shop with Stripe, repair what can be repaired; end with 1 when something is left for a person."""
    from mountify.core.clock import utcnow
    from mountify.core.errors.payments import PaymentsUnavailable
    from mountify.gateways import from_config
    from mountify.services.reconcile import reconcile as compare

    now, reach = utcnow(), _read_span(since)
    config = connected()
    try:
        report = compare(since=now - reach, payments=from_config(config).payments, site=config.site, now=now)
    except PaymentsUnavailable:
        raise click.ClickException("Stripe does not answer. Try again later; the worker does so every hour.") from None
    for what in report.repaired:
        click.echo(f"repaired: {what}")
    for what in report.mismatches:
        click.echo(f"MISMATCH: {what}")
    failed = f", {report.failed} could not be done (the log says why)" if report.failed else ""
    click.echo(
        f"{report.compared} compared, {len(report.repaired)} repaired, {len(report.mismatches)} left for you{failed}."
    )
    sys.exit(0 if report.is_clean else 1)


def _read_span(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,4})([mhd])", text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is not a span of time such as 90m, 72h or 14d", param_hint="--since")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[found[2]]: int(found[1])})


@click.command()
def doctor() -> None:
    """Say in plain words what is configured, embedded, reachable and wrong."""
    from mountify.doctor import examine
    from mountify.supervisor.house import recall

    embedded = recall(os.environ)
    findings = examine({**embedded, **os.environ}, frozenset(embedded) - frozenset(os.environ))
    for finding in findings:
        asked = hint(embedded) if finding.part == "configuration" and not finding.is_well else ""
        click.echo(f"{'ok  ' if finding.is_well else 'WRONG'} {finding.part}: {finding.words}{asked}")
    sys.exit(0 if all(finding.is_well for finding in findings) else 1)

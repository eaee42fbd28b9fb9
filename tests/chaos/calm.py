"""After the storm: everything is whole again, everybody has gone, and the shop works off what is left."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from mountify import db
from mountify.core.clock import utcnow
from mountify.embedded.processes import wait_until
from mountify.gateways import from_config
from mountify.jobs.tasks import PERIODIC
from mountify.queue import defer, forget_dead
from mountify.services import emails, refund_sending, webhooks
from mountify.services.reconcile import Report, reconcile
from mountify.transaction import transaction
from tests.processes.standing import let_time_pass
from tests.processes.visit import WORK, jobs

from . import operator
from .estate import Estate
from .ledger import Ledger

PENDING = """
    SELECT count(*) FROM orders o WHERE o.status = 'pending' AND NOT EXISTS (
        SELECT FROM payment_attempts a WHERE a.order_id = o.id AND a.state = 'complete')
"""
REACH = timedelta(hours=72)


class Unrest(Exception):
    """The shop did not come to rest in time."""


class Calm:
    def __init__(self, estate: Estate, ledger: Ledger, deadline: float, chance: random.Random) -> None:
        self.estate, self.ledger, self.deadline, self._chance = estate, ledger, deadline, chance
        self.off: list[str] = []
        """What only a safety net has caught: there for a bug that nobody knows, and silent as long as there is none."""
        self.repaired = 0
        """By comparing with Stripe once, because webhooks were lost."""

    def come(self) -> None:
        self._take_faults_back()
        self.estate.look_after()
        let_time_pass()  # whoever was killed has been silent for long enough
        self._hear_all()
        self._refund()
        self._ask_banks()
        self._hear_all()
        self._end_holds()
        self._sweep()
        self.rest()
        first = self._reconcile()
        self.repaired = len(first.repaired)
        self._refund()
        self.rest()
        second = self._reconcile()
        self.off += [f"repaired only at the second comparison: {what}" for what in second.repaired]
        with transaction() as session:
            forget_dead(session, {*PERIODIC})  # as the worker does each minute: they come round by themselves
        self.ledger.not_granted += self.ledger.to_refund
        self.ledger.to_refund.clear()

    def _take_faults_back(self) -> None:
        """Those that nobody ran into have never been."""
        for fault in json.loads(self.estate.outside.get("/_faults").text)["faults"]:
            self.ledger.faults[fault["service"]] -= fault["times"]
        self.estate.outside.request("DELETE", "/_faults")

    def rest(self) -> None:
        """Wait until no job waits; the pauses between its tries are over at once. Raises Unrest."""

        def is_at_rest() -> bool:
            with transaction() as session:
                session.execute(
                    sa.text("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE scheduled_at > now()")
                )
            db.release()
            return self.estate.courier.is_idle and jobs(WORK) == 0

        self._wait(is_at_rest, "a job waits for ever")

    def _hear_all(self) -> None:
        self.estate.courier.hurry()
        self._wait(lambda: self.estate.courier.is_idle, "a webhook is never taken")
        self.rest()

    def _refund(self) -> None:
        for session_id in [self.ledger.to_refund.pop() for _ in list(self.ledger.to_refund)]:
            operator.serve(self.ledger, session_id)

    def _ask_banks(self) -> None:
        """Each bank says yes or no to the debits that are on their way."""
        while self.ledger.debits:
            session_id = self.ledger.debits.pop()
            result = self._chance.choice(("succeed", "succeed", "fail"))
            self.estate.outside.post(f"/dashboard/sessions/{session_id}/settlement", {"result": result})

    def _end_holds(self) -> None:
        """The time to pay is over for all who have not, as if it were later, and the worker's rounds come now."""
        with transaction() as session:
            session.execute(sa.text("UPDATE orders SET reserved_until = now() WHERE status = 'pending'"))

        def is_over() -> bool:
            with transaction() as session:
                if session.scalar(sa.text(PENDING)) == 0:
                    return True
                if jobs("task_name = 'end_overdue'") == 0:
                    defer(session, "end_overdue", timestamp=0)
            return False

        self._wait(is_over, "an order is held for ever")
        with transaction() as session:
            defer(session, "sync_delayed", timestamp=0)
        self._wait(lambda: jobs("task_name = 'sync_delayed'") == 0, "delayed payments are never asked about")

    def _sweep(self) -> None:
        """What has lost its job: nothing, unless a row was written without one."""
        later = utcnow() + timedelta(minutes=2)
        swept = sum(service.requeue_overdue(now=later) for service in (webhooks, emails, refund_sending))
        db.release()
        if swept:
            self.off.append(f"{swept} things had lost their jobs, and had to be swept up")

    def _reconcile(self) -> Report:
        payments, now = from_config(self.estate.config).payments, utcnow()
        try:
            report = reconcile(since=now - REACH, payments=payments, site=self.estate.config.site, now=now)
        finally:
            db.release()
        self.off += [f"mismatch: {what}" for what in report.mismatches]
        if report.failed:
            self.off.append(f"{report.failed} things could not be compared with Stripe")
        return report

    def _wait(self, is_true: Callable[[], bool], what: str) -> None:
        if not wait_until(is_true, max(1.0, self.deadline - time.monotonic())):
            raise Unrest(f"{what}: {json.dumps(_left())}")


def _left() -> list[str]:
    found = db.session.execute(
        sa.text("SELECT task_name || ' ' || status || ' ' || attempts || ' ' || args FROM procrastinate_jobs LIMIT 20")
    )
    left = [str(row[0]) for row in found]
    db.release()
    return left

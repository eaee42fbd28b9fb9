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
from mountify.queue import defer
from mountify.services import emails, refund_sending, webhooks
from mountify.services.reconcile import Report, reconcile
from mountify.transaction import transaction
from tests.processes.standing import let_time_pass
from tests.processes.visit import WORK, jobs

from . import operator
from .errand import Ledger
from .estate import Estate

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
        self.swept = 0

    def come(self) -> tuple[Report, Report]:
        """Give what comparing with Stripe has found: at first, and when everything was repaired."""
        self.estate.outside.request("DELETE", "/_faults")
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
        self._refund()
        self.rest()
        return first, self._reconcile()

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
        wanted, self.ledger.to_refund = self.ledger.to_refund, []
        self.ledger.to_refund = [session_id for session_id in wanted if not operator.refund(session_id)]

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
        self.swept += sum(service.requeue_overdue(now=later) for service in (webhooks, emails, refund_sending))
        db.release()

    def _reconcile(self) -> Report:
        payments, now = from_config(self.estate.config).payments, utcnow()
        try:
            return reconcile(since=now - REACH, payments=payments, site=self.estate.config.site, now=now)
        finally:
            db.release()

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

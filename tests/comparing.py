"""The shop compared with Stripe, and what a person is told then."""

from __future__ import annotations

from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.attention import AttentionNote
from mountify.services.audit import audit
from mountify.services.reconcile import REACH, Report, reconcile
from tests.buyers import SITE
from tests.fakes import FakePayments


def compare(payments: FakePayments) -> Report:
    now = utcnow()
    report = reconcile(since=now - REACH, payments=payments, site=SITE, now=now)
    db.release()
    return report


def notes() -> list[AttentionNote]:
    found = list(db.session.scalars(select(AttentionNote).where(AttentionNote.resolved_at.is_(None))))
    db.release()
    return found


def assert_agrees(payments: FakePayments) -> None:
    """A second look finds nothing to do."""
    again = compare(payments)
    assert again.repaired == [] and again.is_clean and audit(now=utcnow()) == []
    db.release()

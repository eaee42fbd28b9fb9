"""The shop's books beside Stripe's, in both directions: what can be repaired is, the rest is told to a person.

Nothing here depends on a webhook. What is compared may have changed since it was listed; so a repair reads again, and
nothing is called a mismatch before Stripe has been asked about that very thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from mountify import db
from mountify.core.errors.payments import UnknownSession, UnreadableAmount
from mountify.core.money import from_minor
from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.attention import AttentionKind
from mountify.models.base import is_one_of
from mountify.models.payment import Refund, RefundState
from mountify.one_by_one import each_alone
from mountify.services import attention_notes, comparison, our_books
from mountify.services.comparison import Difference, Kind
from mountify.services.disputes import sync_dispute
from mountify.services.our_books import OurDispute, OurPayment, OurRefund
from mountify.services.refunds import MADE, sync_refunds
from mountify.services.settlement import sync_session
from mountify.services.wording import format_money, not_held
from mountify.transaction import transaction

T = TypeVar("T")
log = structlog.get_logger()

REACH = timedelta(hours=72)
MADE_BEFORE = timedelta(hours=1)  # a session is made within the time of its order's hold before it is paid
FAILS_WITHIN = timedelta(days=30)  # a refund that had arrived: https://docs.stripe.com/refunds#failed-refunds
_MONEY = frozenset({SessionOutcome.PAID, SessionOutcome.PROCESSING})


@dataclass
class Report:
    """`repaired` and `mismatches` are sentences, the latter noted for a person, too."""

    compared: int = 0
    failed: int = 0
    repaired: list[str] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.mismatches and not self.failed


def reconcile(*, since: datetime, payments: Payments, site: Site, now: datetime) -> Report:
    """Compare every session, payment, refund and dispute since a moment, and repair what can be repaired.

    Raises PaymentsUnavailable when Stripe does not even list them; what was repaired before that stays so.
    """
    return _Reconciler(since, payments, site, now).run()


@dataclass
class _Reconciler:
    since: datetime
    payments: Payments
    site: Site
    now: datetime
    report: Report = field(default_factory=Report)

    def run(self) -> Report:
        db.release()
        sessions = self.payments.list_sessions(self.since - MADE_BEFORE)
        differences, unknown = comparison.compare_sessions(sessions)
        self._each(differences, self._repair)
        self._each([seen for seen in unknown if self._is_lost(seen)], self._tell_of_no_order)
        self._agree([seen.id for seen in unknown if not self._is_lost(seen)])
        seen_paid = {seen.id: seen.amount_total for seen in sessions if seen.outcome is SessionOutcome.PAID}
        ours = our_books.list_payments(self.since)
        self._agree([paid.session_id for paid in ours if seen_paid.get(paid.session_id) == paid.amount])
        self._each([paid for paid in ours if seen_paid.get(paid.session_id) != paid.amount], self._check_payment)
        self._compare_refunds()
        self._compare_disputes()
        self.report.compared += len(sessions)
        return self.report

    def _compare_refunds(self) -> None:
        db.release()
        listed = self.payments.list_refunds_since(self.since - FAILS_WITHIN)
        self._each(comparison.compare_refunds(listed), self._repair)
        self._agree([seen.id for seen in listed])
        not_listed = ~is_one_of(Refund.stripe_refund_id, [seen.id for seen in listed])
        young = Refund.state.in_(MADE) & (Refund.created_at >= self.since)
        ours = our_books.list_refunds(not_listed, young | (Refund.state == RefundState.PENDING))
        self._each(ours, self._check_refund)
        self.report.compared += len(listed)

    def _compare_disputes(self) -> None:
        db.release()
        listed = self.payments.list_disputes(self.since)
        self._each(comparison.compare_disputes(listed), self._repair)
        self._agree([seen.id for seen in listed])
        young = {seen.id for seen in listed}
        self._each([ours for ours in our_books.list_open_disputes() if ours.id not in young], self._check_dispute)
        self.report.compared += len(listed)

    def _each(self, things: Sequence[T], work: Callable[[T], object]) -> None:
        db.release()
        self.report.failed += each_alone(things, work).failed

    def _repair(self, difference: Difference) -> None:
        try:
            if not self._follow(difference):
                return
        except UnreadableAmount:
            self._tell(difference.about, not_held(difference.what))
            return
        self.report.repaired.append(difference.what)
        log.warning("reconciled", what=difference.what)

    def _follow(self, difference: Difference) -> bool:
        """Read it again and do what follows; False when it was none any more: it was paid after it had been listed."""
        match difference.kind:
            case Kind.REFUNDS:
                sync_refunds(difference.about, payments=self.payments, site=self.site, now=self.now)
            case Kind.DISPUTE:
                self._sync_dispute(difference.about)
            case Kind.OPEN_SESSION:
                ended = self.payments.expire_session(difference.about)
                sync_session(difference.about, payments=self.payments, site=self.site, now=self.now)
                return ended.outcome is SessionOutcome.CLOSED
            case Kind.SESSION:
                sync_session(difference.about, payments=self.payments, site=self.site, now=self.now)
        return True

    def _sync_dispute(self, dispute_id: str) -> None:
        sync_dispute(dispute_id, payments=self.payments, site=self.site, now=self.now)

    def _is_lost(self, seen: PaymentSession) -> bool:
        """Say whether money came to a session of this shop that has no order."""
        return seen.outcome in _MONEY and seen.is_of(self.site.base_url)

    def _tell_of_no_order(self, seen: PaymentSession) -> None:
        amount, buyer = _sum(seen.amount_total, seen.currency), seen.email or "somebody"
        self._tell(
            seen.id,
            f"Stripe has the payment {seen.payment_intent} of {amount}, made by {buyer} in session {seen.id}, and this "
            "shop has no order for it: it may have been lost with the database. Give it back in Stripe's dashboard, or "
            "deliver it.",
        )

    def _check_payment(self, paid: OurPayment) -> None:
        try:
            seen = self.payments.get_session(paid.session_id)
        except UnknownSession:
            self._tell(paid.session_id, _NOT_THERE.format(paid), order_id=paid.order_id)
            return
        if seen.outcome is not SessionOutcome.PAID:
            what = f"Order {paid.number} is paid here; at Stripe its session {seen.id} is {seen.outcome}."
            self._tell(paid.session_id, what, order_id=paid.order_id)
        elif seen.amount_total != paid.amount:
            amounts = f"{_sum(paid.amount, seen.currency)} here, {_sum(seen.amount_total, seen.currency)} at Stripe"
            self._tell(paid.session_id, f"Order {paid.number} was paid with {amounts}.", order_id=paid.order_id)
        else:
            self._agree([paid.session_id])

    def _check_refund(self, refund: OurRefund) -> None:
        """It is older than what was listed, or on its way since long: that it is listed with its payment is enough."""
        try:
            listed = self.payments.list_refunds(refund.payment_intent)
        except UnknownSession:
            listed = []
        if refund.id in {seen.id for seen in listed}:
            try:
                sync_refunds(refund.payment_intent, payments=self.payments, site=self.site, now=self.now)
                self._agree([refund.id])
            except UnreadableAmount:
                self._tell(refund.id, not_held(f"a refund of order {refund.number} is made at Stripe"))
        else:
            self._tell(refund.id, _NOT_KNOWN.format("Refund", refund), order_id=refund.order_id)

    def _check_dispute(self, dispute: OurDispute) -> None:
        try:
            self._sync_dispute(dispute.id)
            self._agree([dispute.id])
        except UnknownSession:
            self._tell(dispute.id, _NOT_KNOWN.format("Dispute", dispute), order_id=dispute.order_id)
        except UnreadableAmount:
            self._tell(dispute.id, not_held(f"dispute {dispute.id} of order {dispute.number} goes on at Stripe"))

    def _agree(self, abouts: Sequence[str]) -> None:
        """What Stripe and the shop agree on again is no mismatch any more; the next one about it is news."""
        with transaction() as session:
            attention_notes.forget(session, AttentionKind.MISMATCH, *abouts)

    def _tell(self, about: str, what: str, *, order_id: int | None = None) -> None:
        with transaction() as session:
            attention_notes.note_news(session, AttentionKind.MISMATCH, about, what, order_id=order_id, now=self.now)
            is_done = attention_notes.is_resolved(session, AttentionKind.MISMATCH, about)
        if not is_done:
            self.report.mismatches.append(what)
            log.error("mismatch", about=about)


def _sum(minor: int, currency: str) -> str:
    """An amount that the books cannot hold is told all the same, as Stripe counts it."""
    try:
        return format_money(from_minor(minor, currency), currency.upper())
    except UnreadableAmount:
        return f"{minor} of the smallest units of {currency.upper()}"


_NOT_KNOWN = "{0} {1.id} of order {1.number} is {1.state} here, and Stripe does not know it."
_NOT_THERE = (
    "Order {0.number} is paid here by session {0.session_id}, and Stripe does not know it. Was the shop connected to "
    "another account of Stripe's then?"
)

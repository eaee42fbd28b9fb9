"""Stripe and the mail service by the machine's clock: strict about time and repeats, and with bad days of their own."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from mountify import db
from mountify.core.errors.outside import MailUnavailable
from mountify.core.errors.payments import PaymentRefused, PaymentsUnavailable
from mountify.core.payment_dispute import PaymentDispute
from mountify.core.payment_refund import PaymentRefund, RefundOutcome
from mountify.core.payment_session import PaymentSession, SessionOutcome
from tests.fakes import FakeMailer, FakePayments
from tests.model.crashes import Crashes

T = TypeVar("T")
SOONEST_END = timedelta(minutes=30)  # https://docs.stripe.com/api/checkout/sessions/create#expires_at
KEYS_KEPT_FOR = timedelta(hours=24)  # https://resend.com/docs/dashboard/emails/idempotency-keys


class Mood(StrEnum):
    """`silent`: it does what it is asked, and the answer is lost. `refusing`: it takes nothing new."""

    WELL = "well"
    DOWN = "down"
    SILENT = "silent"
    REFUSING = "refusing"


@dataclass(kw_only=True)
class Stripe(FakePayments):
    """`told` is what it has to tell and nobody has acknowledged, `refused` the keys of refunds it said no to."""

    crashes: Crashes
    now: datetime
    mood: Mood = Mood.WELL
    is_slow_to_refund: bool = False
    ends: dict[str, datetime] = field(default_factory=dict)
    made: dict[str, datetime] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    _events: Any = field(default_factory=lambda: itertools.count(1))

    def pass_time(self, now: datetime) -> None:
        self.now = now
        for session_id, session in list(self.sessions.items()):
            if session.outcome is SessionOutcome.OPEN and self.ends[session_id] <= now:
                self.change(session_id, outcome=SessionOutcome.CLOSED)

    def create_session(self, params: Mapping[str, Any], idempotency_key: str) -> PaymentSession:
        self._called()
        ends = datetime.fromtimestamp(params["expires_at"], self.now.tzinfo)
        is_new = idempotency_key not in self.by_key
        if is_new and (self.mood is Mood.REFUSING or ends < self.now + SOONEST_END):
            raise PaymentRefused
        session = super().create_session(params, idempotency_key)
        if is_new:
            self.ends[session.id], self.made[session.id] = ends, self.now
        return self._answered(session)

    def expire_session(self, session_id: str) -> PaymentSession:
        return self._answered(super().expire_session(session_id))

    def create_refund(self, payment_intent: str, amount: int, idempotency_key: str) -> PaymentRefund:
        is_known = any(made.key == idempotency_key for made in self.refunds.get(payment_intent, {}).values())
        try:
            if not is_known and (self.mood is Mood.REFUSING or self.is_disputed(payment_intent)):
                self._called()
                raise PaymentRefused
            return self._answered(super().create_refund(payment_intent, amount, idempotency_key))
        except PaymentRefused:
            self.refused.add(idempotency_key)
            raise

    def left_of(self, payment_intent: str) -> int:
        """What of a payment is neither back with its buyer nor on its way there."""
        mine = self.refunds.get(payment_intent, {}).values()
        return self.paid[payment_intent] - sum(each.amount for each in mine if each.outcome is not RefundOutcome.FAILED)

    def is_disputed(self, payment_intent: str) -> bool:
        """What a bank has taken, or is about to, cannot be sent back as well."""
        return any(each.payment_intent == payment_intent and each.status != "won" for each in self.disputes.values())

    def list_sessions(self, since: datetime) -> list[PaymentSession]:
        return [session for session in super().list_sessions(since) if self.made[session.id] >= since]

    def list_refunds_since(self, since: datetime) -> list[PaymentRefund]:
        return [refund for refund in super().list_refunds_since(since) if self.made[refund.id] >= since]

    def change(self, session_id: str, **changes: Any) -> None:
        before = self.sessions[session_id].outcome
        super().change(session_id, **changes)
        session = self.sessions[session_id]
        kind = {
            SessionOutcome.PROCESSING: "completed",
            SessionOutcome.FAILED: "async_payment_failed",
            SessionOutcome.CLOSED: "expired",
            SessionOutcome.PAID: "completed" if before is SessionOutcome.OPEN else "async_payment_succeeded",
        }[session.outcome]
        self._tell(f"checkout.session.{kind}", id=session_id)

    def refund(
        self, payment_intent: str, amount: int, outcome: RefundOutcome | None = None, key: str | None = None
    ) -> str:
        outcome = outcome or (RefundOutcome.PENDING if self.is_slow_to_refund else RefundOutcome.SUCCEEDED)
        refund_id = super().refund(payment_intent, amount, outcome, key)
        self.made[refund_id] = self.now
        self._tell("refund.created", id=refund_id, payment_intent=payment_intent)
        return refund_id

    def change_refund(self, payment_intent: str, refund_id: str, outcome: RefundOutcome) -> None:
        super().change_refund(payment_intent, refund_id, outcome)
        kind = "refund.failed" if outcome is RefundOutcome.FAILED else "charge.refund.updated"
        self._tell(kind, id=refund_id, payment_intent=payment_intent)

    def dispute(self, payment_intent: str | None, amount: int, *, now: datetime, **changes: Any) -> str:
        dispute_id = super().dispute(payment_intent, amount, now=now, **changes)
        self._tell("charge.dispute.created", id=dispute_id, payment_intent=payment_intent)
        return dispute_id

    def change_dispute(self, dispute_id: str, **changes: Any) -> None:
        super().change_dispute(dispute_id, **changes)
        dispute: PaymentDispute = self.disputes[dispute_id]
        kind = "closed" if dispute.is_closed else "updated"
        self._tell(f"charge.dispute.{kind}", id=dispute_id, payment_intent=dispute.payment_intent)

    def _tell(self, kind: str, **thing: str | None) -> None:
        self.told.append({"id": f"evt_{next(self._events):04d}", "type": kind, "data": {"object": thing}})

    def _answered(self, answer: T) -> T:
        if self.mood is Mood.SILENT:
            raise PaymentsUnavailable
        return answer

    def _called(self) -> None:
        self.crashes.assert_alive()
        self.is_down = self.mood is Mood.DOWN
        super()._called()


@dataclass(kw_only=True)
class Post(FakeMailer):
    """The mail service. `accepted` holds each mail as often as it would arrive."""

    crashes: Crashes
    now: datetime
    mood: Mood = Mood.WELL
    accepted: list[tuple[str, str]] = field(default_factory=list)  # kind, recipient
    keys: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, tuple[datetime, object]] = field(default_factory=dict)

    def send(self, *, sender_name: str = "", to: str, subject: str, html: str, text: str, idempotency_key: str) -> str:
        db.assert_no_connection()
        self.crashes.assert_alive()
        if self.mood is Mood.DOWN:
            raise MailUnavailable
        letter = (sender_name, to, subject, html, text)
        at, known = self._seen.get(idempotency_key, (None, letter))
        assert letter == known, f"another mail under the key {idempotency_key}"
        if at is None or self.now - at >= KEYS_KEPT_FOR:
            self._seen[idempotency_key] = self.now, letter
            self.accepted.append((idempotency_key.split(":")[0], to))
            self.keys[idempotency_key.rpartition(":")[0]] += 1
        if self.mood is Mood.SILENT:
            raise MailUnavailable
        return f"mail-{idempotency_key}"

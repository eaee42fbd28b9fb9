"""Twins of the outside services, as strict as the tests need and quick to command. They come in through create_app."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from mountify import db
from mountify.core.errors.outside import MailUnavailable
from mountify.core.errors.payments import BadSignature, PaymentRefused, PaymentsUnavailable, UnknownSession
from mountify.core.errors.pictures import ImagesUnavailable
from mountify.core.outside import Answer
from mountify.core.payment_dispute import PaymentDispute
from mountify.core.payment_refund import PaymentRefund, RefundOutcome
from mountify.core.payment_session import Delivery, PaymentSession, SessionOutcome
from mountify.core.pictures import StoredPicture

HOME = Delivery(
    name="Sam Okafor",
    phone="+1 503 555 0100",
    address={
        "line1": "41 Alder Street",
        "line2": "Apt 3",
        "city": "Portland",
        "state": "OR",
        "postal_code": "97205",
        "country": "US",
    },
)


@dataclass
class FakePayments:
    """Many may ask at once, as they may at Stripe: what changes a session is one step."""

    sessions: dict[str, PaymentSession] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    by_key: dict[str, str] = field(default_factory=dict)
    refunds: dict[str, dict[str, PaymentRefund]] = field(default_factory=dict)
    refunds_asked: list[tuple[str, int, str]] = field(default_factory=list)
    disputes: dict[str, PaymentDispute] = field(default_factory=dict)
    disputed_at: dict[str, datetime] = field(default_factory=dict)
    is_down: bool = False
    refuses: bool = False
    _ids: Any = field(default_factory=lambda: itertools.count(1))
    _lock: Any = field(default_factory=threading.RLock, repr=False, compare=False)

    def create_session(self, params: Mapping[str, Any], idempotency_key: str) -> PaymentSession:
        self._called()
        if self.refuses:
            raise PaymentRefused
        with self._lock:
            self.asked.append((idempotency_key, dict(params)))
            if idempotency_key not in self.by_key:
                self.by_key[idempotency_key] = self._make_session(params)
            return self.sessions[self.by_key[idempotency_key]]

    def _make_session(self, params: Mapping[str, Any]) -> str:
        session_id = f"cs_test_{next(self._ids):04d}{'x' * 20}"
        amount = sum(line["quantity"] * line["price_data"]["unit_amount"] for line in params["line_items"])
        amount += sum(rate["shipping_rate_data"]["fixed_amount"]["amount"] for rate in params["shipping_options"])
        self.sessions[session_id] = PaymentSession(
            id=session_id,
            url=f"http://localhost:3998/pay/{session_id}",
            outcome=SessionOutcome.OPEN,
            amount_total=amount,
            currency=params["line_items"][0]["price_data"]["currency"],
            order_id=int(params["client_reference_id"]),
            attempt=params["metadata"]["attempt"],
            payment_intent=None,
            email=params["customer_email"],
            delivery=None,
            leads_to=params["success_url"],
        )
        return session_id

    def get_session(self, session_id: str) -> PaymentSession:
        self._called()
        if session_id not in self.sessions:
            raise UnknownSession
        return self.sessions[session_id]

    def find_session(self, payment_intent: str) -> PaymentSession | None:
        self._called()
        made = (session for session in self.sessions.values() if session.payment_intent == payment_intent)
        return next(made, None)

    def list_sessions(self, since: datetime) -> list[PaymentSession]:
        """All of them: none is old here."""
        self._called()
        return list(self.sessions.values())

    def expire_session(self, session_id: str) -> PaymentSession:
        self.get_session(session_id)
        with self._lock:  # not while it waits: others may come
            if self.sessions[session_id].outcome is SessionOutcome.OPEN:
                self.change(session_id, outcome=SessionOutcome.CLOSED)
            return self.sessions[session_id]

    def create_refund(self, payment_intent: str, amount: int, idempotency_key: str) -> PaymentRefund:
        self._called()
        with self._lock:
            self.refunds_asked.append((payment_intent, amount, idempotency_key))
            mine = self.refunds.setdefault(payment_intent, {})
            for made in mine.values():
                if made.key == idempotency_key:
                    return made
            left = self.paid[payment_intent] - sum(
                refund.amount for refund in mine.values() if refund.outcome is not RefundOutcome.FAILED
            )
            if amount > left:
                raise PaymentRefused
            refund_id = self.refund(payment_intent, amount, key=idempotency_key)
            return mine[refund_id]

    def currency_of(self, payment_intent: str) -> str:
        paid = (session.currency for session in self.sessions.values() if session.payment_intent == payment_intent)
        return next(paid, "usd")

    @property
    def paid(self) -> dict[str, int]:
        """What was paid by each payment, in minor units."""
        return {
            session.payment_intent: session.amount_total
            for session in self.sessions.values()
            if session.payment_intent is not None
        }

    def list_refunds(self, payment_intent: str) -> list[PaymentRefund]:
        self._called()
        return list(self.refunds.get(payment_intent, {}).values())

    def list_refunds_since(self, since: datetime) -> list[PaymentRefund]:
        self._called()
        return [refund for mine in self.refunds.values() for refund in mine.values()]

    def refund(
        self,
        payment_intent: str,
        amount: int,
        outcome: RefundOutcome = RefundOutcome.SUCCEEDED,
        key: str | None = None,
    ) -> str:
        """Money is sent back, at Stripe's dashboard where there is no key; gives the refund's id."""
        refund_id = f"re_{next(self._ids):04d}"
        self.refunds.setdefault(payment_intent, {})[refund_id] = PaymentRefund(
            refund_id, amount, self.currency_of(payment_intent), outcome, key, payment_intent
        )
        return refund_id

    def change_refund(self, payment_intent: str, refund_id: str, outcome: RefundOutcome) -> None:
        mine = self.refunds[payment_intent]
        mine[refund_id] = replace(mine[refund_id], outcome=outcome)

    def get_dispute(self, dispute_id: str) -> PaymentDispute:
        self._called()
        if dispute_id not in self.disputes:
            raise UnknownSession
        return self.disputes[dispute_id]

    def list_disputes(self, since: datetime) -> list[PaymentDispute]:
        self._called()
        return [dispute for dispute in self.disputes.values() if self.disputed_at[dispute.id] >= since]

    def dispute(self, payment_intent: str | None, amount: int, *, now: datetime, **changes: Any) -> str:
        """The buyer's bank takes money back until somebody decides; gives the dispute's id."""
        dispute_id = f"du_{next(self._ids):04d}"
        begun = PaymentDispute(
            dispute_id, payment_intent, amount, "usd", "fraudulent", "needs_response", now + timedelta(days=7)
        )
        self.disputes[dispute_id], self.disputed_at[dispute_id] = replace(begun, **changes), now
        return dispute_id

    def change_dispute(self, dispute_id: str, **changes: Any) -> None:
        self.disputes[dispute_id] = replace(self.disputes[dispute_id], **changes)

    def read_webhook(self, payload: bytes, signature: str | None) -> dict[str, Any]:
        if signature != "good":
            raise BadSignature
        return dict(json.loads(payload))

    def ping(self) -> Answer:
        db.assert_no_connection()
        return Answer.NONE if self.is_down else Answer.WELL

    def pay(self, session_id: str, **changes: Any) -> None:
        """The shopper pays on the hosted page."""
        self.change(
            session_id,
            **{"outcome": SessionOutcome.PAID, "payment_intent": f"pi_{session_id[8:12]}", "delivery": HOME, **changes},
        )

    def pay_if_open(self, session_id: str) -> None:
        """The shopper presses the button; it does nothing on a session that has ended."""
        with self._lock:
            if self.sessions[session_id].outcome is SessionOutcome.OPEN:
                self.pay(session_id)

    def change(self, session_id: str, **changes: Any) -> None:
        with self._lock:
            self.sessions[session_id] = replace(self.sessions[session_id], **changes)

    def _called(self) -> None:
        db.assert_no_connection()
        if self.is_down:
            raise PaymentsUnavailable


@dataclass
class FakeMailer:
    sent: dict[str, dict[str, str]] = field(default_factory=dict)
    calls: int = 0
    is_down: bool = False

    def send(self, *, sender_name: str = "", to: str, subject: str, html: str, text: str, idempotency_key: str) -> str:
        db.assert_no_connection()
        self.calls += 1
        if self.is_down:
            raise MailUnavailable
        letter = {"sender_name": sender_name, "to": to, "subject": subject, "html": html, "text": text}
        self.sent.setdefault(idempotency_key, letter)
        return f"mail-{list(self.sent).index(idempotency_key)}"

    def ping(self) -> Answer:
        db.assert_no_connection()
        return Answer.NONE if self.is_down else Answer.WELL


@dataclass
class FakeImages:
    kept: dict[str, StoredPicture] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    destroyed: list[str] = field(default_factory=list)
    is_down: bool = False

    def upload(self, content: bytes, public_id: str) -> StoredPicture:
        db.assert_no_connection()
        if self.is_down:
            raise ImagesUnavailable
        url = f"https://res.cloudinary.com/fake/image/upload/v1/{public_id}.webp"
        self.kept[public_id], self.contents[public_id] = StoredPicture(url, public_id, 960, 1200), content
        return self.kept[public_id]

    def destroy(self, public_id: str) -> None:
        db.assert_no_connection()
        if self.is_down:
            raise ImagesUnavailable
        self.kept.pop(public_id, None)
        self.destroyed.append(public_id)

    def ping(self) -> Answer:
        db.assert_no_connection()
        return Answer.REFUSED if self.is_down else Answer.WELL

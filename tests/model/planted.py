"""Bugs that a shop like this one may have. A model that does not see them says nothing when it sees none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.core.site import Site
from mountify.models.email import Email, EmailState
from mountify.models.payment import PaymentAttempt
from mountify.services import (
    emails,
    inventory,
    order_emails,
    payment_sessions,
    refund_sending,
    settlement,
    webhooks,
)
from mountify.services.orders import lines_of, lock_order
from mountify.transaction import transaction
from tests.factories import new_key

Plant = Callable[[pytest.MonkeyPatch], None]


def release_without_asking_stripe(patch: pytest.MonkeyPatch) -> None:
    def end(order_id: int, _by: str | None, *, site: Site, now: datetime, **_others: object) -> None:
        with transaction() as session:
            order = lock_order(session, order_id)
            if order.is_pending:
                inventory.release(session, lines_of(order))
                order.mark_expired(now=now)
                order_emails.queue_expired(session, order, site=site, now=now)

    patch.setattr(payment_sessions, "end", end)


def settle_what_is_only_completed(patch: pytest.MonkeyPatch) -> None:
    settle = settlement._settle

    def hasty(seen: PaymentSession, **others: object) -> int:
        is_early = seen.outcome is SessionOutcome.PROCESSING
        return settle(replace(seen, outcome=SessionOutcome.PAID) if is_early else seen, **others)  # type: ignore[arg-type]

    patch.setattr(settlement, "_settle", hasty)


def hold_for_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inventory, "release", lambda *_: None)


def acknowledge_and_forget(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(webhooks, "receive_stripe", lambda *_, **__: None)


def call_sent_what_was_never_sent(patch: pytest.MonkeyPatch) -> None:
    def deliver(email_id: int, *, mailer: object, now: datetime) -> None:
        with transaction() as session:
            email = session.get_one(Email, email_id)
            email.state, email.sent_at = EmailState.SENT, now

    patch.setattr(emails, "deliver", deliver)


def leave_in_the_cart_what_was_bought(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settlement, "_empty_cart", lambda *_: None)


def ask_for_a_session_under_a_new_key(patch: pytest.MonkeyPatch) -> None:
    request_of = payment_sessions.Request.of

    def of(attempt: PaymentAttempt) -> payment_sessions.Request:
        return replace(request_of(attempt), idempotency_key=new_key())

    patch.setattr(payment_sessions.Request, "of", of)


def send_each_mail_under_a_new_key(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(emails, "_provider_key", lambda email: f"{email.idempotency_key}:{new_key()}")


def ask_for_a_refund_under_a_new_key(patch: pytest.MonkeyPatch) -> None:
    find_open = refund_sending._find_open

    def find(refund_id: int) -> object:
        asked = find_open(refund_id)
        return asked and replace(asked, key=new_key())

    patch.setattr(refund_sending, "_find_open", find)


# Each with the words by which it must be seen: who fails for another reason has not seen it.
BUGS: dict[Plant, str] = {
    release_without_asking_stripe: "has run out, and Stripe says",
    settle_what_is_only_completed: "is paid, and Stripe says processing",
    leave_in_the_cart_what_was_bought: "in the carts are",
    hold_for_nobody: "on the shelf are",
    acknowledge_and_forget: "acknowledged, and not stored",
    call_sent_what_was_never_sent: "never came",
    ask_for_a_refund_under_a_new_key: "was asked for under another key",
}
SHOWN_BY_DEATH: dict[Plant, str] = {
    ask_for_a_session_under_a_new_key: "an order with two sessions",
    send_each_mail_under_a_new_key: "mails that came twice",
}

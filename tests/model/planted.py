"""Bugs that a shop like this one may have. A model that does not see them says nothing when it sees none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.services import inventory, payment_sessions, settlement
from mountify.services.orders import lines_of, lock_order
from mountify.transaction import transaction

Plant = Callable[[pytest.MonkeyPatch], None]


def release_without_asking_stripe(patch: pytest.MonkeyPatch) -> None:
    def end(order_id: int, _by: str | None, *, now: datetime, **_others: object) -> None:
        with transaction() as session:
            order = lock_order(session, order_id)
            if order.is_pending:
                inventory.release(session, lines_of(order))
                order.mark_expired(now=now)

    patch.setattr(payment_sessions, "end", end)


def settle_what_is_only_completed(patch: pytest.MonkeyPatch) -> None:
    settle = settlement._settle

    def hasty(seen: PaymentSession, **others: object) -> int:
        is_early = seen.outcome is SessionOutcome.PROCESSING
        return settle(replace(seen, outcome=SessionOutcome.PAID) if is_early else seen, **others)  # type: ignore[arg-type]

    patch.setattr(settlement, "_settle", hasty)


def record_each_payment_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settlement, "_is_recorded", lambda *_: False)


def leave_in_the_cart_what_was_bought(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settlement, "_empty_cart", lambda *_: None)


BUGS: tuple[Plant, ...] = (
    release_without_asking_stripe,
    settle_what_is_only_completed,
    record_each_payment_again,
    leave_in_the_cart_what_was_bought,
)

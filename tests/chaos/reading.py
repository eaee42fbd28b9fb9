"""Reads, when the shop is at rest, what is to be compared: at Stripe, at the mail service, and in the database."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from mountify import db
from mountify.core.money import to_minor
from mountify.models import order as shop
from mountify.models import payment
from mountify.models.catalogue import Inventory
from tests.sandbox.support import Running, client_of

from .books import Books, Lines, Mail, Order, Refund, Session
from .estate import Estate
from .ledger import Ledger

KEY = "refund_key"  # what the shop calls it in a refund's metadata


def read(estate: Estate, ledger: Ledger, opening: Lines) -> Books:
    client, page = client_of(estate.outside).v1, {"limit": 100}
    refunds = [each for each in client.refunds.list(page).auto_paging_iter() if each.status != "failed"]  # type: ignore[arg-type]
    try:
        return Books(
            sessions={each.id: _session(each) for each in client.checkout.sessions.list(page).auto_paging_iter()},  # type: ignore[arg-type]
            refunds=[Refund(str(each.payment_intent), each.amount, _key_of(each)) for each in refunds],
            refund_ids=[each.id for each in refunds],
            mails=list(_mails(estate.outside)),
            orders=_orders(),
            refund_keys=frozenset(db.session.scalars(sa.select(payment.Refund.idempotency_key))),
            events=frozenset(db.session.scalars(sa.select(payment.WebhookEvent.event_id))),
            shelf={row.sku_id: (row.on_hand, row.reserved) for row in db.session.scalars(sa.select(Inventory))},
            opening=opening,
            sent_to=frozenset(ledger.sessions),
            confirmed=frozenset(ledger.confirmed),
            freed=frozenset(ledger.freed),
            granted=dict(ledger.granted),
            not_granted=list(ledger.to_refund),
            acknowledged=frozenset(estate.courier.taken),
            answers=estate.courier.answers,
        )
    finally:
        db.release()


def _session(seen: Any) -> Session:
    return Session(seen.id, str(seen.payment_intent), seen.amount_total, seen.payment_status == "paid")


def _key_of(refund: Any) -> str | None:
    return (refund.to_dict().get("metadata") or {}).get(KEY)


def _mails(outside: Running) -> list[Mail]:
    return [
        Mail(str(mail["idempotency_key"]), ", ".join(mail["to"]), mail["subject"], mail["text"])
        for mail in json.loads(outside.get("/mailbox.json").text)
    ]


def _orders() -> list[Order]:
    sessions: dict[int, set[str]] = defaultdict(set)
    lines: dict[int, dict[int, int]] = defaultdict(dict)
    attempt, item = payment.PaymentAttempt, shop.OrderItem
    for order_id, session_id in db.session.execute(sa.select(attempt.order_id, attempt.session_id)):
        if session_id is not None:
            sessions[order_id].add(session_id)
    for order_id, product_id, quantity in db.session.execute(sa.select(item.order_id, item.product_id, item.quantity)):
        lines[order_id][product_id] = quantity
    return [
        Order(
            each.id,
            str(each.status),
            to_minor(each.total, each.currency),
            to_minor(each.refunded_total, each.currency),
            each.paid_session,
            frozenset(sessions[each.id]),
            lines[each.id],
        )
        for each in db.session.scalars(sa.select(shop.Order))
    ]

"""What happens in the shop while a part of it is killed, and how each story must end whatever was killed and where."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.order_status import OrderStatus
from mountify.models.attention import AttentionNote
from mountify.models.order import Order
from mountify.queue import defer
from mountify.services import refund_requests
from mountify.services.refund_requests import Wish
from mountify.transaction import transaction
from tests.cast import PASSWORD, make_account
from tests.outages.support import release
from tests.sandbox.support import client_of

from .parts import insist
from .tale import ALL, LEFT, Tale
from .visit import BOUGHT, STOCK

Killing = AbstractContextManager[None]


def buys(tale: Tale, killing: Killing) -> None:
    with killing:
        success = tale.visit.pay(tale.visit.check_out())
    tale.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)
    assert "Your order is confirmed." in tale.visit.shopper.get(success)
    assert "An empty tray" in tale.visit.shopper.get("/cart")


def comes_back(tale: Tale, killing: Killing) -> None:
    """It is the page after paying that settles, or the webhook, whichever is first."""
    with killing:
        success = tale.visit.pay(tale.visit.check_out())
        assert "Your order is confirmed." in insist(lambda: tale.visit.shopper.get(success))
    tale.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)


def gives_up(tale: Tale, killing: Killing) -> None:
    with killing:
        back = tale.visit.back_link(tale.visit.check_out())
        assert "Nothing was charged" in insist(lambda: tale.visit.shopper.get(back))
    tale.ends(OrderStatus.CANCELLED, ["placed", "cancelled"], letters=0, stock=ALL)
    assert f'value="{BOUGHT}"' in tale.visit.shopper.get("/cart")


def signs_in(tale: Tale, killing: Killing) -> None:
    """A guest with a cart and an open payment page; both become the account's."""
    account = make_account(tale.name)
    db.release()
    page = tale.visit.check_out()
    who = {"email": tale.visit.email, "password": PASSWORD, "next": "/"}
    with killing:
        assert insist(lambda: tale.visit.shopper.post("/auth/signin", **who)) == "/"
    tale.visit.pay(page)
    tale.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)
    assert tale.order.user_id == account and "An empty tray" in tale.visit.shopper.get("/cart")


def expires(tale: Tale, killing: Killing) -> None:
    page = tale.visit.check_out()
    with killing:  # the minute's own turn may be first
        with transaction() as session:
            mine = sa.update(Order).where(Order.checkout_key == tale.visit.key)
            session.execute(mine.values(reserved_until=utcnow()))
            defer(session, "end_overdue", timestamp=0)
    tale.ends(OrderStatus.EXPIRED, ["placed", "expired"], letters=1, stock=ALL)
    assert tale.shop.outside.get(page).status == 410


def is_refunded(tale: Tale, killing: Killing) -> None:
    tale.buy()
    with killing:
        refund_requests.request(tale.order.id, Wish(parts=None), now=utcnow())
    history = ["placed", "paid", "refund", "restocked", "refunded"]
    tale.ends(OrderStatus.REFUNDED, history, letters=3, stock=ALL)
    assert tale.sent_back() == [int(tale.order.total.amount * 100)]


def is_refunded_by_command(tale: Tale, killing: Killing) -> None:
    """The operator sees the command die, and says it again."""
    tale.buy()
    with killing:
        assert tale.shop.run("orders", "refund", tale.order.number) < 0
    assert tale.shop.run("orders", "refund", tale.order.number) == 0
    tale.ends(OrderStatus.REFUNDED, ["placed", "paid", "refund", "refunded"], letters=3, stock=LEFT)
    assert tale.sent_back() == [int(tale.order.total.amount * 100)]


def is_refused_a_refund(tale: Tale, killing: Killing) -> None:
    """The dashboard was quicker with a part of it, so that ours is too much."""
    intent = tale.buy()
    with killing, tale.shop.without_worker():
        refund_requests.request(tale.order.id, Wish(), now=utcnow())
        client_of(tale.shop.outside).v1.refunds.create({"payment_intent": intent, "amount": 100})
    tale.ends(OrderStatus.PAID, ["placed", "paid", "refund", "refund_refused"], letters=3, stock=LEFT)
    assert tale.sent_back() == [100] and int(tale.order.refunded_total.amount * 100) == 100


def disputes(tale: Tale, killing: Killing) -> None:
    intent = tale.buy()
    charge = client_of(tale.shop.outside).v1.payment_intents.retrieve(intent).latest_charge
    with killing:
        assert tale.shop.outside.post(f"/dashboard/charges/{charge}/disputes", {}).status == 303
    tale.ends(OrderStatus.PAID, ["placed", "paid", "dispute"], letters=2, stock=LEFT)
    notes = select(sa.func.count()).select_from(AttentionNote).where(AttentionNote.order_id == tale.order.id)
    assert db.session.scalar(notes) == 1
    db.release()


def pays_too_late(tale: Tale, killing: Killing) -> None:
    """An operator has freed the parts, and somebody else has bought them."""
    page = tale.visit.check_out()
    release(tale.order.id)
    quicker = Tale(tale.shop, tale.visit.part, quantity=STOCK - 1)
    quicker.visit.pay(quicker.visit.check_out())
    quicker.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=(1, 0))
    with killing:
        tale.visit.pay(page)
    history = ["placed", "cancelled", "payment_unsettled", "refund"]
    tale.ends(OrderStatus.CANCELLED, history, letters=1, stock=(1, 0))
    assert tale.sent_back() == [int(tale.order.total.amount * 100)]

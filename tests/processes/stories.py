"""What happens in the shop while a part of it is killed, and how each story must end whatever was killed and where."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.models.attention import AttentionNote
from mountify.models.order import Order
from mountify.queue import defer
from mountify.services import accounts, refund_requests
from mountify.services.refund_requests import Wish
from mountify.transaction import transaction
from tests.cast import PASSWORD, email_of, make_account
from tests.outages.support import release
from tests.sandbox.support import client_of

from .pages import token_in
from .parts import Shopper, insist
from .standing import Standing
from .visit import ALL, BOUGHT, LEFT, STOCK, Visit

Killing = AbstractContextManager[None]


def buys(shop: Standing, visit: Visit, killing: Killing) -> None:
    with killing:
        success = visit.pay(visit.check_out())
    visit.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)
    assert "Your order is confirmed." in visit.shopper.get(success)
    assert "An empty tray" in visit.shopper.get("/cart")


def comes_back(shop: Standing, visit: Visit, killing: Killing) -> None:
    """It is the page after paying that settles: nobody is there to work on the webhook."""
    with shop.without_worker(), killing:
        success = visit.pay(visit.check_out())
        assert "Your order is confirmed." in insist(lambda: visit.shopper.get(success))
    visit.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)


def gives_up(shop: Standing, visit: Visit, killing: Killing) -> None:
    with killing:
        back = visit.back_link(visit.check_out())
        assert "Nothing was charged" in insist(lambda: visit.shopper.get(back))
    visit.ends(OrderStatus.CANCELLED, ["placed", "cancelled"], letters=0, stock=ALL)
    assert f'value="{BOUGHT}"' in visit.shopper.get("/cart")


def signs_in(shop: Standing, visit: Visit, killing: Killing) -> None:
    """A guest with a cart and an open payment page; both become the account's."""
    account = make_account(visit.email.removesuffix("@example.com"))
    db.release()
    page = visit.check_out()
    who = {"email": visit.email, "password": PASSWORD, "next": "/"}
    with killing:
        assert insist(lambda: visit.shopper.post("/auth/signin", **who)) == "/"
    visit.pay(page)
    visit.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=LEFT)
    assert visit.order.user_id == account and "An empty tray" in visit.shopper.get("/cart")


def expires(shop: Standing, visit: Visit, killing: Killing) -> None:
    page = visit.check_out()
    with killing:  # the minute's own turn may be first
        with transaction() as session:
            mine = sa.update(Order).where(Order.checkout_key == visit.key)
            session.execute(mine.values(reserved_until=utcnow()))
            defer(session, "end_overdue", timestamp=0)
    visit.ends(OrderStatus.EXPIRED, ["placed", "expired"], letters=1, stock=ALL)
    assert shop.outside.get(page).status == 410


def is_shipped(shop: Standing, visit: Visit, killing: Killing) -> None:
    """The office sees the shop die, and presses the button again."""
    visit.buy()
    if accounts.find_by_email(email_of("ada")) is None:
        make_account("ada")
    db.release()
    desk = Shopper(shop.parts.url)
    desk.post("/auth/signin", email=email_of("ada"), password=PASSWORD, next="/")
    page = desk.get("/admin/shipping")
    action = f"/admin/orders/{visit.order.id}/shipment?page=1"
    assert action in page
    form = {"carrier": "ups", "tracking_number": "1Z5R89390357567127", "mail": "1", "csrf_token": token_in(page)}
    with killing:
        assert insist(lambda: desk.post(action, **form)) == "/admin/shipping"
    visit.ends(OrderStatus.SHIPPED, ["placed", "paid", "shipped"], letters=3, stock=LEFT)


def is_refunded(shop: Standing, visit: Visit, killing: Killing) -> None:
    """A part of it: of the whole, Stripe would refuse a second one."""
    visit.buy()
    with killing:
        refund_requests.request(visit.order.id, Wish(Money.of("1.00"), parts=None), now=utcnow())
    visit.ends(OrderStatus.PAID, ["placed", "paid", "refund", "restocked"], letters=3, stock=ALL)
    assert visit.sent_back() == [100]


def is_refunded_by_command(shop: Standing, visit: Visit, killing: Killing) -> None:
    """The operator sees the command die, and says it again."""
    visit.buy()
    with killing:
        assert shop.run("orders", "refund", visit.order.number) < 0
    assert shop.run("orders", "refund", visit.order.number) == 0
    visit.ends(OrderStatus.REFUNDED, ["placed", "paid", "refund", "refunded"], letters=3, stock=LEFT)
    assert visit.sent_back() == [int(visit.order.total.amount * 100)]


def is_refused_a_refund(shop: Standing, visit: Visit, killing: Killing) -> None:
    """The dashboard was quicker with a part of it, so that ours is too much."""
    intent = visit.buy()
    with killing, shop.without_worker():
        refund_requests.request(visit.order.id, Wish(), now=utcnow())
        client_of(shop.outside).v1.refunds.create({"payment_intent": intent, "amount": 100})
    visit.ends(OrderStatus.PAID, ["placed", "paid", "refund", "refund_refused"], letters=3, stock=LEFT)
    assert visit.sent_back() == [100] and int(visit.order.refunded_total.amount * 100) == 100


def disputes(shop: Standing, visit: Visit, killing: Killing) -> None:
    intent = visit.buy()
    charge = client_of(shop.outside).v1.payment_intents.retrieve(intent).latest_charge
    with killing:
        assert shop.outside.post(f"/dashboard/charges/{charge}/disputes", {}).status == 303
    visit.ends(OrderStatus.PAID, ["placed", "paid", "dispute"], letters=2, stock=LEFT)
    notes = select(sa.func.count()).select_from(AttentionNote).where(AttentionNote.order_id == visit.order.id)
    assert db.session.scalar(notes) == 1
    db.release()


def pays_too_late(shop: Standing, visit: Visit, killing: Killing) -> None:
    """An operator has freed the parts, and somebody else has bought them."""
    page = visit.check_out()
    release(visit.order.id)
    quicker = shop.visit(visit.part, STOCK - 1)
    quicker.pay(quicker.check_out())
    quicker.ends(OrderStatus.PAID, ["placed", "paid"], letters=2, stock=(1, 0))
    with killing:
        visit.pay(page)
    history = ["placed", "cancelled", "payment_unsettled", "refund"]
    visit.ends(OrderStatus.CANCELLED, history, letters=1, stock=(1, 0))
    assert visit.sent_back() == [int(visit.order.total.amount * 100)]

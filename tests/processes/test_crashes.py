"""Killed in the middle, taken up again: what was promised is done, once."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.order_status import OrderStatus
from mountify.embedded.processes import wait_until
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.sandbox.support import Running

from .killing import killed_at
from .parts import Parts, insist
from .visit import BOTH, BOUGHT, PATIENCE_S, STOCK, Visit, jobs, judge

pytestmark = [pytest.mark.commits, pytest.mark.xdist_group("processes")]

BUYING = [
    ("web", "checkout.before_commit"),
    ("web", "checkout.reserved"),
    ("web", "checkout.session_created"),
    ("web", "webhook.before_commit"),
    ("web", "settle.before_commit"),
    ("worker", "settle.read"),
    ("worker", "settle.locked"),
    ("worker", "settle.before_commit"),
    ("worker", "email.sent"),
]


@pytest.mark.parametrize(("name", "point"), BUYING)
def test_who_buys_while_a_part_is_killed_has_bought_once(visit: Visit, parts: Parts, name: str, point: str) -> None:
    parts.start("worker" if name == "web" else "web")
    with killed_at(parts, name, point):
        success = visit.pay(visit.check_out())
        if (name, point) == ("web", "settle.before_commit"):
            assert "Your order is confirmed." in insist(lambda: visit.shopper.get(success))
    judge(visit, OrderStatus.PAID, BOTH, (STOCK - BOUGHT, 0))
    assert "Your order is confirmed." in visit.shopper.get(success)
    assert "An empty tray" in visit.shopper.get("/cart")


@pytest.mark.parametrize("point", ["end.chosen", "end.told_stripe"])
def test_who_gives_up_while_the_shop_is_killed_has_bought_nothing(visit: Visit, parts: Parts, point: str) -> None:
    parts.start("worker")
    with killed_at(parts, "web", point):
        back = visit.back_link(visit.check_out())
        assert "Nothing was charged" in insist(lambda: visit.shopper.get(back))
    judge(visit, OrderStatus.CANCELLED, [], (STOCK, 0))
    assert f'value="{BOUGHT}"' in visit.shopper.get("/cart")


def test_an_order_whose_time_is_over_ends_although_its_worker_is_killed(visit: Visit, parts: Parts) -> None:
    """Stripe has been told. The minute's next job waits for the one that the dead worker holds."""
    parts.start("web")
    page = visit.check_out()
    with transaction() as session:
        session.execute(sa.update(Order).values(reserved_until=utcnow()))
    with killed_at(parts, "worker", "end.told_stripe", before=queue_the_next):
        pass
    judge(visit, OrderStatus.EXPIRED, ["sam@example.com"], (STOCK, 0))
    assert visit.outside.get(page).status == 410
    assert wait_until(lambda: jobs("task_name = 'end_overdue'") == 0, PATIENCE_S)


def queue_the_next() -> None:
    with transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)"
                " SELECT queue_name, task_name, lock, queueing_lock, args FROM procrastinate_jobs"
                " WHERE task_name = 'end_overdue' AND status = 'doing' ON CONFLICT DO NOTHING"
            )
        )


@pytest.mark.parametrize("point", ["email.before_send", "email.sent"])
def test_a_mail_whose_worker_was_killed_is_sent_once(
    payments: FakePayments, sandbox: Running, workers: Parts, point: str
) -> None:
    make_shop()
    buyer = Buyer(payments)
    buyer.add(make_product(stock=STOCK), BOUGHT)
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    buyer.sync(buyer.session_of(started))
    db.release()
    with killed_at(workers, "worker", point, waits=True):
        pass
    assert wait_until(lambda: states_of_the_mails() == ["sent", "sent"], PATIENCE_S)
    mails = json.loads(sandbox.get("/mailbox.json").text)
    assert sorted(mail["to"] for mail in mails) == [["help@mountify.example"], ["sam@example.com"]]


def states_of_the_mails() -> list[str]:
    try:
        return list(db.session.scalars(select(Email.state)))
    finally:
        db.release()

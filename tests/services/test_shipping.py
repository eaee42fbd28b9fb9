"""What leaves the shop: once, under a number that can be, and its buyer knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.orders import AlreadyShipped, BadTrackingNumber, NotShipped, NotToShip, UnknownCarrier
from mountify.core.errors.payments import AlreadyRefunded
from mountify.core.order_status import OrderStatus
from mountify.models.audit_log import AuditEntry
from mountify.models.order import NOBODY, Order, OrderEvent
from mountify.services import account_closing, refund_requests, shipping
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, order_of
from tests.cast import email_of, make_account
from tests.desk import log_of, somebody
from tests.factories import make_product, new_key
from tests.fakes import FakeMailer, FakePayments
from tests.letters import letters

UPS, USPS, OTHER = "1Z5R89390357567127", "9505511069605048600624", "1Z879E930346834440"


def ship(started: Started, carrier: str = "ups", number: str = UPS, *, mail: bool = True) -> Order:
    return shipping.ship(somebody(), started.order_id, carrier, number, mail=mail, site=SITE, now=utcnow())


def correct(started: Started, carrier: str, number: str, *, mail: bool = False) -> Order:
    return shipping.correct(somebody(), started.order_id, carrier, number, mail=mail, site=SITE, now=utcnow())


def events() -> list[tuple[str, int | None, dict[str, object]]]:
    kinds = ("shipped", "tracking_corrected")
    found = db.session.scalars(select(OrderEvent).where(OrderEvent.kind.in_(kinds)).order_by(OrderEvent.id))
    return [(event.kind, event.actor_id, event.data) for event in found]


def test_a_paid_order_goes_on_its_way(paid: Started) -> None:
    ship(paid, "UPS", "1z 5r8 939 03-5756-7127")
    order = order_of(paid)
    assert (order.status, order.carrier, order.tracking_number) == (OrderStatus.SHIPPED, "ups", UPS)
    assert order.shipped_at is not None
    assert events() == [("shipped", somebody().id, {"carrier": "ups", "number": UPS})]
    assert log_of("orders") == [("order.shipped", {"status": ["paid", "shipped"], "carrier": [None, "ups"]})]


def test_its_buyer_is_told_once(paid: Started, mailer: FakeMailer, run_jobs: Callable[[], int]) -> None:
    run_jobs()
    mailer.sent.clear()
    for _ in range(2):
        ship(paid)
    run_jobs()
    (mail,) = mailer.sent.values()
    assert mail["subject"] == f"Order {order_of(paid).number} is on its way" and mail["to"] == "sam@example.com"
    for part in (mail["html"], mail["text"]):
        assert "handed to UPS" in part and UPS in part and "2 × Ledge Phone Stand" in part
        assert f"https://www.ups.com/track?tracknum={UPS}" in part and f"/orders/{paid.order_id}?key=" in part
    (letter,) = letters("shipped")
    assert letter.idempotency_key == f"shipped:{paid.order_id}" and len(events()) == 1


def test_a_mail_without_a_page_of_the_carrier_leads_to_the_order(paid: Started) -> None:
    ship(paid, "11031", "RB123456785GB")
    (letter,) = letters("shipped")
    assert "carrier 11031: RB123456785GB" in letter.text and "Track parcel" not in letter.html + letter.text
    assert "See the order" in letter.html


def test_nobody_is_told_when_that_is_wished(paid: Started) -> None:
    ship(paid, mail=False)
    assert letters("shipped") == []


@pytest.mark.parametrize(
    ("carrier", "typed", "error"),
    [("ups", "1Z1", BadTrackingNumber), ("ups", USPS, BadTrackingNumber), ("pigeon", UPS, UnknownCarrier)],
)
def test_a_number_that_cannot_be_ships_nothing(paid: Started, carrier: str, typed: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ship(paid, carrier, typed)
    assert order_of(paid).status is OrderStatus.PAID and letters("shipped") == [] and log_of("orders") == []


def test_another_parcel_of_what_is_on_its_way_is_refused(paid: Started) -> None:
    ship(paid)
    with pytest.raises(AlreadyShipped):
        ship(paid, "ups", OTHER)
    assert order_of(paid).tracking_number == UPS and len(letters("shipped")) == 1 and len(log_of("orders")) == 1


def test_only_what_is_paid_is_shipped(buyer: Buyer) -> None:
    pending = buyer.start()
    with pytest.raises(NotToShip, match="is pending"):
        ship(pending)
    with pytest.raises(NotShipped):
        correct(pending, "ups", UPS)
    for deed in (shipping.ship, shipping.correct):
        with pytest.raises(NotFound):
            deed(somebody(), 2**62, "ups", UPS, site=SITE, now=utcnow())


def test_what_is_about_to_go_back_whole_is_not_shipped(paid: Started) -> None:
    refund_requests.request(paid.order_id, Wish(), now=utcnow())
    with pytest.raises(AlreadyRefunded):
        ship(paid)
    assert order_of(paid).status is OrderStatus.PAID


def test_a_wrong_number_is_corrected_and_nobody_told_unasked(paid: Started) -> None:
    ship(paid)
    with transaction() as session:
        order = session.get_one(Order, paid.order_id)
        order.tracking_details, order.tracking_last_sync = {"status": "NotFound"}, utcnow()
    correct(paid, "ups", OTHER)
    order = order_of(paid)
    assert (order.status, order.tracking_number, order.tracking_details) == (OrderStatus.SHIPPED, OTHER, None)
    assert order.tracking_last_sync is None and len(letters("shipped")) == 1
    assert events()[1] == ("tracking_corrected", somebody().id, {"carrier": "ups", "number": OTHER})
    assert log_of("orders")[1:] == [("order.tracking_corrected", {})]


def test_a_buyer_is_told_of_each_correction_once_when_asked(paid: Started) -> None:
    ship(paid)
    for carrier, number in (("ups", OTHER), ("ups", OTHER), ("usps", USPS)):
        correct(paid, carrier, number, mail=True)
    keys = [letter.idempotency_key for letter in letters("shipped")]
    mine = f"shipped:{paid.order_id}"
    assert keys == [mine, f"{mine}:corrected:1", f"{mine}:corrected:2"]
    last = letters("shipped")[-1]
    assert "the right tracking number" in last.subject and USPS in last.text and "USPS" in last.html
    assert log_of("orders")[-1] == ("order.tracking_corrected", {"carrier": ["ups", "usps"]})


def test_a_corrected_number_has_to_be_one(paid: Started) -> None:
    ship(paid)
    with pytest.raises(BadTrackingNumber):
        correct(paid, "usps", UPS)
    assert order_of(paid).tracking_number == UPS and len(events()) == 1


def test_what_has_arrived_can_be_corrected_too(paid: Started) -> None:
    ship(paid)
    with transaction() as session:
        session.get_one(Order, paid.order_id).mark_delivered(now=utcnow())
    correct(paid, "usps", USPS)
    assert (order_of(paid).status, order_of(paid).tracking_number) == (OrderStatus.DELIVERED, USPS)


def test_the_log_never_holds_a_number(paid: Started) -> None:
    ship(paid)
    correct(paid, "usps", USPS)
    kept = str(db.session.execute(select(AuditEntry.thing_id, AuditEntry.changes)).all())
    assert UPS not in kept and USPS not in kept


def test_a_closed_account_leaves_no_number_and_none_is_written_again(
    buyer: Buyer, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    alice = make_account("alice")
    alices = Buyer(payments, user_id=alice, email=email_of("alice"))
    alices.add(make_product("Bow coat hook"), 1)
    started = alices.buy()
    ship(started)
    correct(started, "ups", OTHER, mail=True)
    while run_jobs():
        pass
    account_closing.close(alice, site=SITE, now=utcnow())
    while run_jobs():
        pass
    order = order_of(started)
    assert (order.email, order.tracking_number, order.parcel) == (NOBODY, None, None)
    left = str(events()) + "".join(letter.text + letter.html for letter in letters("shipped"))
    assert UPS not in left and OTHER not in left
    with pytest.raises(NotShipped):
        correct(started, "ups", UPS)


def test_what_waits_is_listed_oldest_first_and_what_is_sent_newest_first(buyer: Buyer) -> None:
    product = make_product(stock=9)
    made = [buyer.buy()]
    for _ in range(3):
        buyer.key = new_key()
        buyer.add(product)
        made.append(buyer.buy())
    first, second, third, fourth = (started.order_id for started in made)
    assert [order.id for order in shipping.list_to_ship().items] == [first, second, third, fourth]
    for hours, started in enumerate(made[:2]):
        now = utcnow() + timedelta(hours=hours)
        shipping.ship(somebody(), started.order_id, "ups", UPS, site=SITE, now=now)
    assert [order.id for order in shipping.list_to_ship().items] == [third, fourth]
    assert shipping.count_to_ship() == 2 and shipping.list_on_the_way().total == 2
    assert [order.id for order in shipping.list_on_the_way().items] == [second, first]
    with transaction() as session:
        session.get_one(Order, second).mark_delivered(now=utcnow())
    pages = [shipping.list_all(page, 3) for page in (1, 2, 3)]
    assert [[order.id for order in page.items] for page in pages] == [[third, fourth, first], [second], []]
    assert {page.total for page in pages} == {4}
    assert shipping.list_to_ship(2).items == []

"""Orders at the desk: found, looked at, packed, cancelled, and their money sent back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.models.payment import Refund
from mountify.services.checkout import Started
from mountify.services.orders import link_key
from mountify.transaction import transaction
from tests.buyers import Buyer, order_of, stock_of
from tests.cast import PASSWORD
from tests.desk import Desk, log_of
from tests.fakes import FakeMailer, FakePayments
from tests.web import Browser, field, words

PAGE = "/admin/orders"


def path_of(started: Started) -> str:
    return f"{PAGE}/{started.order_id}"


def ship(started: Started) -> None:
    with transaction() as session:
        session.get_one(Order, started.order_id).mark_shipped("ups", "1Z999AA10123456784", now=utcnow())


def refunds() -> list[str]:
    amounts = [str(amount) for amount in db.session.scalars(select(Refund.amount).order_by(Refund.id))]
    db.release()
    return amounts


def test_the_list_is_found_by_number_address_name_and_tracking_number(ada: Desk, paid: Started) -> None:
    ship(paid)
    number = order_of(paid).number
    page = words(ada.get(PAGE))
    assert "All 1" in page and "Shipped 1" in page and number in page and "$32.50" in page
    for found in (number, "sam@", "EXAMPLE.com", "AA1012345", "Sam"):
        assert number in words(ada.get(f"{PAGE}?q={found}")), found
    for other in (f"{number}0", "zebra", "%25", "___", "sa", "%00"):
        expected = other == "%00"  # nothing was asked for
        assert (number in words(ada.get(f"{PAGE}?q={other}"))) is expected, other
    part = ada.htmx("GET", f"{PAGE}?q=zebra")
    assert "<html" not in part.text and "No order fits." in words(part)


def test_the_list_shows_one_status_and_some_days(ada: Desk, paid: Started) -> None:
    number, today = order_of(paid).number, utcnow().date().isoformat()
    shown = {
        "?status=paid": True, "?status=shipped": False, "?status=lost": True, f"?from={today}": True,
        f"?to={today}": True, "?to=2020-01-01": False, "?from=2999-12-31&to=2999-12-31": False,
        f"?from={today}&to=2020-01-01": True, "?from=yesterday&to=9999-12-31": True, "?page=0": True, "?page=2": False,
    }  # fmt: skip
    for query, expected in shown.items():
        answer = ada.get(PAGE + query)
        assert answer.status_code == 200 and (number in words(answer)) is expected, query


def test_an_order_says_what_is_known_of_it(ada: Desk, paid: Started, run_jobs: Callable[[], int]) -> None:
    run_jobs()
    page = ada.get(path_of(paid))
    text = words(page)
    for known in ("Parts to pack 2 parts", "Ledge Phone Stand", "$32.50", "Paid", "pi_", "cs_", "Portland", "Resend"):
        assert known in text, known
    assert ada.get(f"{PAGE}/{2**63 - 1}").status_code == ada.get(f"{PAGE}/{2**64}").status_code == 404
    slip = words(ada.get(f"{path_of(paid)}/packing-slip"))
    assert "Packing slip" in slip and "Ledge Phone Stand" in slip and "$" not in slip
    pick = words(ada.get(f"{PAGE}/pick-list"))
    assert "For 1 order to ship" in pick and "Ledge Phone Stand" in pick


def test_a_note_stays_in_the_office(ada: Desk, browser: Browser, config: Config, paid: Started) -> None:
    noted = ada.do(f"{path_of(paid)}/notes", note="Call <b>first</b>")
    assert (noted.status_code, noted.headers["Location"]) == (303, path_of(paid))
    page = ada.get(path_of(paid))
    assert "Note Call <b>first</b> Ada" in words(page) and "<b>first</b>" not in page.text
    key = link_key(config.secret_key, paid.order_id)
    bought = words(browser.get(f"/orders/{paid.order_id}?key={key}"))
    assert "Placed" in bought and "Call" not in bought and "Changed" not in bought
    assert log_of("orders") == [("order.note_added", {})]
    for bad in ("", "   ", "x" * 1001, "nul\x00"):
        answer = ada.do(f"{path_of(paid)}/notes", note=bad)
        assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text


def test_an_order_that_waits_is_cancelled_after_stripe_was_told(
    ada: Desk, buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    started = buyer.start()
    assert stock_of(product) == (5, 2)
    answer = ada.do(f"{path_of(started)}/cancellation")
    assert answer.status_code == 303 and order_of(started).status is OrderStatus.CANCELLED
    assert stock_of(product) == (5, 0)
    page = words(ada.get(path_of(started)))
    assert "is cancelled." in page and "Cancellation asked for Ada" in page and "The shop has cancelled it." in page
    again = ada.do(f"{path_of(started)}/cancellation")
    assert again.status_code == 303 and [action for action, _ in log_of("orders")] == ["order.cancel_asked"]


def test_one_that_was_paid_meanwhile_is_not_cancelled(
    ada: Desk, buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    assert ada.do(f"{path_of(started)}/cancellation").status_code == 303
    assert order_of(started).status is OrderStatus.PAID
    assert "is not cancelled: see below" in words(ada.get(path_of(started)))
    ada.get(path_of(started))
    assert ada.do(f"{path_of(started)}/cancellation").headers["Location"] == path_of(started)
    assert "only one that waits for its payment can be cancelled" in words(ada.get(path_of(started)))


def test_a_shipped_order_is_marked_as_delivered_once(ada: Desk, paid: Started) -> None:
    ada.get(path_of(paid))
    assert ada.do(f"{path_of(paid)}/delivery").status_code == 303
    assert order_of(paid).status is OrderStatus.PAID
    assert "cannot become delivered" in words(ada.get(path_of(paid)))
    ship(paid)
    for _ in range(2):
        assert ada.do(f"{path_of(paid)}/delivery").status_code == 303
    assert order_of(paid).status is OrderStatus.DELIVERED
    assert "Delivered Ada" in words(ada.get(path_of(paid)))
    assert log_of("orders") == [("order.delivered", {"status": ["shipped", "delivered"]})]


def test_a_mail_is_sent_again_once_a_form(
    ada: Desk, paid: Started, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    run_jobs()
    before = len(mailer.sent)
    email_id = db.session.scalars(select(Email.id).where(Email.kind == "confirmed")).one()
    db.release()
    path = f"{path_of(paid)}/emails/{email_id}"
    for _ in range(2):
        assert ada.do(path, copy=1).status_code == 303
        run_jobs()
    assert len(mailer.sent) == before + 1 and "nothing more was sent" in words(ada.get(path_of(paid)))
    first, second = (mail for mail in mailer.sent.values() if mail["to"] == "sam@example.com")
    assert (first["html"], first["subject"]) == (second["html"], second["subject"])
    assert ada.do(path, copy=2).status_code == 303
    run_jobs()
    assert len(mailer.sent) == before + 2
    for bad in ("", "0", "x", "9" * 30):
        assert ada.do(path, copy=bad).status_code == 422
    assert ada.do(f"{path_of(paid)}/emails/{2**63 - 1}", copy=1).status_code == 404
    assert ada.do(f"{PAGE}/{paid.order_id + 1}/emails/{email_id}", copy=1).status_code == 404


def refund_path(started: Started) -> str:
    return f"{path_of(started)}/refund"


def test_a_part_goes_back_with_its_parts_once_a_form(
    ada: Desk, paid: Started, product: Product, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    page = ada.get(refund_path(paid))
    assert field(page, "amount") == "32.50" and field(page, f"part_{product.id}") == "2"
    filled = {"amount": "5.00", f"part_{product.id}": "1", "key": field(page, "key")}
    for _ in range(2):
        answer = ada.do(refund_path(paid), **filled)
        assert (answer.status_code, answer.headers["Location"]) == (303, path_of(paid))
    assert "Being sent" in words(ada.get(path_of(paid)))
    run_jobs()
    assert refunds() == ["5.00"] and stock_of(product) == (4, 0)
    text = words(ada.get(path_of(paid)))
    assert "Refund asked for Ada · 1 part $5.00" in text and "Sent back" in text and "re_" in text
    assert log_of("orders") == [("order.refund_asked", {"amount": [None, "$5.00"], "parts": [None, 1]})]
    other = ada.do(refund_path(paid), **{**filled, "amount": "6.00"})
    assert other.status_code == 409 and "has been sent already" in words(other) and refunds() == ["5.00"]
    assert "1 came back" in text
    slip = words(ada.get(f"{path_of(paid)}/packing-slip"))
    assert "M-" in slip and slip.split("Quantity")[1].startswith(" Ledge Phone Stand") and "1 part" in slip
    assert "Ledge Phone Stand" in words(ada.get(f"{PAGE}/pick-list"))
    rest = ada.get(refund_path(paid))
    assert field(rest, "amount") == "27.50" and field(rest, f"part_{product.id}") == "1"
    ada.do(refund_path(paid), amount="27.50", key=field(rest, "key"))
    run_jobs()
    assert order_of(paid).status is OrderStatus.REFUNDED
    assert "Nothing is left to send back" in words(ada.get(refund_path(paid)))


BAD = ["", "   ", "-1", "0.00", "1.299,00", "5,00", "1e3", "99999999", "32.51", "<b>1</b>", "\x00", "5.001"]


@pytest.mark.parametrize("typed", BAD)
def test_what_is_no_amount_is_refused_beside_the_field(ada: Desk, paid: Started, typed: str) -> None:
    key = field(ada.get(refund_path(paid)), "key")
    answer = ada.do(refund_path(paid), amount=typed, key=key)
    assert answer.status_code == (409 if typed == "32.51" else 422) and refunds() == []
    assert 'id="amount-d"' in answer.text and "<b>1</b>" not in answer.text and field(answer, "key") == key


@pytest.mark.parametrize("typed", ["3", "-1", "1.5", "x", "9" * 30])
def test_no_more_parts_come_back_than_were_sold(ada: Desk, paid: Started, product: Product, typed: str) -> None:
    key = field(ada.get(refund_path(paid)), "key")
    answer = ada.do(refund_path(paid), **{"amount": "1.00", "key": key, f"part_{product.id}": typed})
    assert answer.status_code == 422 and f'id="part_{product.id}-d"' in answer.text and refunds() == []


def test_parts_that_have_come_back_meanwhile_are_refused_beside_their_field(
    ada: Desk, paid: Started, product: Product
) -> None:
    first, second = (field(ada.get(refund_path(paid)), "key") for _ in range(2))
    part = f"part_{product.id}"
    assert ada.do(refund_path(paid), **{"amount": "1.00", "key": first, part: "1"}).status_code == 303
    answer = ada.do(refund_path(paid), **{"amount": "1.00", "key": second, part: "2"})
    assert answer.status_code == 409 and f'id="{part}-d"' in answer.text and refunds() == ["1.00"]
    assert ada.do(refund_path(paid), amount="1.00", key="short").status_code == 422


def test_a_refund_asks_for_the_password_again_and_is_the_admins(
    app: Flask, ada: Desk, paid: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    stan = Desk(app, "stan")
    assert stan.get(refund_path(paid)).status_code == stan.do(refund_path(paid)).status_code == 403
    assert "/refund" not in stan.get(path_of(paid)).text and "/refund" in ada.get(path_of(paid)).text
    monkeypatch.setattr("mountify.web.auth.PROOF_LASTS_S", -1)
    asked = ada.get(refund_path(paid))
    assert asked.status_code == 303 and asked.headers["Location"] == f"/auth/proof?next={refund_path(paid)}"
    assert ada.do(refund_path(paid), amount="1.00").status_code == 303 and refunds() == []
    monkeypatch.undo()
    proved = ada.do("/auth/proof", password=PASSWORD, next=refund_path(paid))
    assert proved.headers["Location"] == refund_path(paid)
    assert field(ada.get(refund_path(paid)), "amount") == str(Money.of("32.50"))


def test_an_order_that_was_not_paid_has_nothing_to_send_back(ada: Desk, buyer: Buyer) -> None:
    started = buyer.start()
    assert "Nothing is left to send back" in words(ada.get(refund_path(started)))
    ada.get(refund_path(started))
    answer = ada.do(refund_path(started), amount="1.00", key="k" * 43)
    assert answer.status_code == 303 and refunds() == []
    assert "has no payment that could go back" in words(ada.get(refund_path(started)))

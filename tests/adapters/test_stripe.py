"""The Stripe adapter, with Stripe's own SDK, against the sandbox that is as strict as Stripe."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
import stripe

from mountify import db
from mountify.adapters.stripe import StripePayments, _read_dispute
from mountify.core.clock import utcnow
from mountify.core.errors.payments import BadSignature, PaymentRefused, PaymentsUnavailable, UnknownSession
from mountify.core.payment_dispute import PaymentDispute
from mountify.core.payment_refund import RefundOutcome
from mountify.core.payment_session import SessionOutcome
from mountify.core.site import Site
from mountify.core.tokens import new_token
from mountify.models.order import Order
from mountify.services import addresses, attention, carts, checkout, disputes, settlement
from mountify.services.addresses import Entry
from mountify.services.cart_view import CartOwner
from tests.cast import make_account
from tests.factories import make_product, make_shop, new_key
from tests.sandbox.support import SECRET, Running, cart
from tests.signatures import signed

SITE = Site("http://127.0.0.1:3999", "a secret of the tests")


@pytest.fixture
def adapter(sandbox: Running) -> StripePayments:
    return StripePayments(
        "sk_test_of_the_tests",
        (SECRET, "whsec_previous_one"),
        api_base=sandbox.url,
        before_call=db.assert_no_connection,
    )


def params(**changes: Any) -> dict[str, Any]:
    return cart(client_reference_id="7", expires_at=int(time.time()) + 2100, **changes)


EVENT = {"id": "evt_1", "type": "checkout.session.completed", "livemode": False, "data": {"object": {"id": "cs_1"}}}


def test_the_checkout_of_the_shop_is_accepted_paid_read_back_and_disputed(
    database: None,
    sandbox: Running,
    adapter: StripePayments,
    client: stripe.StripeClient,
) -> None:
    make_shop()
    owner = CartOwner(token=new_token())
    carts.add_item(owner, make_product(price="14.00", stock=3).id, 2, now=utcnow())
    started = checkout.start(owner, "sam@example.com", new_key(), payments=adapter, site=SITE, now=utcnow())
    session_id = db.session.get_one(Order, started.order_id).stripe_session_id or ""
    db.release()
    assert adapter.get_session(session_id).outcome is SessionOutcome.OPEN
    page = sandbox.get(f"/pay/{session_id}")
    paid = sandbox.post(f"/pay/{session_id}", page.form())
    assert paid.status == 303 and "/checkout/success?session_id=" in paid.location
    settlement.sync_session(session_id, payments=adapter, site=SITE, now=utcnow())
    order = db.session.get_one(Order, started.order_id)
    assert (order.status, str(order.total)) == ("paid", "32.50")
    assert order.shipping_name == "Jenny Rosen" and (order.shipping_address or {})["country"] == "US"
    db.release()
    seen = adapter.get_session(session_id)
    assert seen.payment_intent and adapter.find_session(seen.payment_intent) == seen and seen.is_of(SITE.base_url)
    assert adapter.find_session("pi_of_no_checkout") is None
    charge = client.v1.payment_intents.retrieve(seen.payment_intent).latest_charge
    sandbox.post(f"/dashboard/charges/{charge}/disputes", {})
    (dispute,) = adapter.list_disputes(utcnow() - timedelta(minutes=1))
    assert disputes.sync_dispute(dispute.id, payments=adapter, site=SITE, now=utcnow()) == started.order_id
    (item,) = attention.list_open(now=utcnow()).items
    assert "The buyer's bank has taken back $32.50 (fraudulent)." in item.what


def test_an_address_that_the_shop_has_given_is_read_back_with_the_payment(
    database: None, sandbox: Running, adapter: StripePayments
) -> None:
    make_shop()
    user_id = make_account("alice")
    for phone in ("+1 503 555 0100", ""):
        entry = Entry(
            name="Alice", line1=f"41 Alder {phone}", city="Portland", postal_code="97205", country="US", phone=phone
        )
        address_id = addresses.add(user_id, entry, now=utcnow()).id
        owner = CartOwner(user_id=user_id)
        carts.add_item(owner, make_product(stock=3).id, 1, now=utcnow())
        started = checkout.start(
            owner, "a@example.com", new_key(), address_id=address_id, payments=adapter, site=SITE, now=utcnow()
        )
        session_id = db.session.get_one(Order, started.order_id).stripe_session_id or ""
        db.release()
        form = sandbox.get(f"/pay/{session_id}").form()
        assert not [name for name in form if name.startswith("shipping_") and name != "shipping_rate"]
        assert ("phone" in form) == (not phone)
        assert sandbox.post(f"/pay/{session_id}", form).status == 303
        seen = adapter.get_session(session_id)
        assert seen.delivery and (seen.delivery.name, seen.delivery.address["line1"]) == ("Alice", entry.line1)
        settlement.sync_session(session_id, payments=adapter, site=SITE, now=utcnow())
        order = db.session.get_one(Order, started.order_id, populate_existing=True)
        assert (order.status, order.shipping_name) == ("paid", "Alice")
        assert order.shipping_phone == (phone or "+12015550123")
        db.release()


def test_what_is_refunded_is_listed_oldest_first(
    adapter: StripePayments, sandbox: Running, client: stripe.StripeClient
) -> None:
    session = adapter.create_session(params(), "attempt-1")
    sandbox.pay(session)
    intent = adapter.get_session(session.id).payment_intent or ""
    assert adapter.list_refunds(intent) == []
    for amount in (500, 700):
        client.v1.refunds.create({"payment_intent": intent, "amount": amount})
    assert [(refund.amount, refund.currency, refund.outcome) for refund in adapter.list_refunds(intent)] == [
        (500, "usd", RefundOutcome.SUCCEEDED),
        (700, "usd", RefundOutcome.SUCCEEDED),
    ]
    with pytest.raises(UnknownSession):
        adapter.list_refunds("pi_nobody")


def test_a_refund_is_made_once_for_a_key_and_carries_it(adapter: StripePayments, sandbox: Running) -> None:
    session = adapter.create_session(params(), "attempt-1")
    sandbox.pay(session)
    intent = adapter.get_session(session.id).payment_intent or ""
    first, second = adapter.create_refund(intent, 500, "manual-1"), adapter.create_refund(intent, 500, "manual-1")
    assert (first.id, first.amount, first.key) == (second.id, 500, "manual-1")
    assert [(refund.id, refund.key) for refund in adapter.list_refunds(intent)] == [(first.id, "manual-1")]
    with pytest.raises(PaymentRefused):
        adapter.create_refund(intent, 10_000_000, "manual-2")
    with pytest.raises(UnknownSession):
        adapter.create_refund("pi_nobody", 500, "manual-3")


def test_a_dispute_is_read_and_listed_until_it_is_decided(
    adapter: StripePayments, sandbox: Running, client: stripe.StripeClient
) -> None:
    before = utcnow() - timedelta(minutes=1)
    assert adapter.list_disputes(before) == []
    intents = []
    for number in (1, 2):
        session = adapter.create_session(params(), f"attempt-{number}")
        sandbox.pay(session)
        intents.append(adapter.get_session(session.id).payment_intent or "")
        charge = client.v1.payment_intents.retrieve(intents[-1]).latest_charge
        sandbox.post(f"/dashboard/charges/{charge}/disputes", {})
    listed = adapter.list_disputes(before)
    assert [dispute.payment_intent for dispute in listed] == intents
    first = adapter.get_dispute(listed[0].id)
    assert first == listed[0] and first.due_by is not None and first.due_by > utcnow() + timedelta(days=6)
    assert (first.amount, first.currency, first.reason, first.status) == (3800, "usd", "fraudulent", "needs_response")
    sandbox.post(f"/dashboard/disputes/{first.id}/decision", {"result": "lost"})
    assert adapter.get_dispute(first.id).status == "lost"
    assert adapter.list_disputes(utcnow() + timedelta(minutes=1)) == []
    with pytest.raises(UnknownSession):
        adapter.get_dispute("du_nobody")


@pytest.mark.parametrize("details", [None, {}, {"due_by": None}, {"due_by": 0}])
def test_a_dispute_that_takes_no_answer_is_due_at_no_time(details: dict[str, Any] | None) -> None:
    """As Stripe writes one of a bank that hears of none, and one whose payment is written out."""
    told = {
        "id": "du_1", "payment_intent": {"id": "pi_1"}, "amount": 500, "currency": "usd", "reason": "general",
        "status": "needs_response", "evidence_details": details,
    }  # fmt: skip
    assert _read_dispute(told) == PaymentDispute("du_1", "pi_1", 500, "usd", "general", "needs_response", None)


def test_the_same_key_gives_the_same_session(adapter: StripePayments) -> None:
    asked = params()
    first, second = adapter.create_session(asked, "attempt-1"), adapter.create_session(asked, "attempt-1")
    assert first.id == second.id and first.url == second.url
    assert adapter.create_session(asked, "attempt-2").id != first.id


def test_an_ended_session_is_closed_and_ending_it_twice_says_so(adapter: StripePayments) -> None:
    session = adapter.create_session(params(), "attempt-1")
    for _ in range(2):
        assert adapter.expire_session(session.id).outcome is SessionOutcome.CLOSED


def test_a_paid_session_cannot_be_ended(adapter: StripePayments, sandbox: Running) -> None:
    session = adapter.create_session(params(), "attempt-1")
    sandbox.pay(session)
    assert adapter.expire_session(session.id).outcome is SessionOutcome.PAID


def test_a_delayed_payment_is_on_its_way(adapter: StripePayments, sandbox: Running) -> None:
    session = adapter.create_session(params(), "attempt-1")
    sandbox.pay(session, payment_method="bank_debit")
    assert adapter.get_session(session.id).outcome is SessionOutcome.PROCESSING


def test_a_delayed_payment_that_did_not_come_has_failed(adapter: StripePayments, sandbox: Running) -> None:
    session = adapter.create_session(params(), "attempt-1")
    sandbox.pay(session, payment_method="bank_debit")
    sandbox.post(f"/dashboard/sessions/{session.id}/settlement", {"result": "fail"})
    assert adapter.get_session(session.id).outcome is SessionOutcome.FAILED


def test_what_stripe_does_not_know_is_unknown(adapter: StripePayments) -> None:
    with pytest.raises(UnknownSession):
        adapter.get_session("cs_test_nothing")


def test_what_stripe_refuses_is_refused(adapter: StripePayments) -> None:
    with pytest.raises(PaymentRefused):
        adapter.create_session({**params(), "line_itms": "x"}, "attempt-1")


def test_a_key_that_stripe_does_not_take_says_nothing_about_the_request(sandbox: Running) -> None:
    with pytest.raises(PaymentsUnavailable):
        StripePayments("sk_live_wrong_mode", (SECRET,), api_base=sandbox.url).create_session(params(), "attempt-1")


def test_a_stripe_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(PaymentsUnavailable):
        StripePayments("sk_test_x", (SECRET,), api_base="http://127.0.0.1:1").get_session("cs_test_1")


@pytest.mark.parametrize("secret", [SECRET, "whsec_previous_one"])
def test_both_secrets_are_good_while_they_are_changed(adapter: StripePayments, secret: str) -> None:
    assert adapter.read_webhook(*signed(EVENT, secret=secret))["id"] == "evt_1"


def odd() -> list[tuple[bytes, str]]:
    """Signed now, in the test, so that each is refused for what is wrong with it and not for its age."""
    payload = json.dumps(EVENT).encode()
    return [
        signed(EVENT, secret="whsec_of_mallory"),
        signed(EVENT, at=time.time() - 400),
        signed(EVENT, at=time.time() + 40_000),
        signed({**EVENT, "livemode": True}),
        signed({**EVENT, "id": 7}),
        signed({**EVENT, "data": {"object": "x"}}),
        signed([]),
        signed(b"null"),
        signed(b"{"),
        signed(b"[" * 50_000),
        signed(b"\xff\xfe"),
        (payload, ""),
        (payload, "t=,v1="),
        (payload, "nonsense"),
        (payload, "t=1,v1=é"),
        signed({**EVENT, "type": "t" * 101}),
        signed({**EVENT, "note": "\0"}),
    ]


def test_anything_odd_is_a_bad_signature(adapter: StripePayments) -> None:
    for payload, signature in odd():
        with pytest.raises(BadSignature):
            adapter.read_webhook(payload, signature)
        with pytest.raises(BadSignature):
            adapter.read_webhook(payload, None)
    assert adapter.read_webhook(*signed(EVENT)) == EVENT

"""The payment page by plain form posts, as a browser without JavaScript sends them."""

import threading
from typing import Any

import pytest
import stripe

from .support import Page, Running, Shop, cart, wait_for

DECLINED = "4000 0000 0000 0002"
NO_FUNDS = "4000 0000 0000 9995"
CONFIRMS = "4000 0027 6000 3184"


@pytest.fixture
def session(client: stripe.StripeClient) -> Any:
    return client.v1.checkout.sessions.create(cart())


def now(client: stripe.StripeClient, session: Any, *expand: str) -> Any:
    """Return the session as it is now."""
    return client.v1.checkout.sessions.retrieve(session.id, {"expand": list(expand)})


def test_the_page_shows_the_order_and_is_filled_in(sandbox: Running, session: Any) -> None:
    page = sandbox.get(f"/pay/{session.id}")

    assert page.status == 200
    for words in (
        "Two-angle phone stand",
        "$14.00",
        "$38.00",
        "Sandbox: no real money, no real e-mail",
        "2 to 4 business days",
    ):
        assert words in page.text
    assert page.form()["card_number"] == "4242 4242 4242 4242"
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "form-action 'self' http://127.0.0.1:8000" in policy
    assert "style=" not in page.text
    assert "<script" not in page.text


def test_the_good_example_pays(client: stripe.StripeClient, sandbox: Running, shop: Shop, session: Any) -> None:
    page = sandbox.pay(session, email="ann@example.org")

    assert page.status == 303
    assert page.location == f"http://127.0.0.1:8000/checkout/success?session_id={session.id}"
    paid = now(client, session, "payment_intent.latest_charge")
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details.email == "ann@example.org"
    assert paid.customer_details.phone == "+12015550123"
    assert paid.collected_information.shipping_details.address.line1 == "510 Townsend Street"
    assert paid.customer_details.address.to_dict() == paid.collected_information.shipping_details.address.to_dict()
    assert (paid.payment_intent.status, paid.payment_intent.amount_received) == ("succeeded", 3800)
    assert paid.payment_intent.latest_charge.payment_method_details.card.last4 == "4242"
    wait_for(lambda: shop.types() == ["checkout.session.completed"], "the webhook")
    assert shop.received[0]["data"]["object"]["id"] == session.id


def test_billing_and_delivery_may_differ(client: stripe.StripeClient, sandbox: Running, session: Any) -> None:
    form = sandbox.get(f"/pay/{session.id}").form()
    del form["billing_same"]
    german = {"line1": "Friedrichstrasse 100", "city": "Berlin", "state": "", "postal_code": "10117", "country": "DE"}
    form |= {f"billing_{name}": value for name, value in german.items()} | {"billing_name": "Bob Billing"}

    assert sandbox.post(f"/pay/{session.id}", form).status == 303
    paid = now(client, session)
    assert (paid.customer_details.name, paid.customer_details.address.city) == ("Bob Billing", "Berlin")
    assert paid.collected_information.shipping_details.name == "Jenny Rosen"
    assert paid.collected_information.shipping_details.address.city == "San Francisco"


def test_the_chosen_delivery_changes_the_total(client: stripe.StripeClient, sandbox: Running, session: Any) -> None:
    express = session.shipping_options[1].shipping_rate
    assert sandbox.pay(session, shipping_rate=express).status == 303
    paid = now(client, session, "payment_intent", "shipping_cost.shipping_rate")
    assert (paid.amount_total, paid.total_details.amount_shipping, paid.payment_intent.amount) == (4550, 1250, 4550)
    assert paid.shipping_cost.shipping_rate.display_name == "Express"


@pytest.mark.parametrize(("card", "sentence"), [(DECLINED, "declined"), (NO_FUNDS, "insufficient funds")])
def test_a_bad_card_pays_nothing_and_keeps_what_was_typed(
    client: stripe.StripeClient, sandbox: Running, shop: Shop, session: Any, card: str, sentence: str
) -> None:
    page = sandbox.pay(session, card_number=card, shipping_name="Ann Other")

    assert page.status == 402
    assert sentence in page.errors()["card_number"]
    assert page.form()["shipping_name"] == "Ann Other"
    left = now(client, session, "payment_intent")
    assert (left.status, left.payment_status) == ("open", "unpaid")
    assert left.payment_intent.last_payment_error.code == "card_declined"
    assert sandbox.post(f"/pay/{session.id}", {**page.form(), "card_number": "4242424242424242"}).status == 303
    wait_for(lambda: shop.received, "the webhook")
    assert shop.types() == ["checkout.session.completed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("phone", "555 0123"),
        ("shipping_name", " "),
        ("shipping_line1", ""),
        ("shipping_city", ""),
        ("shipping_state", ""),
        ("shipping_postal_code", "9410"),
        ("shipping_country", "FR"),
        ("shipping_rate", "shr_other"),
        ("payment_method", "cash"),
        ("card_number", "4242 4242 4242 4241"),
        ("card_number", ""),
        ("card_expiry", "13 / 30"),
        ("card_expiry", "01 / 20"),
        ("card_cvc", "12"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(
    client: stripe.StripeClient, sandbox: Running, session: Any, field: str, value: str
) -> None:
    page = sandbox.pay(session, **{field: value})
    assert (page.status, list(page.errors())) == (422, [field])
    assert now(client, session).status == "open"


def test_billing_fields_are_checked_when_they_count(sandbox: Running, session: Any) -> None:
    form = {**sandbox.get(f"/pay/{session.id}").form(), "billing_line1": ""}
    del form["billing_same"]
    page = sandbox.post(f"/pay/{session.id}", form)
    assert list(page.errors()) == ["billing_line1"]
    assert "billing_same" not in page.form()


def test_a_given_delivery_address_is_not_asked_again(client: stripe.StripeClient, sandbox: Running) -> None:
    address = {"line1": "1 Main Street", "city": "Austin", "state": "TX", "postal_code": "78701", "country": "US"}
    given = {"shipping": {"name": "Ann Buyer", "address": address}, "metadata": {"order_id": "7"}}
    changes = {
        "shipping_address_collection": None,
        "phone_number_collection": None,
        "customer_email": "ann@example.org",
    }
    session = client.v1.checkout.sessions.create(cart(payment_intent_data=given, **changes))

    form = sandbox.get(f"/pay/{session.id}").form()
    assert not [name for name in form if name.startswith("shipping_") and name != "shipping_rate"]
    assert sandbox.post(f"/pay/{session.id}", {**form, "email": "mallory@example.org"}).status == 303
    paid = now(client, session, "payment_intent")
    assert paid.customer_details.email == "ann@example.org"
    assert paid.customer_details.address.postal_code == "94103"
    assert paid.payment_intent.shipping.address.city == "Austin"
    assert paid.payment_intent.metadata["order_id"] == "7"


def test_a_confirmed_card_pays(client: stripe.StripeClient, sandbox: Running, session: Any) -> None:
    page = sandbox.pay(session, card_number=CONFIRMS)
    assert (page.status, page.location) == (303, f"/pay/{session.id}/confirm")
    assert now(client, session, "payment_intent").payment_intent.status == "requires_action"
    assert "Confirm the payment" in sandbox.get(page.location).text

    assert sandbox.post(page.location, {"result": "complete"}).location.endswith(session.id)
    assert now(client, session).payment_status == "paid"


def test_a_refused_confirmation_pays_nothing(client: stripe.StripeClient, sandbox: Running, session: Any) -> None:
    where = sandbox.pay(session, card_number=CONFIRMS, shipping_name="Ann Other").location
    page = sandbox.post(where, {"result": "fail"})
    assert page.status == 402
    assert "card_number" in page.errors()
    assert page.form()["shipping_name"] == "Ann Other"
    assert now(client, session).status == "open"
    assert sandbox.post(where, {"result": "complete"}).location == f"/pay/{session.id}"
    assert now(client, session).status == "open"


@pytest.mark.parametrize(
    ("button", "status", "event"),
    [
        ("succeed", "paid", "checkout.session.async_payment_succeeded"),
        ("fail", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_bank_debit_settles_or_fails_later(
    client: stripe.StripeClient, sandbox: Running, shop: Shop, session: Any, button: str, status: str, event: str
) -> None:
    assert sandbox.pay(session, payment_method="bank_debit", card_number="").status == 303
    waiting = now(client, session, "payment_intent")
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert waiting.payment_intent.status == "processing"
    assert "Let it succeed" in sandbox.get("/dashboard").text

    for _ in range(2):
        sandbox.post(f"/dashboard/sessions/{session.id}/settlement", {"result": button})
    assert now(client, session).payment_status == status
    wait_for(lambda: len(shop.received) >= 2, "both webhooks")
    assert shop.types() == ["checkout.session.completed", event]
    assert "Let it succeed" not in sandbox.get("/dashboard").text


def test_a_shop_without_bank_debits_is_not_offered_them(client: stripe.StripeClient, sandbox: Running) -> None:
    session = client.v1.checkout.sessions.create(cart(allowed_payment_method_types=["card"]))
    assert "bank debit" not in sandbox.get(f"/pay/{session.id}").text
    assert "payment_method" in sandbox.pay(session, payment_method="bank_debit").errors()


def test_going_back_leaves_the_session_open(client: stripe.StripeClient, sandbox: Running, session: Any) -> None:
    page = sandbox.get(f"/pay/{session.id}")
    assert 'href="http://127.0.0.1:8000/cart?cancelled=1"' in page.text
    assert now(client, session).status == "open"
    assert (
        "Back to the shop"
        not in sandbox.get(f"/pay/{client.v1.checkout.sessions.create(cart(cancel_url=None)).id}").text
    )


def test_a_double_submit_pays_once(client: stripe.StripeClient, sandbox: Running, shop: Shop, session: Any) -> None:
    form = sandbox.get(f"/pay/{session.id}").form()
    answers: list[Page] = []
    both = [threading.Thread(target=lambda: answers.append(sandbox.post(f"/pay/{session.id}", form))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert [answer.status for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    wait_for(lambda: shop.received, "the webhook")
    assert len(client.v1.events.list().data) == 1


def test_paying_a_finished_session_shows_a_clear_page(sandbox: Running, session: Any) -> None:
    form = sandbox.get(f"/pay/{session.id}").form()
    sandbox.pay(session)
    seen = sandbox.get(f"/pay/{session.id}")
    assert (seen.status, "already completed" in seen.text) == (200, True)
    other_tab = sandbox.post(f"/pay/{session.id}", form)
    assert (other_tab.status, "Nothing was charged again" in other_tab.text) == (409, True)


def test_an_expired_session_cannot_be_paid(client: stripe.StripeClient, sandbox: Running, session: Any) -> None:
    form = sandbox.get(f"/pay/{session.id}").form()
    client.v1.checkout.sessions.expire(session.id)
    for page in (sandbox.get(f"/pay/{session.id}"), sandbox.post(f"/pay/{session.id}", form)):
        assert (page.status, "has expired" in page.text) == (410, True)
    assert now(client, session).payment_status == "unpaid"


def test_a_session_nobody_made_is_a_404(sandbox: Running) -> None:
    assert sandbox.get("/pay/cs_test_nobody").status == 404


def test_no_card_number_is_kept(sandbox: Running, session: Any) -> None:
    sandbox.pay(session, card_number=DECLINED)
    sandbox.pay(session, card_number=CONFIRMS)
    sandbox.pay(session)
    kept = b"".join(path.read_bytes() for path in sandbox.data.iterdir())
    for number in (DECLINED, CONFIRMS, "4242 4242 4242 4242"):
        assert number.encode() not in kept
        assert number.replace(" ", "").encode() not in kept

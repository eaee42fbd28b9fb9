"""Refunds: never more than was charged."""

from typing import Any

import pytest
import stripe

from .support import Running, Shop, cart, wait_for


@pytest.fixture
def intent(client: stripe.StripeClient, sandbox: Running) -> str:
    """A payment of $38.00."""
    session = client.v1.checkout.sessions.create(cart())
    assert sandbox.pay(session).status == 303
    return str(client.v1.checkout.sessions.retrieve(session.id).payment_intent)


def test_parts_and_then_the_rest_go_back(client: stripe.StripeClient, shop: Shop, intent: str) -> None:
    part = client.v1.refunds.create({"payment_intent": intent, "amount": 800, "metadata": {"why": "one too many"}})
    rest = client.v1.refunds.create({"payment_intent": intent, "reason": "requested_by_customer"})

    assert (part.amount, part.status, rest.amount) == (800, "succeeded", 3000)
    charge: Any = client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge.refunds"]}).latest_charge
    assert (charge.amount_refunded, charge.refunded) == (3800, True)
    assert [refund.id for refund in charge.refunds.data] == [rest.id, part.id]
    assert client.v1.refunds.retrieve(part.id).metadata["why"] == "one too many"
    assert [refund.id for refund in client.v1.refunds.list({"payment_intent": intent}).data] == [rest.id, part.id]
    wait_for(lambda: len(shop.received) >= 7, "the webhooks")
    assert shop.types() == [
        "checkout.session.completed",
        *["refund.created", "charge.refunded", "refund.updated"] * 2,
    ]
    created, _, updated = (event["data"]["object"] for event in shop.received[1:4])
    told = [refund["destination_details"]["card"]["reference_status"] for refund in (created, updated)]
    assert told == ["pending", "available"]


def test_more_than_was_charged_is_refused(client: stripe.StripeClient, intent: str) -> None:
    client.v1.refunds.create({"payment_intent": intent, "amount": 3000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount") as caught:
        client.v1.refunds.create({"payment_intent": intent, "amount": 801})
    assert (caught.value.param, caught.value.code) == ("amount", None)
    client.v1.refunds.create({"payment_intent": intent, "amount": 800})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent})
    assert caught.value.code == "charge_already_refunded"


def test_the_first_refund_is_measured_by_the_charge(client: stripe.StripeClient, intent: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent, "amount": 3801})
    assert caught.value.user_message == "Refund amount ($38.01) is greater than charge amount ($38.00)"


def test_the_same_key_refunds_once(client: stripe.StripeClient, intent: str) -> None:
    params: Any = {"payment_intent": intent, "amount": 500}
    made = {client.v1.refunds.create(params, {"idempotency_key": "refund-1"}).id for _ in range(3)}
    assert len(made) == len(client.v1.refunds.list().data) == 1


def test_a_refusal_is_remembered_under_its_key(client: stripe.StripeClient, intent: str) -> None:
    params: Any = {"payment_intent": intent, "amount": 3801}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.refunds.create(params, {"idempotency_key": "refund-1"})
    assert caught.value.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({}, None),
        ({"payment_intent": "pi_nobody"}, "payment_intent"),
        ({"charge": "ch_nobody"}, "id"),
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": "1.50"}, "amount"),
        ({"reason": "regret"}, "reason"),
        ({"ammount": 5}, "ammount"),
    ],
)
def test_a_bad_refund_is_refused(
    client: stripe.StripeClient, intent: str, params: dict[str, Any], param: str | None
) -> None:
    asked = params if not params or {"payment_intent", "charge"} & set(params) else {"payment_intent": intent, **params}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create(asked)
    assert caught.value.param == param
    assert client.v1.refunds.list().data == []


def test_an_unsettled_payment_cannot_be_refunded(client: stripe.StripeClient, sandbox: Running) -> None:
    session = client.v1.checkout.sessions.create(cart())
    sandbox.pay(session, payment_method="bank_debit")
    intent = str(client.v1.checkout.sessions.retrieve(session.id).payment_intent)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent})


def test_a_declined_payment_cannot_be_refunded(client: stripe.StripeClient, sandbox: Running) -> None:
    session = client.v1.checkout.sessions.create(cart())
    assert sandbox.pay(session, card_number="4000 0000 0000 0002").status == 402
    intent = str(client.v1.checkout.sessions.retrieve(session.id).payment_intent)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent})


def test_the_dashboard_refunds_at_most_what_is_left(client: stripe.StripeClient, sandbox: Running, intent: str) -> None:
    charge = str(client.v1.payment_intents.retrieve(intent).latest_charge)
    for amount in ("3000", "801", "much", "", "-1", "800"):
        assert sandbox.post(f"/dashboard/charges/{charge}/refunds", {"amount": amount}).status == 303
    assert [refund.amount for refund in client.v1.refunds.list().data] == [800, 3000]
    assert "Refunded $38.00" in sandbox.get("/dashboard").text

"""A buyer's bank takes the money back for a while: from the dashboard, as it comes from outside in life."""

from typing import Any

import pytest
import stripe

from .support import Running, Shop, cart, wait_for


@pytest.fixture
def charge(client: stripe.StripeClient, sandbox: Running) -> Any:
    """A charge of $38.00."""
    session = client.v1.checkout.sessions.create(cart())
    assert sandbox.pay(session).status == 303
    paid: Any = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    return paid.payment_intent.latest_charge


def disputed(client: stripe.StripeClient, sandbox: Running, charge: Any) -> Any:
    assert sandbox.post(f"/dashboard/charges/{charge.id}/disputes", {}).status == 303
    return client.v1.disputes.list({"charge": charge.id}).data[0]


def test_a_dispute_is_told_and_can_be_looked_up(
    client: stripe.StripeClient, sandbox: Running, shop: Shop, charge: Any
) -> None:
    assert "Dispute" in sandbox.get("/dashboard").text
    found = disputed(client, sandbox, charge)
    assert (found.amount, found.status, found.reason) == (3800, "needs_response", "fraudulent")
    assert client.v1.disputes.retrieve(found.id, {"expand": ["charge"]}).charge.disputed is True
    wait_for(lambda: len(shop.received) >= 2, "both webhooks")
    assert shop.types() == ["checkout.session.completed", "charge.dispute.created"]
    told = shop.received[1]["data"]["object"]
    assert (told["id"], told["payment_intent"]) == (found.id, charge.payment_intent)


def test_a_payment_is_disputed_once(client: stripe.StripeClient, sandbox: Running, charge: Any) -> None:
    for _ in range(2):
        disputed(client, sandbox, charge)
    assert len(client.v1.disputes.list().data) == 1


@pytest.mark.parametrize(("result", "refundable"), [("won", True), ("lost", False)])
def test_the_bank_decides_once_and_only_a_winner_can_refund(
    client: stripe.StripeClient, sandbox: Running, shop: Shop, charge: Any, result: str, refundable: bool
) -> None:
    found = disputed(client, sandbox, charge)
    with pytest.raises(stripe.InvalidRequestError, match="has been charged back") as caught:
        client.v1.refunds.create({"charge": charge.id})
    assert caught.value.code == "charge_disputed"

    for answer in (result, "lost", "won"):
        sandbox.post(f"/dashboard/disputes/{found.id}/decision", {"result": answer})
    assert client.v1.disputes.retrieve(found.id).status == result
    wait_for(lambda: len(shop.received) >= 3, "the webhooks")
    assert shop.types()[1:] == ["charge.dispute.created", "charge.dispute.closed"]
    if refundable:
        assert client.v1.refunds.create({"charge": charge.id}).amount == 3800
    else:
        with pytest.raises(stripe.InvalidRequestError, match="has been charged back"):
            client.v1.refunds.create({"charge": charge.id})


def test_giving_in_loses_and_works_once(client: stripe.StripeClient, sandbox: Running, charge: Any) -> None:
    found = disputed(client, sandbox, charge)
    assert client.v1.disputes.close(found.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        client.v1.disputes.close(found.id)


def test_what_was_given_back_cannot_be_disputed(client: stripe.StripeClient, sandbox: Running, charge: Any) -> None:
    client.v1.refunds.create({"charge": charge.id})
    sandbox.post(f"/dashboard/charges/{charge.id}/disputes", {})
    assert client.v1.disputes.list().data == []
    for path in ("/dashboard/charges/ch_nobody/disputes", "/dashboard/disputes/du_nobody/decision"):
        assert sandbox.post(path, {}).status == 404

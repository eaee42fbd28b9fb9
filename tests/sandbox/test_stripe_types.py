"""Every answer has the fields Stripe's SDK declares, no more, and every parameter it declares is known."""

from typing import Any

import pytest
import stripe

from mountify.sandbox.stripe_api import events, listing, refunds, schemas, sessions
from mountify.sandbox.stripe_params import Field

from .judge import disagreements, unlike_the_sdk
from .support import Running, cart

IN_FULL = [
    "line_items.data.price.product",
    "payment_intent.latest_charge.refunds",
    "shipping_cost.shipping_rate",
]


@pytest.mark.parametrize("method", ["card", "bank_debit"])
def test_answers_and_events_are_what_the_sdk_declares(
    client: stripe.StripeClient, sandbox: Running, method: str
) -> None:
    session = client.v1.checkout.sessions.create(cart(customer_email="ann@example.org"))
    assert disagreements(session.to_dict()) == []
    sandbox.pay(session, card_number="4000 0000 0000 0002")
    sandbox.pay(session, payment_method=method)
    sandbox.post(f"/dashboard/sessions/{session.id}/settlement", {"result": "succeed"})
    paid: Any = client.v1.checkout.sessions.retrieve(session.id, {"expand": IN_FULL})
    charge = paid.payment_intent.latest_charge
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 500}, {"idempotency_key": "refund-1"})
    sandbox.post(f"/dashboard/charges/{charge.id}/disputes", {})
    expired = client.v1.checkout.sessions.expire(client.v1.checkout.sessions.create(cart()).id)

    told = client.v1.events.list({"limit": 100}).data
    objects: list[Any] = [event.data.object for event in told]
    for answer in (paid, refund, expired, *client.v1.disputes.list().data, *told, *objects):
        assert disagreements(answer if isinstance(answer, dict) else answer.to_dict()) == []
    kinds = {event.type for event in told}
    assert kinds >= {"checkout.session.completed", "checkout.session.expired", "refund.created", "charge.refunded"}
    assert ("charge.dispute.created" in kinds) == (method == "card")


@pytest.mark.parametrize(
    ("known", "module", "name"),
    [
        (schemas.SESSION, "checkout", "SessionCreateParams"),
        (sessions._LIST, "checkout", "SessionListParams"),
        (refunds._CREATE, "_refund_create_params", "RefundCreateParams"),
        (listing.OF_A_PAYMENT, "_refund_list_params", "RefundListParams"),
        (listing.OF_A_PAYMENT, "_dispute_list_params", "DisputeListParams"),
        (events._LIST, "_event_list_params", "EventListParams"),
    ],
)
def test_every_parameter_of_the_sdk_is_known_and_none_is_made_up(
    known: dict[str, Field], module: str, name: str
) -> None:
    assert unlike_the_sdk(known, module, name) == []


def test_the_judge_is_not_blind(client: stripe.StripeClient) -> None:
    answer = client.v1.checkout.sessions.create(cart()).to_dict()
    answer["colour"] = "red"
    answer["created"] = "today"
    answer["mode"] = "barter"
    answer["automatic_tax"] = {"enabled": None}
    del answer["expires_at"]
    assert sorted(disagreements(answer)) == [
        "Session.automatic_tax.enabled is null",
        "Session.colour is invented",
        "Session.created = 'today' is no [<class 'int'>]",
        "Session.expires_at is missing",
        "Session.mode = 'barter' is none of the words",
    ]
    without_name = {**schemas.SESSION, "colour": schemas.SESSION["locale"]}
    del without_name["customer_email"]
    assert unlike_the_sdk(without_name, "checkout", "SessionCreateParams") == [
        "colour is invented",
        "customer_email is unknown",
    ]

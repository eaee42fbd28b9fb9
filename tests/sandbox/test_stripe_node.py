"""Stripe's client for Node, which shares no line with the one for Python, passes and fails where it must."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .support import SECRET, Running, Shop, cart, wait_for

CLIENT = Path(__file__).parent.parent / "clients" / "stripe-node"


class Node:
    """One call of the client, in a process of its own."""

    def __init__(self, sandbox: Running, key: str = "sk_test_of_the_tests") -> None:
        node = shutil.which("node")
        assert node and (CLIENT / "node_modules").is_dir(), "`bin/setup node` installs Stripe's client for Node."
        self._node, self._where = node, {"url": sandbox.url, "key": key}

    def __call__(self, scenario: str, **args: Any) -> Any:
        """Return the client's answer, or what it has raised under `refused`."""
        done = subprocess.run(
            [self._node, "scenarios.mjs", scenario],
            input=json.dumps({**self._where, "args": args}),
            cwd=CLIENT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def node(sandbox: Running) -> Node:
    return Node(sandbox)


class Made:
    """A session as the page's helper wants it."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.id = answer["id"]


def test_a_session_is_made_and_read_back(node: Node) -> None:
    made = node("create", params=cart(customer_email="ann@example.org", expand=["line_items"]))
    assert (made["amount_total"], made["metadata"], made["livemode"]) == (3800, {"order_id": "7"}, False)
    assert [item["quantity"] for item in made["line_items"]["data"]] == [1, 2]
    assert len(made["shipping_options"]) == 2

    found = node("retrieve", id=made["id"], params={"expand": ["line_items.data.price.product"]})
    products = [item["price"]["product"]["metadata"] for item in found["line_items"]["data"]]
    assert products == [{"product_id": "71"}] * 2
    assert [item["amount_total"] for item in node("lineItems", id=made["id"])["data"]] == [1400, 1900]


def test_sessions_are_listed_page_by_page(node: Node) -> None:
    made = [node("create", params=cart())["id"] for _ in range(3)]
    assert [session["id"] for session in node("listAll", limit=1)] == made[::-1]
    assert node("expire", id=made[1])["status"] == "expired"
    assert [session["id"] for session in node("list", params={"status": "expired"})["data"]] == [made[1]]
    again = node("expire", id=made[1])
    assert (again["refused"], again["statusCode"]) == ("StripeInvalidRequestError", 400)


def test_a_payment_is_expanded_and_given_back(node: Node, sandbox: Running) -> None:
    made = node("create", params=cart())
    assert sandbox.pay(Made(made)).status == 303
    intent = node("retrieve", id=made["id"], params={"expand": ["payment_intent.latest_charge"]})["payment_intent"]
    assert intent["latest_charge"]["payment_method_details"]["card"]["last4"] == "4242"

    part = node("refund", params={"payment_intent": intent["id"], "amount": 800, "reason": "requested_by_customer"})
    assert (part["status"], part["charge"]) == ("succeeded", intent["latest_charge"]["id"])
    more = node("refund", params={"payment_intent": intent["id"], "amount": 3001})
    assert (more["refused"], more["param"]) == ("StripeInvalidRequestError", "amount")
    node("refund", params={"payment_intent": intent["id"]})
    none_left = node("refund", params={"payment_intent": intent["id"]})
    assert (none_left["statusCode"], none_left["code"]) == (400, "charge_already_refunded")
    assert len(node("refunds", params={"charge": part["charge"]})["data"]) == 2
    assert node("intent", id=intent["id"], params={"expand": ["latest_charge"]})["latest_charge"]["refunded"] is True


def test_a_wrong_key_is_an_authentication_error(sandbox: Running) -> None:
    answer = Node(sandbox, "sk_live_0123456789abcdef")("list")
    assert (answer["refused"], answer["statusCode"]) == ("StripeAuthenticationError", 401)


@pytest.mark.parametrize(
    ("scenario", "args", "status", "param", "code"),
    [
        ("create", {"params": cart(custmer_email="a@b.co")}, 400, "custmer_email", "parameter_unknown"),
        ("create", {"params": cart(mode=None)}, 400, "mode", "parameter_missing"),
        ("list", {"params": {"limit": 101}}, 400, "limit", "parameter_invalid_integer"),
        ("retrieve", {"id": "cs_test_nobody"}, 404, "session", "resource_missing"),
        ("intent", {"id": "pi_nobody"}, 404, "intent", "resource_missing"),
        ("expire", {"id": "cs_test_nobody"}, 404, "session", "resource_missing"),
    ],
)
def test_refusals_are_of_stripes_classes(
    node: Node, scenario: str, args: dict[str, Any], status: int, param: str, code: str
) -> None:
    answer = node(scenario, **args)
    assert answer["refused"] == "StripeInvalidRequestError", answer
    assert (answer["statusCode"], answer["param"], answer["code"]) == (status, param, code)


def test_a_key_gives_one_session_and_refuses_another_body(node: Node) -> None:
    options = {"idempotencyKey": "attempt-1"}
    made = node("create", params=cart(), options=options)
    assert node("create", params=cart(), options=options)["id"] == made["id"]
    other = node("create", params=cart(client_reference_id="order-8"), options=options)
    assert (other["refused"], other["statusCode"]) == ("StripeIdempotencyError", 400)


def test_at_once_with_one_key_one_acts(node: Node, sandbox: Running) -> None:
    sandbox.order("/_faults", {"service": "stripe", "delay_s": 2, "times": 4})
    answers = node("together", params=cart(), options={"idempotencyKey": "attempt-1"}, times=4)
    assert sorted(answer.get("statusCode", 200) for answer in answers) == [200, 409, 409, 409]
    assert {answer["code"] for answer in answers if "refused" in answer} == {"idempotency_key_in_use"}
    assert len(node("listAll", limit=10)) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500}, "StripeAPIError"),
        ({"status": 500, "after": True}, "StripeAPIError"),
        ({"status": 429}, "StripeRateLimitError"),
        # A connection that is closed without an answer is tried once more by the client itself.
        ({"cut": True, "times": 2}, "StripeConnectionError"),
    ],
)
def test_faults_are_of_stripes_classes(node: Node, sandbox: Running, fault: dict[str, Any], kind: str) -> None:
    sandbox.order("/_faults", {"service": "stripe", **fault})
    options = {"idempotencyKey": "attempt-1"}
    assert node("create", params=cart(), options=options)["refused"] == kind
    there = node("listAll", limit=10)
    assert len(there) == int("cut" in fault or "after" in fault)
    made = node("create", params=cart(), options=options)
    assert [session["id"] for session in there] in ([], [made["id"]])


def test_a_delivered_event_is_unpacked_and_a_bad_one_is_not(node: Node, sandbox: Running, shop: Shop) -> None:
    made = node("create", params=cart())
    sandbox.pay(Made(made))
    wait_for(lambda: shop.received, "the webhook")
    payload, signature = shop.last
    event = node("unpack", payload=payload, signature=signature, secret=SECRET)
    assert (event["type"], event["data"]["object"]["id"]) == ("checkout.session.completed", made["id"])
    assert node("events")["data"][0]["id"] == event["id"]

    for how in ("tampered", "stale", "wrong_secret"):
        sandbox.order("/_webhooks/replay", {"event": event["id"], "how": how})
        payload, signature = shop.last
        answer = node("unpack", payload=payload, signature=signature, secret=SECRET)
        assert answer["refused"] == "StripeSignatureVerificationError", how


def test_a_dispute_and_an_expiry_are_seen(node: Node, sandbox: Running) -> None:
    made = node("create", params=cart(expires_at=int(time.time()) + 31 * 60))
    paid = node("create", params=cart())
    sandbox.pay(Made(paid))
    charge = node("retrieve", id=paid["id"], params={"expand": ["payment_intent"]})["payment_intent"]["latest_charge"]
    sandbox.post(f"/dashboard/charges/{charge}/disputes", {})
    assert [dispute["status"] for dispute in node("disputes", params={"charge": charge})["data"]] == ["needs_response"]
    sandbox.order("/_clock", {"advance_s": 32 * 60})
    assert node("retrieve", id=made["id"])["status"] == "expired"
    types = [event["type"] for event in node("events", params={"types": ["charge.dispute.*", "checkout.*"]})["data"]]
    assert types == ["checkout.session.expired", "charge.dispute.created", "checkout.session.completed"]

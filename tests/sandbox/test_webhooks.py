"""Webhooks: signed, stored first, brought until they are taken; and the levers on them."""

import time
from typing import Any

import pytest
import stripe

from mountify.sandbox.webhooks import retry_after_s

from .support import DEADLINE_S, Running, Shop, cart, client_of, wait_for


def test_a_delivery_is_repeated_until_the_shop_takes_it(
    client: stripe.StripeClient, sandbox: Running, shop: Shop
) -> None:
    shop.failures_to_come = 2
    sandbox.pay(client.v1.checkout.sessions.create(cart()))
    wait_for(lambda: shop.received, "the third attempt")
    assert (shop.attempts, shop.types(), shop.refused) == (3, ["checkout.session.completed"], [])
    taken = wait_for(lambda: client.v1.events.list({"delivery_success": True}).data, "the event's new state")
    assert taken[0].pending_webhooks == 0
    assert client.v1.events.retrieve(taken[0].id).type == "checkout.session.completed"


def test_the_pauses_grow_and_are_told(client: stripe.StripeClient, sandbox: Running, shop: Shop) -> None:
    assert [retry_after_s(attempts) for attempts in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    shop.failures_to_come = 1_000_000
    sandbox.pay(client.v1.checkout.sessions.create(cart()))
    wait_for(lambda: shop.attempts >= 2, "the second attempt")
    assert client.v1.events.list({"delivery_success": False}).data[0].pending_webhooks == 1
    wait_for(lambda: "last answer 503" in sandbox.get("/dashboard").text, "the dashboard to say so")


def test_a_session_expires_by_itself_and_says_so(client: stripe.StripeClient, sandbox: Running, shop: Shop) -> None:
    session = client.v1.checkout.sessions.create(cart(expires_at=int(time.time()) + 31 * 60))
    sandbox.order("/_clock", {"advance_s": 30 * 60})
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    sandbox.order("/_clock", {"advance_s": 61})
    wait_for(lambda: shop.types() == ["checkout.session.expired"], "the webhook")
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(session.id)


def test_events_are_listed_by_type(client: stripe.StripeClient, sandbox: Running) -> None:
    sandbox.pay(client.v1.checkout.sessions.create(cart()))
    client.v1.checkout.sessions.expire(client.v1.checkout.sessions.create(cart()).id)
    listed: Any = client.v1.events.list({"type": "checkout.session.completed"}).data
    assert [event.data.object["payment_status"] for event in listed] == ["paid"]
    both = client.v1.events.list({"types": ["checkout.session.completed", "checkout.session.expired"]})
    assert len(both.data) == len(client.v1.events.list({"type": "checkout.session.*"}).data) == 2


def test_what_was_emptied_does_not_arrive_afterwards(client: stripe.StripeClient, sandbox: Running, shop: Shop) -> None:
    shop.thinks_s = 0.5
    client.v1.checkout.sessions.expire(client.v1.checkout.sessions.create(cart()).id)
    wait_for(lambda: shop.attempts, "a delivery to be under way")
    sandbox.order("/_reset", {})
    shop.thinks_s = 0
    shop.received.clear()
    sandbox.pay(client.v1.checkout.sessions.create(cart()))
    wait_for(lambda: shop.received, "the webhook")
    assert shop.types() == ["checkout.session.completed"]


@pytest.mark.parametrize("how", ["tampered", "stale", "wrong_secret"])
def test_a_bad_replay_is_refused_by_the_signature(
    client: stripe.StripeClient, sandbox: Running, shop: Shop, how: str
) -> None:
    sandbox.pay(client.v1.checkout.sessions.create(cart()))
    event = wait_for(lambda: shop.received, "the webhook")[0]
    sent = sandbox.order("/_webhooks/replay", {"event": event["id"], "how": how})["sent"]
    assert [answer["status"] for answer in sent] == [400]
    assert (len(shop.received), len(shop.refused)) == (1, 1)


def test_replays_duplicate_and_reorder(client: stripe.StripeClient, sandbox: Running, shop: Shop) -> None:
    session = client.v1.checkout.sessions.create(cart())
    sandbox.pay(session, payment_method="bank_debit")
    sandbox.post(f"/dashboard/sessions/{session.id}/settlement", {"result": "succeed"})
    wait_for(lambda: len(shop.received) >= 2, "both webhooks")
    first, second = shop.received

    sandbox.order("/_webhooks/replay", {"event": "checkout.session.completed", "how": "duplicate"})
    assert shop.received[2:] == [{**first, "pending_webhooks": 0}]
    sandbox.order("/_webhooks/replay", {"event": first["id"], "how": "reorder"})
    assert [event["id"] for event in shop.received[3:]] == [second["id"], first["id"]]


def test_killed_it_loses_no_answered_request(own_sandbox: Running, shop: Shop) -> None:
    client = client_of(own_sandbox)
    options: Any = {"idempotency_key": "attempt-1"}
    shop.failures_to_come = 1_000_000
    session = client.v1.checkout.sessions.create(cart(), options)
    assert own_sandbox.pay(session).status == 303
    own_sandbox.kill()
    assert shop.received == []
    shop.failures_to_come = 0
    own_sandbox.start()

    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert client.v1.checkout.sessions.create(cart(), options).id == session.id
    event = wait_for(lambda: shop.received, "the webhook after the restart")[0]
    assert (event["type"], event["data"]["object"]["id"]) == ("checkout.session.completed", session.id)


def test_the_clock_survives_a_restart_and_it_stops_cleanly(own_sandbox: Running) -> None:
    own_sandbox.order("/_clock", {"advance_s": 7200})
    began = time.monotonic()
    assert own_sandbox.stop() == 0
    assert time.monotonic() - began < DEADLINE_S
    own_sandbox.start()
    assert abs(own_sandbox.order("/_clock", {"advance_s": 0})["now"] - time.time() - 7200) < 5

"""The levers: faults, reset, and who may pull them."""

import json
import threading
from typing import Any

import pytest
import stripe

from .support import Running, cart, wait_for


def test_it_is_healthy_and_shows_its_pages(sandbox: Running) -> None:
    health = sandbox.get("/healthz")
    assert (health.status, json.loads(health.text)) == (200, {"status": "ok"})
    for path in ("/", "/dashboard", "/mailbox", "/parcels"):
        page = sandbox.get(path)
        assert (page.status, "Sandbox: no real money, no real e-mail" in page.text) == (200, True)


def test_a_fault_refuses_so_many_times(client: stripe.StripeClient, sandbox: Running) -> None:
    order: dict[str, Any] = {"service": "stripe", "path_prefix": "/v1/checkout", "status": 500, "times": 2}
    sandbox.order("/_faults", order)
    assert client.v1.events.list().data == []
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            client.v1.checkout.sessions.create(cart())
        assert caught.value.http_status == 500
    assert client.v1.checkout.sessions.create(cart()).status == "open"
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_rate_limit_is_stripes(client: stripe.StripeClient, sandbox: Running) -> None:
    sandbox.order("/_faults", {"service": "stripe", "status": 429})
    with pytest.raises(stripe.RateLimitError):
        client.v1.events.list()


def test_a_key_in_use_is_a_conflict(client: stripe.StripeClient, sandbox: Running) -> None:
    sandbox.order("/_faults", {"service": "stripe", "delay_s": 1.5})
    options: Any = {"idempotency_key": "attempt-1"}
    slow: list[Any] = []
    thread = threading.Thread(target=lambda: slow.append(client.v1.checkout.sessions.create(cart(), options)))
    thread.start()
    wait_for(lambda: not json.loads(sandbox.get("/_faults").text)["faults"], "the slow request to begin")

    with pytest.raises(stripe.StripeError) as caught:
        client.v1.checkout.sessions.create(cart(), options)
    thread.join()
    assert (caught.value.http_status, caught.value.error.code) == (409, "idempotency_key_in_use")
    assert client.v1.checkout.sessions.create(cart(), options).id == slow[0].id


def test_reset_empties_everything(client: stripe.StripeClient, sandbox: Running) -> None:
    client.v1.checkout.sessions.create(cart())
    sandbox.order("/_clock", {"advance_s": 100})
    sandbox.order("/_reset", {})
    assert client.v1.checkout.sessions.list().data == []
    assert json.loads(sandbox.get("/_clock").text)["ahead_s"] == 0


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/_clock", {"advance_s": -1}),
        ("/_clock", {"advance": 1}),
        ("/_clock", {"advance_s": True}),
        ("/_webhooks/replay", {"event": "evt_nothing", "how": "duplicate"}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(sandbox: Running, path: str, order: dict[str, Any]) -> None:
    page = sandbox.request("POST", path, json.dumps(order).encode(), {"Content-Type": "application/json"})
    assert page.status == 400
    assert json.loads(page.text)["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
    ],
)
def test_other_sites_pull_no_lever(client: stripe.StripeClient, sandbox: Running, headers: dict[str, str]) -> None:
    session = client.v1.checkout.sessions.create(cart())
    form = sandbox.get(f"/pay/{session.id}").form()
    for path, values in (("/_reset", {}), (f"/pay/{session.id}", form)):
        assert sandbox.post(path, values, headers).status == 403
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_its_own_pages_may(sandbox: Running) -> None:
    assert sandbox.post("/_reset", {}, {"Sec-Fetch-Site": "same-origin", "Origin": sandbox.url}).status == 303
    assert sandbox.post("/_reset", {}, {"Origin": sandbox.url}).status == 303

"""A kill -9 loses nothing that was answered: at no vendor, not even in the middle of the rush."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from http.client import HTTPException
from itertools import count
from typing import Any

import cloudinary.uploader
import pytest
import stripe

from .support import Running, Shop, cart, client_of, wait_for
from .vendors import CLOUDINARY, KEY, RESEND, STRIPE, VENDORS, Vendor, account, picture


def kill_and_start(sandbox: Running) -> None:
    sandbox.kill()
    sandbox.start()


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_what_was_answered_is_there_and_is_not_done_twice(own_sandbox: Running, vendor: Vendor) -> None:
    done = vendor.act(own_sandbox)
    kill_and_start(own_sandbox)
    assert vendor.there(own_sandbox) == [done]
    assert vendor.act(own_sandbox) == done and vendor.there(own_sandbox) == [done]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_a_cut_answer_is_there_after_a_kill(own_sandbox: Running, vendor: Vendor) -> None:
    own_sandbox.order("/_faults", {"service": vendor.name, "cut": True})
    with pytest.raises(vendor.lost):
        vendor.act(own_sandbox)
    kill_and_start(own_sandbox)
    (done,) = vendor.there(own_sandbox)
    assert vendor.act(own_sandbox) == done


def test_a_payment_its_refund_and_its_dispute_are_kept(own_sandbox: Running, shop: Shop) -> None:
    client = client_of(own_sandbox)
    session = client.v1.checkout.sessions.create(cart())
    own_sandbox.pay(session)
    intent = str(client.v1.checkout.sessions.retrieve(session.id).payment_intent)
    key: Any = {"idempotency_key": "refund-1"}
    refund = client.v1.refunds.create({"payment_intent": intent, "amount": 300}, key)
    own_sandbox.post(f"/dashboard/charges/{refund.charge}/disputes", {})
    waiting = client.v1.checkout.sessions.create(cart())
    own_sandbox.pay(waiting, payment_method="bank_debit")
    kill_and_start(own_sandbox)

    assert client.v1.refunds.create({"payment_intent": intent, "amount": 300}, key).id == refund.id
    charge: Any = client.v1.charges.retrieve(str(refund.charge))
    assert (charge.amount_refunded, charge.disputed) == (300, True)
    assert [dispute.amount for dispute in client.v1.disputes.list().data] == [3500]
    own_sandbox.post(f"/dashboard/sessions/{waiting.id}/settlement", {"result": "succeed"})
    assert client.v1.checkout.sessions.retrieve(waiting.id).payment_status == "paid"
    wanted = ["charge.dispute.created", "charge.refunded", "checkout.session.async_payment_succeeded"]
    wait_for(lambda: set(wanted) <= set(shop.types()), "every webhook, also after the restart")


def test_a_shop_that_was_away_gets_its_events_after_a_kill(own_sandbox: Running, shop: Shop) -> None:
    client = client_of(own_sandbox)
    shop.failures_to_come = 1_000_000
    made = [client.v1.checkout.sessions.create(cart()).id for _ in range(5)]
    for session_id in made:
        client.v1.checkout.sessions.expire(session_id)
    kill_and_start(own_sandbox)
    shop.received.clear()
    shop.failures_to_come = 0
    wait_for(lambda: len(shop.received) >= 5, "the events", 30)
    assert {event["data"]["object"]["id"] for event in shop.received} == set(made)
    listed = client.v1.events.list().data
    assert [event.data.object["id"] for event in listed] == made[::-1]


def _open(sandbox: Running, number: int) -> str:
    options: Any = {"idempotency_key": f"attempt-{number}"}
    return str(client_of(sandbox).v1.checkout.sessions.create(cart(), options).id)


def _send(sandbox: Running, number: int) -> str:
    letter = {"from": "a@shop.example", "to": "b@example.org", "subject": f"Order {number}", "text": "Hi"}
    page = sandbox.request("POST", "/emails", json.dumps(letter).encode(), {**KEY, "Content-Type": "application/json"})
    return str(json.loads(page.text)["id"])


def _upload(sandbox: Running, number: int) -> str:
    name = f"parts/{number}"
    told = cloudinary.uploader.upload(io.BytesIO(picture(20, 20 + number)), public_id=name, **account(sandbox))
    return str(told["secure_url"].split("/", 3)[3])


def _is_session(sandbox: Running, done: str) -> bool:
    return client_of(sandbox).v1.checkout.sessions.retrieve(done).status == "open"


def _is_mail(sandbox: Running, done: str) -> bool:
    return sandbox.request("GET", f"/emails/{done}", None, KEY).status == 200


def _is_picture(sandbox: Running, done: str) -> bool:
    return sandbox.request("HEAD", f"/{done}").status == 200


RUSH = [(STRIPE.name, _open, _is_session), (RESEND.name, _send, _is_mail), (CLOUDINARY.name, _upload, _is_picture)]


@pytest.mark.parametrize(("name", "act", "is_there"), RUSH, ids=[each[0] for each in RUSH])
def test_killed_in_the_rush_it_keeps_what_it_answered(
    own_sandbox: Running,
    name: str,
    act: Callable[[Running, int], str],
    is_there: Callable[[Running, str], bool],
) -> None:
    numbers, answered, over = count(), [], threading.Event()

    def hurry() -> None:
        while not over.is_set():
            try:
                answered.append(act(own_sandbox, next(numbers)))
            except (OSError, HTTPException, ValueError, stripe.StripeError, cloudinary.exceptions.Error):
                return

    threads = [threading.Thread(target=hurry) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(answered) >= 20, f"{name} to be busy")
    own_sandbox.kill()
    over.set()
    for thread in threads:
        thread.join()
    own_sandbox.start()
    assert [done for done in answered if not is_there(own_sandbox, done)] == []

"""The parcels' page: what its buttons do to what 17TRACK tells, and to what the shop is told."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest

from .support import Running, Shop, cart, client_of, wait_for
from .track17_support import DHL, KEY, UPS, Api, Inbox

MILESTONES = [
    *("InfoReceived", "PickedUp", "Departure", "Arrival", "AvailableForPickup", "OutForDelivery", "Delivered"),
    *("Returning", "Returned"),
]
# fmt: off
STEPS = [
    ("info_received", "InfoReceived", "InfoReceived", "InfoReceived"),
    ("picked_up", "InTransit", "InTransit_PickedUp", "PickedUp"),
    ("in_transit", "InTransit", "InTransit_Other", None),
    ("out_for_delivery", "OutForDelivery", "OutForDelivery_Other", "OutForDelivery"),
    ("available_for_pickup", "AvailableForPickup", "AvailableForPickup_Other", "AvailableForPickup"),
    ("delivered", "Delivered", "Delivered_Other", "Delivered"),
    ("delivery_failure", "DeliveryFailure", "DeliveryFailure_NoBody", None),
    ("exception", "Exception", "Exception_Delayed", None),
    ("returned", "Exception", "Exception_Returned", "Returned"),
]
# fmt: on


@pytest.fixture
def parcel(api: Api, inbox: Inbox) -> Api:
    """A parcel of UPS is registered."""
    inbox.expected = api.number
    api.accepted("register", {"number": api.number, "carrier": UPS, "tag": "10001"})
    return api


def buttons(running: Running) -> dict[str, str]:
    """Return the page's buttons for the only parcel, as a browser finds them: what they say and where they send."""
    found = re.findall(r'<button class="[^"]*" formaction="([^"]+)">([^<]+)</button>', running.get("/parcels").text)
    return {unescape(label): unescape(action) for action, label in found}


def test_nothing_is_known_until_the_carrier_was_heard(parcel: Api) -> None:
    assert parcel.code("gettrackinfo", number=parcel.number) == parcel.code("push", number=parcel.number) == -18019909
    parcel.pass_time(60)
    info = parcel.info(parcel.number)
    assert info["latest_status"] == {"status": "NotFound", "sub_status": "NotFound_Other", "sub_status_descr": None}
    assert info["latest_event"] is None and info["tracking"]["providers"][0]["events"] == []
    assert info["shipping_info"]["shipper_address"]["country"] is None


@pytest.mark.parametrize(("step", "status", "sub_status", "stage"), STEPS)
def test_each_button_tells_its_status(
    parcel: Api, inbox: Inbox, step: str, status: str, sub_status: str, stage: str | None
) -> None:
    parcel.push(parcel.number, UPS, step)
    info = parcel.info(parcel.number)
    assert info["latest_status"] == {"status": status, "sub_status": sub_status, "sub_status_descr": None}
    (event,) = info["tracking"]["providers"][0]["events"]
    assert event == info["latest_event"]
    assert (event["stage"], event["sub_status"], bool(event["description"])) == (stage, sub_status, True)
    assert [stop["key_stage"] for stop in info["milestone"]] == MILESTONES
    reached = [stop for stop in info["milestone"] if stop["time_utc"]]
    assert [(stop["key_stage"], stop["time_iso"]) for stop in reached] == (
        [(stage, event["time_iso"])] if stage else []
    )
    inbox.wait_for(parcel.number, 1)
    assert inbox.statuses(parcel.number) == [sub_status]


def test_a_parcel_expires_without_an_event(parcel: Api, inbox: Inbox) -> None:
    parcel.push(parcel.number, UPS, "picked_up", "expired")
    info = parcel.info(parcel.number)
    assert (info["latest_status"]["status"], info["latest_status"]["sub_status"]) == ("Expired", "Expired_Other")
    assert [event["stage"] for event in info["tracking"]["providers"][0]["events"]] == ["PickedUp"]
    inbox.wait_for(parcel.number, 2)


def test_a_whole_journey_is_told_newest_first_in_the_sandboxs_time(parcel: Api) -> None:
    began = parcel.sandbox.order("/_clock", {"advance_s": 3600})["now"]
    parcel.push(parcel.number, UPS, "info_received")
    for step in ("picked_up", "in_transit", "out_for_delivery", "delivered"):
        parcel.pass_time(24 * 3600)
        parcel.push(parcel.number, UPS, step)
    parcel.pass_time(5 * 24 * 3600)
    info = parcel.info(parcel.number)

    events = info["tracking"]["providers"][0]["events"]
    assert [event["sub_status"] for event in events] == [
        *("Delivered_Other", "OutForDelivery_Other", "InTransit_Other", "InTransit_PickedUp", "InfoReceived"),
    ]
    told = [datetime.fromisoformat(event["time_utc"]) for event in events]
    assert 0 <= told[-1].timestamp() - began < 3600 and told == sorted(told, reverse=True)
    for event in events:
        local = datetime.fromisoformat(event["time_iso"])
        assert local == datetime.fromisoformat(event["time_utc"]) and local.utcoffset() == timedelta(hours=-5)
        assert event["time_raw"] == {
            "date": local.date().isoformat(),
            "time": local.time().isoformat(),
            "timezone": "-05:00",
        }
    assert (events[-1]["location"], events[0]["location"]) == ("PORTLAND, ME, US", "RICHMOND, VA, US")
    assert info["time_metrics"] == {
        "days_after_order": 4,
        "days_of_transit": 3,
        "days_of_transit_done": 3,
        "days_after_last_update": 0,
        "estimated_delivery_date": {"source": None, "from": None, "to": None},
    }
    assert info["tracking"]["providers"][0]["provider"]["key"] == UPS
    assert info["misc_info"]["local_number"] == "" and info["misc_info"]["weight_kg"] is None


def test_days_run_on_until_the_delivery(parcel: Api) -> None:
    parcel.push(parcel.number, UPS, "info_received", "picked_up")
    parcel.pass_time(3 * 24 * 3600)
    metrics = parcel.info(parcel.number)["time_metrics"]
    assert [metrics[name] for name in ("days_after_order", "days_of_transit", "days_of_transit_done")] == [3, 3, 0]
    assert metrics["days_after_last_update"] == 3


def test_what_is_pushed_at_once_still_has_an_order(parcel: Api) -> None:
    parcel.push(parcel.number, UPS, "info_received", "picked_up", "in_transit")
    events = parcel.info(parcel.number)["tracking"]["providers"][0]["events"]
    times = [event["time_utc"] for event in events]
    assert times == sorted(set(times), reverse=True) and len(times) == 3


def test_the_page_shows_every_parcel_and_its_buttons_work(parcel: Api, inbox: Inbox) -> None:
    running = parcel.sandbox
    parcel.accepted("register", {"number": "MY-PARCEL-7", "carrier": DHL, "tag": "<b>7</b>"})
    page = running.get("/parcels")
    assert page.status == 200 and "<script" not in page.text and "&lt;b&gt;7&lt;/b&gt;" in page.text
    assert re.findall(r'data-parcel="([^"]+)"', page.text) == ["MY-PARCEL-7", parcel.number]
    parcel.accepted("deletetrack", {"number": "MY-PARCEL-7"})

    assert list(buttons(running)) == [
        *("Info received", "Picked up", "In transit", "Out for delivery", "Available for pickup", "Delivered"),
        *("Delivery failure", "Problem", "Returned", "Expired", "Stop tracking"),
    ]
    answer = running.post(buttons(running)["Out for delivery"], {})
    assert (answer.status, answer.location) == (303, "/parcels")
    page = running.get("/parcels")
    assert '<span class="status hot">Out for delivery</span>' in page.text and "1 event," in page.text
    inbox.wait_for(parcel.number, 1)
    wait_for(lambda: '<span class="status good">delivered</span>' in running.get("/parcels").text, "the page to know")
    assert "TRACKING_UPDATED" not in running.get("/dashboard").text
    home = running.get("/").text
    assert 'href="/parcels"' in home and "1 registered" in home


def test_tracking_is_stopped_from_the_page(parcel: Api, inbox: Inbox) -> None:
    running = parcel.sandbox
    assert running.post(buttons(running)["Stop tracking"], {}).status == 303
    (event,) = inbox.wait_for(parcel.number, 1)
    data = {"number": parcel.number, "carrier": UPS, "param": None, "tag": "10001"}
    assert event == {"event": "TRACKING_STOPPED", "data": data}
    assert buttons(running) == {} and "Not followed any more." in running.get("/parcels").text
    parcel.push(parcel.number, UPS, "delivered")
    assert running.post(f"/parcels/{parcel.number}/{UPS}/stop", {}).status == 303
    assert parcel.call("gettracklist", {})["data"]["accepted"][0]["package_status"] == "NotFound"
    assert [row["stop_track_reason"] for row in parcel.call("gettracklist", {})["data"]["accepted"]] == ["ByRequest"]


@pytest.mark.parametrize(
    "path", [f"NUMBER/{UPS}/events/stolen", f"NUMBER/{DHL}/events/delivered", f"OTHER/{UPS}/stop", "NUMBER/x/stop"]
)
def test_buttons_nobody_has_are_not_found(parcel: Api, path: str) -> None:
    assert parcel.sandbox.post(f"/parcels/{path.replace('NUMBER', parcel.number)}", {}).status == 404


def test_other_sites_move_no_parcel(parcel: Api) -> None:
    path = buttons(parcel.sandbox)["Delivered"]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert parcel.sandbox.post(path, {}, headers).status == 403
    assert parcel.code("gettrackinfo", number=parcel.number) == -18019909


def test_the_webhook_says_what_the_api_says(parcel: Api, inbox: Inbox) -> None:
    parcel.push(parcel.number, UPS, "picked_up")
    (event,) = inbox.wait_for(parcel.number, 1)
    (told,) = parcel.accepted("gettrackinfo", {"number": parcel.number})
    assert event == {"event": "TRACKING_UPDATED", "data": told}
    assert inbox.refused == [] and not any(b": " in body or b", " in body[:60] for body in inbox.bodies)


def test_a_delivery_is_repeated_until_the_shop_says_200(parcel: Api, inbox: Inbox) -> None:
    inbox.failures_to_come, inbox.status_of_failure = 2, 204
    parcel.push(parcel.number, UPS, "picked_up")
    inbox.wait_for(parcel.number, 1)
    assert inbox.attempts == 3
    row = wait_for(
        lambda: next(
            (row for row in parcel.call("gettracklist", {})["data"]["accepted"] if row["push_status"] == "Success"),
            None,
        ),
        "the list to know",
    )
    assert row["push_status_code"] == 200 and row["push_time"]


def test_a_push_is_repeated_on_demand(parcel: Api, inbox: Inbox) -> None:
    parcel.push(parcel.number, UPS, "delivered")
    inbox.wait_for(parcel.number, 1)
    parcel.accepted("push", {"number": parcel.number, "carrier": UPS})
    inbox.wait_for(parcel.number, 2)
    assert inbox.statuses(parcel.number) == ["Delivered_Other"] * 2


def test_a_shop_that_hangs_on_parcels_still_hears_of_money(parcel: Api, inbox: Inbox, shop: Shop) -> None:
    inbox.open.clear()
    parcel.push(parcel.number, UPS, "picked_up")
    wait_for(lambda: inbox.attempts, "17TRACK's delivery to be under way")
    client = client_of(parcel.sandbox)
    parcel.sandbox.pay(client.v1.checkout.sessions.create(cart()))
    wait_for(lambda: shop.received, "Stripe's webhook")
    assert inbox.bodies == []
    inbox.open.set()
    inbox.wait_for(parcel.number, 1)


def test_a_shop_without_the_route_is_asked_again_and_hears_of_money(parcel: Api, inbox: Inbox, shop: Shop) -> None:
    inbox.failures_to_come, inbox.status_of_failure = 1_000_000, 404
    parcel.push(parcel.number, UPS, "picked_up")
    wait_for(lambda: inbox.attempts >= 2, "the second attempt")
    parcel.sandbox.pay(client_of(parcel.sandbox).v1.checkout.sessions.create(cart()))
    wait_for(lambda: shop.received, "Stripe's webhook")
    assert "last answer 404" in parcel.sandbox.get("/parcels").text


def replay(running: Running, event: str, how: str) -> list[dict[str, Any]]:
    return running.order("/_webhooks/replay", {"event": event, "how": how})["sent"]


@pytest.mark.parametrize("how", ["tampered", "wrong_secret"])
def test_a_bad_replay_is_refused_by_the_signature(parcel: Api, inbox: Inbox, how: str) -> None:
    parcel.push(parcel.number, UPS, "delivered")
    inbox.wait_for(parcel.number, 1)
    assert [answer["status"] for answer in replay(parcel.sandbox, "TRACKING_UPDATED", how)] == [400]
    assert (len(inbox.bodies), len(inbox.refused)) == (1, 1)


def test_replays_duplicate_and_reorder(parcel: Api, inbox: Inbox) -> None:
    parcel.push(parcel.number, UPS, "picked_up", "delivered")
    parcel.accepted("stoptrack", {"number": parcel.number})
    inbox.wait_for(parcel.number, 3)
    first, second, third = list(inbox.bodies)

    (sent,) = replay(parcel.sandbox, "TRACKING_STOPPED", "duplicate")
    assert (sent["type"], sent["status"], inbox.bodies[3:]) == ("TRACKING_STOPPED", 200, [third])
    answers = replay(parcel.sandbox, "TRACKING_UPDATED", "reorder")
    assert [answer["status"] for answer in answers] == [200] * 3
    assert inbox.bodies[4:] == [third, second, first]
    replay(parcel.sandbox, answers[2]["event"], "duplicate")
    assert inbox.bodies[7:] == [first]


def test_what_signs_no_time_is_never_stale(parcel: Api, inbox: Inbox) -> None:
    parcel.push(parcel.number, UPS, "delivered")
    inbox.wait_for(parcel.number, 1)
    order = b'{"event": "TRACKING_UPDATED", "how": "stale"}'
    page = parcel.sandbox.request("POST", "/_webhooks/replay", order, {"Content-Type": "application/json"})
    assert page.status == 400 and "signs no time" in page.text
    assert inbox.attempts == 1


def test_killed_it_brings_the_event_after_the_restart(own_sandbox: Running, inbox: Inbox) -> None:
    api = Api(own_sandbox)
    inbox.expected = api.number
    inbox.failures_to_come = 1_000_000
    api.accepted("register", {"number": api.number, "carrier": UPS})
    api.push(api.number, UPS, "delivered")
    own_sandbox.kill()
    assert inbox.bodies == []
    inbox.failures_to_come = 0
    own_sandbox.start()
    assert api.info(api.number)["latest_status"]["status"] == "Delivered"
    (event,) = inbox.wait_for(api.number, 1)
    assert event["data"]["track_info"]["latest_status"]["status"] == "Delivered"


def test_without_an_address_nothing_is_sent(own_sandbox: Running) -> None:
    own_sandbox.stop()
    own_sandbox.options = ("--track17-key", KEY)
    own_sandbox.start()
    api = Api(own_sandbox)
    api.accepted("register", {"number": api.number, "carrier": UPS})
    api.push(api.number, UPS, "delivered")
    assert api.code("push", number=api.number) == -18010204
    assert "No events yet." in own_sandbox.get("/parcels").text
    (sent,) = replay(own_sandbox, "TRACKING_UPDATED", "duplicate")
    assert (sent["status"], sent["answer"]) == (0, "no address to send it to")

"""17TRACK's API v2.2: registrations, what is refused and how, the limit, and what survives a kill."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any

import pytest

from mountify.sandbox.moving_window import MovingWindow

from .support import Page, Running, wait_for
from .track17_support import CANADA_POST, DHL, FEDEX, KEY, UPS, USPS, Api

NUMBER = "1Z999AA10123456784"


def envelope(page: Page) -> tuple[int, int, str]:
    """Return a refusal's HTTP status, code and sentence; both places of the code agree."""
    body = json.loads(page.text)
    (error,) = body["data"]["errors"]
    assert page.headers["Content-Type"] == "application/json" and error["code"] == body["code"]
    return page.status, body["code"], error["message"]


def test_a_registration_is_answered_as_17track_answers(api: Api) -> None:
    answer = api.call(
        "register", [{"number": NUMBER, "carrier": UPS, "tag": "10001", "unknown": [1]}, {"number": "12"}]
    )
    accepted = {"origin": 2, "number": NUMBER, "carrier": UPS, "email": None, "tag": "10001", "lang": None}
    error = {"code": -18010012, "message": "The format of '12' is invalid."}
    rejected = {"number": "12", "tag": None, "error": error}
    assert answer == {"code": 0, "data": {"accepted": [accepted], "rejected": [rejected]}}


@pytest.mark.parametrize(
    ("item", "carrier", "origin"),
    [
        ({"number": NUMBER}, UPS, 1),
        ({"number": "9400111899223197428490"}, USPS, 1),
        ({"number": "LZ123456789US"}, USPS, 1),
        ({"number": "RR123456789CA"}, CANADA_POST, 1),
        ({"number": "123456789012"}, FEDEX, 3),
        ({"number": "1234567890"}, DHL, 3),
        ({"number": "MY-PARCEL-7", "carrier": DHL}, DHL, 2),
        ({"number": NUMBER, "carrier": FEDEX}, UPS, 1),
        ({"number": NUMBER, "carrier": FEDEX, "auto_detection": False}, FEDEX, 2),
    ],
)
def test_the_carrier_is_confirmed_detected_guessed_or_put_right(
    api: Api, item: dict[str, Any], carrier: int, origin: int
) -> None:
    (accepted,) = api.accepted("register", item)
    assert (accepted["carrier"], accepted["origin"]) == (carrier, origin)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"number": "MY-PARCEL-7"}, -18019903),
        ({"number": "MY-PARCEL-7", "carrier": 999999}, -18019910),
        ({"carrier": UPS}, -18010010),
        ({"number": ""}, -18010010),
        ({"number": "1234"}, -18010012),
        ({"number": "1Z999 AA1"}, -18010012),
        ({"number": "1" * 51}, -18010012),
        ({"number": NUMBER, "tag": "x" * 101}, -18010015),
        ({"number": NUMBER, "lang": "tlh"}, -18010015),
        ({"number": NUMBER, "final_carrier": USPS}, -18010016),
        ({"number": "RR123456789CA", "final_carrier": 999999}, -18019910),
    ],
)
def test_what_17track_cannot_follow_is_rejected(api: Api, item: dict[str, Any], code: int) -> None:
    assert api.code("register", **item) == code
    assert api.call("gettracklist", {})["page"]["data_total"] == 0
    assert api.call("getquota", [])["data"]["quota_used"] == 0


def test_a_number_is_registered_once_for_each_carrier(api: Api) -> None:
    api.accepted("register", {"number": "MY-PARCEL-7", "carrier": DHL})
    assert api.code("register", number="my-parcel-7", carrier=DHL) == -18019901
    twice = [{"number": NUMBER}, {"number": NUMBER}, {"number": "MY-PARCEL-7", "carrier": FEDEX}]
    data = api.call("register", twice)["data"]
    assert [one["number"] for one in data["accepted"]] == [NUMBER, "MY-PARCEL-7"]
    assert data["rejected"][0]["error"] == {
        "code": -18019901,
        "message": f"The tracking number '{NUMBER}' has been registered, don't need to repeat registration.",
    }
    assert [one["carrier"] for one in api.accepted("stoptrack", {"number": "MY-PARCEL-7"})] == [DHL, FEDEX]
    assert api.call("getquota", [])["data"]["quota_used"] == 3


def test_forty_numbers_are_taken_and_forty_one_are_not(api: Api) -> None:
    numbers = [{"number": f"PARCEL-{index}", "carrier": DHL} for index in range(41)]
    refused = api.post("register", json.dumps(numbers).encode())
    assert envelope(refused) == (200, -18010014, "Tracking numbers exceed 40 limit.")
    assert api.call("gettracklist", {})["page"]["data_total"] == 0
    assert len(api.accepted("register", *numbers[:40])) == 40


@pytest.mark.parametrize("name", ["gettrackinfo", "stoptrack", "retrack", "deletetrack", "push"])
def test_who_is_not_registered_is_not_known(api: Api, name: str) -> None:
    api.accepted("register", {"number": NUMBER, "carrier": UPS})
    assert api.code(name, number="MY-PARCEL-7") == -18019902
    assert api.code(name, number=NUMBER, carrier=DHL) == -18019902


def test_tracking_is_stopped_and_begun_again_once(api: Api) -> None:
    api.accepted("register", {"number": NUMBER})
    assert api.code("retrack", number=NUMBER) == -18019904
    assert api.accepted("stoptrack", {"number": NUMBER}) == [{"number": NUMBER, "carrier": UPS}]
    assert api.code("stoptrack", number=NUMBER) == -18019906
    api.accepted("retrack", {"number": NUMBER})
    api.accepted("stoptrack", {"number": NUMBER})
    assert api.code("retrack", number=NUMBER) == -18019905


def test_what_is_deleted_is_gone_and_costs_again(api: Api) -> None:
    api.accepted("register", {"number": NUMBER})
    api.accepted("deletetrack", {"number": NUMBER})
    assert api.code("gettrackinfo", number=NUMBER) == -18019902
    api.accepted("register", {"number": NUMBER, "lang": "de"})
    quota = api.call("getquota", {})["data"]
    assert (quota["quota_used"], quota["today_used"], quota["quota_total"] - quota["quota_remain"]) == (3, 3, 3)
    api.pass_time(24 * 3600)
    quota = api.call("getquota", [])["data"]
    assert (quota["quota_used"], quota["today_used"]) == (3, 0)


def test_the_quota_ends_and_costs_twice_with_a_translation(api: Api) -> None:
    def numbers(prefix: int) -> list[dict[str, Any]]:
        return [{"number": f"PARCEL-{prefix}-{index}", "carrier": DHL, "lang": "de"} for index in range(40)]

    for prefix in range(12):
        api.accepted("register", *numbers(prefix))
    data = api.call("register", numbers(12))["data"]
    assert (len(data["accepted"]), {one["error"]["code"] for one in data["rejected"]}) == (20, {-18019908})
    assert api.call("getquota", [])["data"]["quota_remain"] == 0


def test_a_carrier_is_changed_by_the_vendors_rules(api: Api) -> None:
    number = "MY-PARCEL-7"
    api.accepted("register", {"number": number, "carrier": DHL})
    assert api.code("changecarrier", number=number, carrier_old=DHL, carrier_new=UPS) == -18019808
    api.pass_time(60)
    for item, code in (
        ({}, -18019804),
        ({"carrier_new": 999999}, -18019802),
        ({"carrier_new": DHL}, -18019803),
        ({"carrier_old": UPS, "carrier_new": FEDEX}, -18019805),
        ({"final_carrier_new": USPS}, -18010016),
    ):
        assert api.code("changecarrier", number=number, **item) == code, item
    changed = api.accepted("changecarrier", {"number": number, "carrier_old": DHL, "carrier_new": CANADA_POST})
    assert changed == [{"number": number, "carrier": CANADA_POST}]
    api.pass_time(60)
    api.accepted("changecarrier", {"number": number, "final_carrier_new": USPS})

    api.accepted("register", {"number": number, "carrier": DHL})
    api.pass_time(60)
    assert api.code("changecarrier", number=number, carrier_new=UPS) == -18019801
    assert api.code("changecarrier", number=number, carrier_old=DHL, carrier_new=CANADA_POST) == -18019809
    api.accepted("stoptrack", {"number": number, "carrier": DHL})
    assert api.code("changecarrier", number=number, carrier_old=DHL, carrier_new=FEDEX) == -18019806


def test_a_carrier_is_changed_five_times_at_most(api: Api) -> None:
    api.accepted("register", {"number": "MY-PARCEL-7", "carrier": DHL})
    for carrier in (UPS, DHL, UPS, DHL, UPS):
        api.pass_time(60)
        api.accepted("changecarrier", {"number": "MY-PARCEL-7", "carrier_new": carrier})
    api.pass_time(60)
    assert api.code("changecarrier", number="MY-PARCEL-7", carrier_new=DHL) == -18019807


def test_notes_are_changed(api: Api) -> None:
    api.accepted("register", {"number": NUMBER, "tag": "10001"})
    api.accepted("changeinfo", {"number": NUMBER, "carrier": UPS, "items": {"tag": "10002", "number": "OTHER"}})
    assert api.call("gettracklist", {})["data"]["accepted"][0]["tag"] == "10002"
    assert api.code("changeinfo", number=NUMBER) == api.code("changeinfo", number=NUMBER, items={}) == -18019811
    assert api.code("changeinfo", number=NUMBER, items={"tag": "x" * 101}) == -18010015
    api.accepted("register", {"number": NUMBER, "carrier": DHL, "auto_detection": False})
    assert api.code("changeinfo", number=NUMBER, items={"tag": "10003"}) == -18019810


def test_the_list_is_paged_filtered_and_ordered(api: Api) -> None:
    numbers = [{"number": f"PARCEL-{index:02}", "carrier": DHL} for index in range(40)]
    api.accepted("register", *numbers)
    api.accepted("register", {"number": NUMBER, "tag": "10001", "order_no": "7"})
    api.push(NUMBER, UPS, "picked_up")
    api.accepted("stoptrack", {"number": "PARCEL-07"})

    first = api.call("gettracklist", {"page_no": 1})
    assert first["page"] == {"data_total": 41, "page_total": 2, "page_no": 1, "page_size": 40}
    newest = first["data"]["accepted"][0]
    assert (newest["number"], newest["tag"], newest["order_no"]) == (NUMBER, "10001", "7")
    assert (newest["package_status"], newest["latest_event_info"]) == (
        "InTransit",
        "PORTLAND, ME, US,Picked up by the carrier",
    )

    def listed(**order: Any) -> list[str]:
        return [row["number"] for row in api.call("gettracklist", order)["data"]["accepted"]]

    assert listed(page_no=2) == ["PARCEL-00"] and listed(page_no=3) == []
    assert listed(order_by="RegisterTimeAsc")[0] == "PARCEL-00" and listed(order_by="TrackTimeDesc")[0] == NUMBER
    assert listed(tracking_status="Stopped") == ["PARCEL-07"] and listed(carrier=UPS) == [NUMBER]
    assert listed(package_status="InTransit") == [NUMBER] and listed(number=f"parcel-01,{NUMBER}") == [
        NUMBER,
        "PARCEL-01",
    ]
    assert listed(register_time_from=newest["register_time"]) == [NUMBER]
    assert NUMBER not in listed(register_time_to="2001-01-01T00:00:00Z")
    for order in ({"order_by": "Weight"}, {"page_no": -1}, {"push_time_to": "2001-01-01"}, {"track_time_to": "soon"}):
        assert api.call("gettracklist", order)["code"] == -18010013, order


@pytest.mark.parametrize("key", ["", "WRONG", KEY.lower(), KEY + "0", "\xff"])
def test_a_wrong_key_opens_nothing(api: Api, key: str) -> None:
    api.headers = {"Content-Type": "application/json", **({"17token": key} if key else {})}
    for name in ("register", "getquota", "nothing"):
        assert envelope(api.post(name, b"[]")) == (401, -18010002, "Invalid security key.")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"7",
        b'{"number": "1Z999AA10123456784"}',
        b'["1Z999AA10123456784"]',
        b'[{"number": 1234567890}]',
        b'[{"number": "1Z999AA10123456784", "carrier": "100002"}]',
        b'[{"number": "1Z999AA10123456784", "carrier": true}]',
        b'[{"number": "1Z999AA10123456784", "carrier": 99999999999999999999}]',
        b'[{"number": "1Z999AA10123456784", "tag": "\\ud800"}]',
        b'[{"number": "1Z999AA10123456784", "items": []}]',
        b"[" * 100_000,
    ],
)
def test_a_body_that_makes_no_sense_is_refused_whole(api: Api, body: bytes) -> None:
    for name in ("register", "gettrackinfo"):
        assert envelope(api.post(name, body)) == (400, -18010013, "Invalid submitted data.")
    assert api.call("gettracklist", {})["page"]["data_total"] == 0


def test_json_must_be_called_json_and_a_list_must_hold_something(api: Api) -> None:
    assert envelope(api.post("register", b"[]"))[:2] == (200, -18010013)
    api.headers["Content-Type"] = "text/plain"
    body = json.dumps([{"number": NUMBER}]).encode()
    assert envelope(api.post("register", body))[:2] == (400, -18010013)


def test_a_huge_body_is_not_read(api: Api) -> None:
    body = json.dumps([{"number": NUMBER, "tag": "x" * 2_000_000}]).encode()
    assert envelope(api.post("register", body)) == (413, 413, "Request too large.")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_is_a_method(api: Api, method: str) -> None:
    page = api.sandbox.request(method, "/track/v2.2/register", None, api.headers)
    assert envelope(page) == (405, 405, "Method not allowed.")


@pytest.mark.parametrize("path", ["/track/v2.2/getcarrier", "/track/v1/register", "/track/v2.2/register/1", "/track/x"])
def test_what_is_not_there_is_not_found(api: Api, path: str) -> None:
    assert envelope(api.sandbox.request("POST", path, b"[]", api.headers)) == (404, 404, "Not found.")


def test_three_calls_are_let_through_in_any_second() -> None:
    window = MovingWindow(most=3, seconds=1.0)
    arrivals = (10.0, 10.4, 10.9, 10.95, 10.99, 11.0, 11.3, 11.4, 11.5, 12.0)
    assert [window.admit("a", now) for now in arrivals] == [
        *(True, True, True, False, False),  # the second that began at 10.0 is full
        *(True, False, True, False, True),  # each of the first three makes room a second later
    ]
    assert window.admit("b", 10.5)
    window.forget()
    assert [window.admit("a", 12.0) for _ in range(4)] == [True, True, True, False]


def test_who_calls_too_often_is_told_to_wait(api: Api) -> None:
    def burst() -> list[Page]:
        answers: list[Page] = []

        def ask() -> None:
            answers.append(api.sandbox.request("POST", "/track/v2.2/getquota", b"[]", api.headers))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [page for page in answers if page.status != 200]

    refused = wait_for(burst, "a burst of calls to be too much")
    assert {envelope(page) for page in refused} == {(429, 429, "Too many requests.")}
    assert api.call("getquota", [])["code"] == 0


@pytest.mark.parametrize(("status", "code"), [(401, -18010002), (429, 429), (500, -18010003), (503, -18010003)])
def test_a_fault_speaks_as_17track(api: Api, status: int, code: int) -> None:
    api.sandbox.order("/_faults", {"service": "17track", "path_prefix": "/track/v2.2/register", "status": status})
    assert api.call("getquota", [])["code"] == 0
    assert envelope(api.post("register", b"[]"))[:2] == (status, code)
    api.accepted("register", {"number": NUMBER})


def test_a_cut_registers_and_then_drops_the_connection(api: Api) -> None:
    api.sandbox.order("/_faults", {"service": "17track", "cut": True})
    with pytest.raises((http.client.HTTPException, OSError)):
        api.post("register", json.dumps([{"number": NUMBER}]).encode())
    assert api.code("register", number=NUMBER) == -18019901


def test_a_late_answer_is_late(api: Api) -> None:
    api.sandbox.order("/_faults", {"service": "17track", "delay_s": 0.3})
    began = time.monotonic()
    api.accepted("register", {"number": NUMBER})
    assert time.monotonic() - began >= 0.3


def test_a_reset_empties_it(api: Api) -> None:
    api.accepted("register", {"number": NUMBER})
    api.sandbox.order("/_reset", {})
    assert api.call("gettracklist", {})["page"]["data_total"] == 0
    assert api.call("getquota", [])["data"]["quota_used"] == 0


def test_killed_it_loses_no_answered_registration(own_sandbox: Running) -> None:
    api = Api(own_sandbox)
    for index in range(3):
        api.accepted("register", {"number": f"PARCEL-{index}", "carrier": DHL})
        own_sandbox.kill()
        own_sandbox.start()
    rows = api.call("gettracklist", {"order_by": "RegisterTimeAsc"})["data"]["accepted"]
    assert [row["number"] for row in rows] == ["PARCEL-0", "PARCEL-1", "PARCEL-2"]
    assert api.call("getquota", [])["data"]["quota_used"] == 3

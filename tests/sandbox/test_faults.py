"""Every vendor fails in every way it can, and its own SDK says so."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from mountify.sandbox.store import Store

from .support import Running
from .vendors import CLOUDINARY, RESEND, STRIPE, VENDORS, Vendor

EACH = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)


def fail(sandbox: Running, vendor: Vendor, **how: Any) -> None:
    sandbox.order("/_faults", {"service": vendor.name, "path_prefix": vendor.path, **how})


def waiting(sandbox: Running) -> list[dict[str, Any]]:
    return list(json.loads(sandbox.get("/_faults").text)["faults"])


@EACH
def test_a_status_refuses_before_acting(sandbox: Running, vendor: Vendor) -> None:
    fail(sandbox, vendor, status=500, times=2)
    for _ in range(2):
        with pytest.raises(vendor.failed, match="asked to fail"):
            vendor.act(sandbox)
    assert vendor.there(sandbox) == []
    assert [vendor.act(sandbox)] == vendor.there(sandbox)


@EACH
def test_a_status_after_acting_hides_what_was_done(sandbox: Running, vendor: Vendor) -> None:
    fail(sandbox, vendor, status=500, after=True)
    with pytest.raises(vendor.failed, match="asked to fail"):
        vendor.act(sandbox)
    (done,) = vendor.there(sandbox)
    assert vendor.act(sandbox) == done and vendor.there(sandbox) == [done]


@EACH
def test_a_cut_acts_and_then_drops_the_connection(sandbox: Running, vendor: Vendor) -> None:
    fail(sandbox, vendor, cut=True)
    with pytest.raises(vendor.lost) as caught:
        vendor.act(sandbox)
    assert getattr(caught.value, "error_type", "HttpClientError") == "HttpClientError"
    assert "asked to fail" not in str(caught.value)
    (done,) = vendor.there(sandbox)
    assert vendor.act(sandbox) == done and vendor.there(sandbox) == [done]


@EACH
def test_a_rate_limit_is_the_vendors_own(sandbox: Running, vendor: Vendor) -> None:
    fail(sandbox, vendor, status=429)
    with pytest.raises(Exception) as caught:
        vendor.act(sandbox)
    assert vendor.is_rate_limit(caught.value), repr(caught.value)


@EACH
def test_a_slow_answer_is_still_the_answer(sandbox: Running, vendor: Vendor) -> None:
    fail(sandbox, vendor, delay_s=0.5)
    began = time.monotonic()
    done = vendor.act(sandbox)
    assert time.monotonic() - began >= 0.5
    assert vendor.there(sandbox) == [done]


def test_a_fault_hits_its_own_path_so_many_times(sandbox: Running) -> None:
    sandbox.order("/_faults", {"service": "stripe", "path_prefix": "/v1/refunds", "status": 500, "times": 3})
    sandbox.order("/_faults", {"service": "resend", "status": 500})
    assert STRIPE.act(sandbox) and CLOUDINARY.act(sandbox)
    with pytest.raises(RESEND.failed):
        RESEND.act(sandbox)
    assert RESEND.act(sandbox)
    (left,) = waiting(sandbox)
    assert (left["service"], left["path_prefix"], left["times"], left["after"]) == ("stripe", "/v1/refunds", 3, False)
    assert sandbox.request("DELETE", "/_faults").status == 200 and waiting(sandbox) == []


def test_a_fault_may_hit_one_method_alone(sandbox: Running) -> None:
    sandbox.order("/_faults", {"service": "stripe", "path_prefix": "/v1/checkout", "method": "GET", "status": 500})
    done = STRIPE.act(sandbox)
    assert [fault["method"] for fault in waiting(sandbox)] == ["GET"]
    with pytest.raises(STRIPE.failed):
        STRIPE.there(sandbox)
    assert STRIPE.there(sandbox) == [done]


def test_faults_come_in_the_order_they_were_given(sandbox: Running) -> None:
    fail(sandbox, STRIPE, status=503)
    fail(sandbox, STRIPE, cut=True)
    with pytest.raises(STRIPE.failed, match="asked to fail"):
        STRIPE.act(sandbox)
    with pytest.raises(STRIPE.lost):
        STRIPE.act(sandbox)
    assert len(STRIPE.there(sandbox)) == 1


def test_faults_survive_a_kill(own_sandbox: Running) -> None:
    fail(own_sandbox, RESEND, status=500, times=2)
    own_sandbox.kill()
    own_sandbox.start()
    with pytest.raises(RESEND.failed):
        RESEND.act(own_sandbox)
    assert waiting(own_sandbox)[0]["times"] == 1


def test_a_file_of_an_older_sandbox_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with sqlite3.connect(path) as older:
        older.execute(
            "CREATE TABLE faults (id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, "
            "path_prefix TEXT NOT NULL, status INTEGER, delay_s REAL NOT NULL, cut INTEGER NOT NULL, "
            "times INTEGER NOT NULL)"
        )
        older.execute("INSERT INTO faults (service, path_prefix, delay_s, cut, times) VALUES ('stripe', '', 0, 1, 2)")
    older.close()
    for _ in range(2):
        store = Store(path)
        assert [(fault["cut"], fault["after"]) for fault in store.rows("SELECT * FROM faults")] == [(1, 0)]
        store.close()


@pytest.mark.parametrize(
    "order",
    [
        {"service": "stripe"},
        {"service": "paypal", "status": 500},
        {"service": "stripe", "status": 200},
        {"service": "stripe", "status": True},
        {"service": "stripe", "status": 500, "after": "yes"},
        {"service": "stripe", "cut": True, "after": True},
        {"service": "stripe", "cut": 1},
        {"service": "stripe", "delay_s": True},
        {"service": "stripe", "delay_s": 121},
        {"service": "stripe", "status": 500, "times": 0},
        {"service": "stripe", "status": 500, "times": True},
        {"service": "stripe", "status": 500, "times": 10**20},
        {"service": "stripe", "status": 500, "path_prefix": 7},
        {"service": "stripe", "status": 500, "method": "post"},
        {"service": "stripe", "state": 500},
        [],
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox: Running, order: Any) -> None:
    page = sandbox.request("POST", "/_faults", json.dumps(order).encode(), {"Content-Type": "application/json"})
    assert page.status == 400 and json.loads(page.text)["error"]
    assert waiting(sandbox) == []

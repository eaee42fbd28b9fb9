"""Everything but the outside world dies while a shopper pays: no order is lost, nothing is done twice."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from mountify.embedded.processes import Process, wait_until
from tests.running import mountify
from tests.sandbox.support import Running

from .parts import Shopper
from .test_supervisor import Start, ports, start, var

__all__ = ["ports", "start", "var"]
pytestmark = pytest.mark.xdist_group("signals")


def mails(outside: Running) -> list[dict[str, str]]:
    return list(json.loads(outside.get("/mailbox.json").text))


def test_a_payment_made_while_the_shop_was_dead_becomes_a_confirmed_order(
    start: Start, var: Path, ports: dict[str, str]
) -> None:
    shop = start().wait_until_ready()
    shopper = Shopper(f"http://127.0.0.1:{ports['PORT']}")
    key = shopper.open_checkout(36, 2)
    payment_page = shopper.post("/checkout", email="sam@example.com", checkout_key=key)
    sandbox = Process.find(int((var / "run" / "sandbox.pid").read_text()))
    assert sandbox

    shop.process.kill()
    shop.wait()
    for part in shop.parts():
        if part != sandbox:
            part.send(signal.SIGKILL)
    assert wait_until(lambda: shop.parts() == [sandbox], 20)

    outside = Running(var / "sandbox", "", port=int(ports["SANDBOX_PORT"]))
    paid = outside.post(payment_page.split(ports["SANDBOX_PORT"], 1)[1], _form(outside, payment_page, ports))
    assert paid.status == 303 and "/checkout/success?" in paid.location

    again = start().wait_until_ready()
    assert wait_until(lambda: len(mails(outside)) == 2, 60)
    assert "Your order is confirmed." in shopper.get(paid.location.split(ports["PORT"], 1)[1])
    assert "An empty tray" in shopper.get("/cart")
    told = sorted(mail["to"] for mail in mails(outside))
    assert told == [["help@mountify.example"], ["sam@example.com"]]
    audit = mountify("audit", env=again.env)
    assert audit.stdout == "Every invariant holds.\n"
    assert again.stop() == 0


def _form(outside: Running, payment_page: str, ports: dict[str, str]) -> dict[str, str]:
    return outside.get(payment_page.split(ports["SANDBOX_PORT"], 1)[1]).form()

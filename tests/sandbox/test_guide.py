"""What the guide tells people to type works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import stripe

from .support import Running, Shop, cart, wait_for

GUIDE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")


def test_every_order_in_the_guide_is_accepted(client: stripe.StripeClient, sandbox: Running, shop: Shop) -> None:
    sandbox.pay(client.v1.checkout.sessions.create(cart()))
    wait_for(lambda: shop.received, "the webhook")
    orders = re.findall(r"curl -H \"\$J\" \$S(/\S+) -d '(.+)'", GUIDE)
    assert len(orders) == len(re.findall(r" -d '", GUIDE)) == 8
    for path, order in orders:
        sandbox.order(path, json.loads(order))
        assert sandbox.request("DELETE", "/_faults").status == 200
    for method, path in re.findall(r"curl (?:-X (\w+) )?\$S(/\S+)", GUIDE):
        assert sandbox.request(method or "GET", path).status == 200


def test_every_page_and_way_in_the_guide_is_there(sandbox: Running) -> None:
    for path in re.findall(r"\| `(/\w*)` \|", GUIDE):
        assert sandbox.get(path).status == 200, path
    for how in ("duplicate", "reorder", "tampered", "stale", "wrong_secret"):
        assert f"`{how}`" in GUIDE

"""The sandbox as a real process, a shop that takes its webhooks, a browser without JavaScript, a cart."""

import http.client
import json
import re
import select
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import stripe

SECRET = "whsec_of_the_tests"
GOOGLE_REDIRECTS = (
    "http://127.0.0.1:8000/auth/google/callback",
    "http://127.0.0.1:8000/auth/google/link",
    "http://127.0.0.1:3999/auth/google/callback",  # where the shop of the page tests is
)
DEADLINE_S = 15.0
STARTS_WITHIN_S = 60.0


def wait_for(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Poll until the condition holds and return what it returned."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {deadline_s} s in vain for {what}")


class Receiver(ABC):
    """Take one vendor's webhooks on a free port, answer as told."""

    path: str

    def __init__(self) -> None:
        self.attempts = 0
        self.failures_to_come = 0
        self.thinks_s = 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(receiver.thinks_s)
                self.send_response(receiver.take(payload, self.headers))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{self.path}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @abstractmethod
    def take(self, payload: bytes, headers: Message) -> int:
        """Return the status for one delivery."""

    def is_to_fail(self) -> bool:
        """Say whether this delivery is one of the failures to come."""
        if self.failures_to_come:
            self.failures_to_come -= 1
            return True
        return False

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Shop(Receiver):
    """Take Stripe's webhooks, verify them as the shop does."""

    path = "/webhooks/stripe"

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.last: tuple[str, str] = ("", "")  # payload and signature as they came
        super().__init__()

    def take(self, payload: bytes, headers: Message) -> int:
        self.attempts += 1
        self.last = (payload.decode(), headers["Stripe-Signature"])
        try:
            stripe.Webhook.construct_event(payload, headers["Stripe-Signature"], SECRET)
        except stripe.SignatureVerificationError as error:
            self.refused.append(str(error))
            return 400
        if self.is_to_fail():
            return 503
        self.received.append(json.loads(payload))
        return 200

    def types(self) -> list[str]:
        """Return what kinds of event have arrived."""
        return [event["type"] for event in self.received]


@dataclass
class Page:
    """An answer to a plain browser request, redirects not followed."""

    status: int
    text: str
    headers: http.client.HTTPMessage

    @property
    def location(self) -> str:
        return self.headers["Location"]

    def form(self) -> dict[str, str]:
        """Return what a browser would send for the page's payment form as it is."""
        html = re.search(r"<form id=\"pay-form\".*?</form>", self.text, re.S).group(0)
        values: dict[str, str] = {}
        for tag in re.findall(r"<input[^>]*>", html):
            kind, name = _attribute(tag, "type"), _attribute(tag, "name")
            if kind not in ("radio", "checkbox") or re.search(r"\bchecked\b", tag):
                values[name] = _attribute(tag, "value")
        for name, options in re.findall(r"<select id=\"\w+\" name=\"(\w+)\"[^>]*>(.*?)</select>", html, re.S):
            values[name] = re.search(r"value=\"(\w+)\" selected", options).group(1)
        return values

    def errors(self) -> dict[str, str]:
        """Return the sentence beside each wrong field."""
        found = re.findall(r"<p class=\"err\" id=\"(\w+)-error\">(.*?)</p>", self.text)
        return {name: unescape(sentence) for name, sentence in found}


def _attribute(tag: str, name: str) -> str:
    match = re.search(rf"\b{name}=\"([^\"]*)\"", tag)
    return unescape(match.group(1)) if match else ""


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())


@dataclass
class Running:
    """One sandbox process."""

    data: Path
    webhook_url: str
    port: int = 0
    options: tuple[str, ...] = ()
    inbox: Any = None  # takes 17TRACK's webhooks
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the command and wait for its line."""
        self.port = self.port or _free_port()
        options = ["--port", str(self.port), "--data", str(self.data), "--webhook-url", self.webhook_url]
        options += [part for url in GOOGLE_REDIRECTS for part in ("--google-redirect", url)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mountify.sandbox", *options, *self.options, "--webhook-secret", SECRET],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self.process.stdout is not None
        speaks, _, _ = select.select([self.process.stdout], [], [], STARTS_WITHIN_S)
        assert speaks and "sandbox ready" in self.process.stdout.readline()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self._gone()

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.terminate()
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        self.process = None
        return code

    def request(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Page:
        """Send one request."""
        url = path if path.startswith("http") else f"{self.url}{path}"
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            answer = _OPENER.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(answer.status, answer.read().decode(), answer.headers)

    def get(self, path: str) -> Page:
        return self.request("GET", path)

    def post(self, path: str, values: dict[str, str], headers: dict[str, str] | None = None) -> Page:
        return self.request("POST", path, urllib.parse.urlencode(values).encode(), headers)

    def order(self, path: str, order: dict[str, Any]) -> dict[str, Any]:
        """Pull one of the levers."""
        page = self.request("POST", path, json.dumps(order).encode(), {"Content-Type": "application/json"})
        assert page.status == 200, page.text
        return json.loads(page.text)

    def pay(self, session: Any, **changes: str) -> Page:
        """Send the payment form as it is, but for the changes."""
        form = self.get(f"/pay/{session.id}").form()
        return self.post(f"/pay/{session.id}", {**form, **changes})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def client_of(running: Running, key: str = "sk_test_of_the_tests") -> stripe.StripeClient:
    """Return Stripe's own client, pointed at a sandbox."""
    return stripe.StripeClient(key, base_addresses={"api": running.url}, max_network_retries=0)


def cart(**changes: Any) -> dict[str, Any]:
    """Return the parameters of an ordinary session: $14.00 + 2 × $9.50, two delivery options."""
    params: dict[str, Any] = {
        "mode": "payment",
        "line_items": [_line("Two-angle phone stand", 1400, 1), _line("Cable clip", 950, 2)],
        "success_url": "http://127.0.0.1:8000/checkout/success?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:8000/cart?cancelled=1",
        "client_reference_id": "order-7",
        "metadata": {"order_id": "7"},
        "shipping_address_collection": {"allowed_countries": ["US", "DE"]},
        "phone_number_collection": {"enabled": True},
        "shipping_options": [_rate("Standard", 500), _rate("Express", 1250)],
    }
    params.update(changes)
    return {name: value for name, value in params.items() if value is not None}


def _line(name: str, amount: int, quantity: int) -> dict[str, Any]:
    product = {"name": name, "description": "Made to measure", "metadata": {"product_id": "71"}}
    return {"quantity": quantity, "price_data": {"currency": "usd", "unit_amount": amount, "product_data": product}}


def _rate(name: str, amount: int) -> dict[str, Any]:
    estimate = {"minimum": {"unit": "business_day", "value": 2}, "maximum": {"unit": "business_day", "value": 4}}
    fixed = {"amount": amount, "currency": "usd"}
    data = {"type": "fixed_amount", "display_name": name, "fixed_amount": fixed, "delivery_estimate": estimate}
    return {"shipping_rate_data": data}

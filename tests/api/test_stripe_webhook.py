"""Whatever is posted to the address for Stripe's deliveries: the right answer, and nothing that should not happen."""

from __future__ import annotations

import gzip
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from mountify import db
from mountify.adapters.stripe import StripePayments
from mountify.app import create_app
from mountify.blueprints.webhooks import MOST_BYTES
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors.payments import UnknownSession
from mountify.core.money import from_minor
from mountify.gateways import Gateways
from mountify.models.catalogue import Inventory
from mountify.models.email import Email
from mountify.models.order import Order, OrderEvent
from mountify.models.payment import Payment, WebhookEvent
from mountify.services import webhooks
from mountify.services.wording import format_money
from tests.buyers import SITE, Buyer
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.queries import queries
from tests.signatures import SECRET, digest, signed
from tests.web import ORIGIN, Browser

PATH = "/api/webhooks/stripe"
PREVIOUS = "whsec_that_was_good_yesterday"


@dataclass
class SignedPayments(FakePayments):
    """Sessions of the fake, signatures as the real adapter takes them."""

    def read_webhook(self, payload: bytes, signature: str | None) -> dict[str, Any]:
        return StripePayments("sk_test_only", (SECRET, PREVIOUS)).read_webhook(payload, signature)


@pytest.fixture
def payments() -> FakePayments:
    return SignedPayments()


@pytest.fixture
def session_id(database: None, payments: FakePayments) -> str:
    """A session that waits for its shopper."""
    make_shop()
    buyer = Buyer(payments)
    buyer.add(make_product(stock=5), 2)
    return buyer.session_of(buyer.start())


@pytest.fixture
def unchanged(session_id: str) -> Iterator[None]:
    """Nothing that a shopper or the merchant would notice is another one after the test."""
    before = everything()
    yield
    assert everything() == before


def everything() -> tuple[object, ...]:
    db.release()
    return (
        db.session.execute(select(Order.id, Order.status, Order.paid_session)).all(),
        db.session.execute(select(Inventory.on_hand, Inventory.reserved)).all(),
        db.session.scalars(select(OrderEvent.kind)).all(),
        [db.session.scalar(select(func.count()).select_from(model)) for model in (Email, Payment)],
    )


def event(session_id: str = "cs_test_1", kind: str = "checkout.session.completed", **changes: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "livemode": False,
        "data": {"object": {"id": session_id, "object": "checkout.session"}},
        **changes,
    }


def raw(
    id: str = '"evt_1"',
    type: str = '"customer.created"',
    livemode: str = "false",
    object: str = '{"id": "cs_1"}',
) -> bytes:
    """An event with some of its parts written by hand."""
    parts = f'"id": {id}, "object": "event", "type": {type}, "livemode": {livemode}, "data": {{"object": {object}}}'
    return f"{{{parts}}}".encode()


def padded(size: int) -> bytes:
    body = json.dumps(event("cs_test_padded", "customer.created")).encode()
    return body[:-1] + b" " * (size - len(body)) + b"}"


def post(browser: Browser, delivery: tuple[bytes, str | None], **options: Any) -> TestResponse:
    """Deliver as Stripe does: from elsewhere, without a cookie; and see that no cookie comes back."""
    payload, signature = delivery
    headers = {"Content-Type": "application/json; charset=utf-8", **options.pop("headers", {})}
    if signature is not None:
        headers["Stripe-Signature"] = signature
    answer = browser.client.post(PATH, base_url=ORIGIN, data=payload, headers=headers, **options)
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer


def inbox() -> list[WebhookEvent]:
    db.release()
    return list(db.session.scalars(select(WebhookEvent).order_by(WebhookEvent.id)))


def is_refused(answer: TestResponse, status: int = 400) -> bool:
    """Said so, in a sentence, and kept nothing."""
    assert (answer.status_code, set(answer.get_json())) == (status, {"error"}), answer.get_data()
    assert inbox() == []
    return True


def no_signatures(payload: bytes) -> list[str | None]:
    now = int(time.time())
    return [
        None,
        "",
        "nonsense",
        "t=",
        "t=,v1=",
        "v1=" + "0" * 64,
        f"t={now}",
        f"t={now},v1=" + "0" * 64,
        f"t={now},v1=é",
        f"t={now},v1=",
        f"t={now},v0=" + digest(payload, now),
        f"v1={digest(payload, now)}",
        f"t={now + 1},v1={digest(payload, now)}",
        f"t=x,v1={digest(payload, 'x')}",
        f"t={'9' * 5000},v1={digest(payload, '9' * 5000)}",
        f"t={'9' * 400},v1={digest(payload, '9' * 400)}",
        signed(payload, at=now - 400)[1],
        signed(payload, at=now + 400)[1],
        signed(payload, at=-5)[1],
        signed(payload, secret="whsec_of_mallory")[1],
    ]


@pytest.mark.usefixtures("unchanged")
def test_a_signature_that_is_none_is_refused(browser: Browser) -> None:
    payload = json.dumps(event()).encode()
    for signature in no_signatures(payload):
        assert is_refused(post(browser, (payload, signature))), signature
    assert post(browser, signed(payload)).status_code == 200


@pytest.mark.usefixtures("unchanged")
def test_what_was_changed_on_its_way_is_refused(browser: Browser, session_id: str, payments: FakePayments) -> None:
    payments.pay(session_id)
    payload, signature = signed(event(session_id))
    for tampered in (payload + b" ", payload.replace(b"evt_1", b"evt_2"), payload[:-1], b""):
        assert is_refused(post(browser, (tampered, signature)))


@pytest.mark.usefixtures("unchanged")
def test_while_secrets_change_either_signature_of_several_will_do(browser: Browser) -> None:
    for number, secret in enumerate((SECRET, PREVIOUS), 1):
        payload, now = raw(id=f'"evt_{number}"'), int(time.time())
        others = f"v1={digest(payload, now, 'whsec_of_another')},v0={'0' * 64}"
        assert post(browser, (payload, f"t={now},{others},v1={digest(payload, now, secret)}")).status_code == 200
    assert [stored.event_id for stored in inbox()] == ["evt_1", "evt_2"]


NO_EVENTS = (
    b"",
    b" ",
    b"{",
    b"null",
    b"7",
    b'"evt_1"',
    b"[]",
    b"{}",
    b"checkout.session.completed",
    b"id=evt_1&type=checkout.session.completed",
    b"<event/>",
    raw() + raw(),
    raw()[:-1],
    raw().replace(b'"', b"'"),
    json.dumps(event()).encode("utf-16"),
    json.dumps(event()).encode("utf-16-le"),
    json.dumps(event()).encode("utf-32"),
    json.dumps(event()).encode("utf-8-sig"),
    json.dumps(event(note="Müller"), ensure_ascii=False).encode("latin-1"),
    b"\xff\xfe\x00" + raw(),
    b"\xed\xa0\x80" + raw(),
    gzip.compress(json.dumps(event()).encode()),
    json.dumps({"id": "evt_1", "type": "v1.checkout.session.completed"}).encode(),
    json.dumps({"id": "evt_1", "object": "v2.core.event", "type": "v1.x", "livemode": False}).encode(),
    raw(id="7"),
    raw(id="null"),
    raw(id='""'),
    raw(id='"' + "e" * 256 + '"'),
    raw(id='["evt_1"]'),
    raw(type="7"),
    raw(type='""'),
    raw(type='"' + "t" * 101 + '"'),
    raw(livemode="true"),
    raw(livemode="null"),
    raw(livemode="0"),
    raw(livemode='"false"'),
    json.dumps({name: part for name, part in event().items() if name != "livemode"}).encode(),
    json.dumps(event(data=None)).encode(),
    json.dumps(event(data=[])).encode(),
    json.dumps(event(data={})).encode(),
    raw(object="null"),
    raw(object="[]"),
    raw(object='"cs_1"'),
    raw(object="7"),
)


@pytest.mark.usefixtures("unchanged")
def test_what_stripe_would_not_send_is_refused_although_it_is_signed(browser: Browser) -> None:
    for payload in NO_EVENTS:
        assert is_refused(post(browser, signed(payload))), payload


NOT_TO_BE_KEPT = (
    raw(id='"evt_\\u0000"'),
    raw(type='"customer.\\u0000"'),
    raw(object='{"id": "cs_\\u0000"}'),
    raw(object='{"cs_\\u0000": 1}'),
    raw(id='"evt_\\ud800"'),
    raw(type='"\\udfff"'),
    raw(object='{"name": "\\ud800\\ud800"}'),
    raw(object='{"\\udc00": 1}'),
    raw(object='{"amount": NaN}'),
    raw(object='{"amount": Infinity}'),
    raw(object='{"amount": -Infinity}'),
    raw(object='{"amount": 1e400}'),
    raw(object='{"amount": ' + "9" * 10_000 + "}"),
    raw(object='{"id": "cs_1", "id": "cs_2"}'),
    raw(object='{"a": {"b": 1, "b": 1}}'),
    raw(id='"evt_1", "id": "evt_2"'),
    raw(object="[" * 50_000),
    *(raw(object='{"a": ' + "[" * deep + "]" * deep + "}") for deep in (80, 400, 900, 980, 5_000, 60_000)),
)


@pytest.mark.usefixtures("unchanged")
def test_what_no_database_can_keep_is_refused(browser: Browser) -> None:
    for payload in NOT_TO_BE_KEPT:
        assert is_refused(post(browser, signed(payload))), payload[:200]


OTHERS_BUSINESS = (
    raw(object='{"name": "M\\u00fcller \\ud83d\\ude00 \\\\u0000", "amount": ' + "9" * 4_000 + "}"),
    raw(object='{"a": ' + "[" * 20 + "]" * 20 + "}"),
    json.dumps(event("cs_1", "customer.created", note="Müller 😀"), ensure_ascii=False).encode(),
    raw(type='"' + "t" * 100 + '"', id='"' + "e" * 255 + '"'),
    raw(type='"checkout.session.completed"', object="{}"),
    raw(type='"checkout.session.completed"', object='{"id": 7}'),
    raw(type='"checkout.session.completed"', object='{"id": ["cs_1"]}'),
    b"\r\n " + raw() + b"\r\n",
)


@pytest.mark.usefixtures("unchanged")
def test_what_is_none_of_our_business_is_stored_and_done(browser: Browser, payments: FakePayments) -> None:
    for payload in OTHERS_BUSINESS:
        assert post(browser, signed(payload)).get_json() == {"received": True}, payload
        (stored,) = inbox()
        assert stored.payload == json.loads(payload)
        webhooks.process(stored.id, payments=payments, site=SITE, now=utcnow())
        assert inbox()[0].processed_at is not None
        db.session.delete(inbox()[0])
        db.session.commit()


@pytest.mark.usefixtures("unchanged")
def test_the_body_is_read_as_it_came_whatever_it_calls_itself(browser: Browser) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""):
        headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
        assert post(browser, signed(raw(id=f'"{kind}_"')), headers=headers).status_code == 200
    assert len(inbox()) == 4


@pytest.mark.usefixtures("unchanged")
def test_a_delivery_may_be_256_kb_and_not_a_byte_more(browser: Browser) -> None:
    assert is_refused(post(browser, signed(padded(MOST_BYTES + 1))), 413)
    assert is_refused(post(browser, signed(padded(20 * MOST_BYTES))), 413)
    assert post(browser, signed(padded(MOST_BYTES))).status_code == 200


def chunked(payload: bytes) -> dict[str, Any]:
    """As a server hands over a body whose length it was not told."""
    terminated = {"wsgi.input": io.BytesIO(payload), "wsgi.input_terminated": True}
    return {"environ_overrides": {**terminated, "HTTP_TRANSFER_ENCODING": "chunked"}}


@pytest.mark.usefixtures("unchanged")
def test_a_body_in_chunks_is_bounded_like_any_other(browser: Browser) -> None:
    for size, status in ((MOST_BYTES + 1, 413), (2 * MOST_BYTES, 413), (MOST_BYTES, 200)):
        payload, signature = signed(padded(size))
        assert post(browser, (b"", signature), **chunked(payload)).status_code == status
    assert len(inbox()) == 1


@pytest.mark.usefixtures("unchanged")
def test_a_body_that_ends_early_is_refused(browser: Browser) -> None:
    payload, signature = signed(raw())
    assert is_refused(post(browser, (payload, signature), environ_overrides={"CONTENT_LENGTH": "999"}))


@pytest.mark.usefixtures("unchanged")
def test_deliveries_are_posted(browser: Browser) -> None:
    payload, signature = signed(raw())
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        answer = browser.client.open(
            PATH, method=method, base_url=ORIGIN, data=payload, headers={"Stripe-Signature": signature}
        )
        assert answer.status_code == 405 and "POST" in answer.headers["Allow"], method
        assert inbox() == [] and "Set-Cookie" not in answer.headers


@pytest.mark.usefixtures("unchanged")
def test_an_id_that_came_before_is_acknowledged_and_changes_nothing(browser: Browser) -> None:
    assert post(browser, signed(event("cs_test_first", "customer.created"))).status_code == 200
    assert post(browser, signed(event("cs_test_other"))).get_json() == {"received": True}
    (stored,) = inbox()
    assert stored.type == "customer.created" and stored.payload["data"]["object"]["id"] == "cs_test_first"


@pytest.mark.usefixtures("unchanged")
def test_an_event_of_a_session_nobody_knows_is_kept_and_says_why_it_waits(
    browser: Browser, payments: FakePayments
) -> None:
    assert post(browser, signed(event("cs_test_unknown"))).status_code == 200
    (stored,) = inbox()
    with pytest.raises(UnknownSession):
        webhooks.process(stored.id, payments=payments, site=SITE, now=utcnow())
    (stored,) = inbox()
    assert (stored.processed_at, stored.attempts, stored.error) == (None, 1, "unknown_session")


@pytest.mark.usefixtures("unchanged")
def test_what_an_event_says_of_money_counts_for_nothing(
    browser: Browser, session_id: str, run_jobs: Callable[[], int]
) -> None:
    """Stripe is asked; there the session is open."""
    claimed = {"id": session_id, "payment_status": "paid", "status": "complete", "amount_total": 1, "currency": "eur"}
    assert post(browser, signed(event(data={"object": claimed}))).status_code == 200
    assert run_jobs() == 1
    assert inbox()[0].processed_at is not None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount_total": 1}, "another amount"),
        ({"currency": "eur"}, "another amount"),
        ({"currency": "jpy"}, "another amount"),
        ({"order_id": 424242}, "another order"),
        ({"order_id": None}, "another order"),
    ],
)
def test_a_payment_that_does_not_fit_is_written_down_and_sells_nothing(
    browser: Browser, session_id: str, payments: FakePayments, run_jobs: Callable[[], int],
    changes: dict[str, Any], reason: str,
) -> None:  # fmt: skip
    payments.pay(session_id, **changes)
    assert post(browser, signed(event(session_id))).status_code == 200
    assert run_jobs() == 1
    db.release()
    rows = db.session.execute(select(OrderEvent.kind, OrderEvent.data).order_by(OrderEvent.id)).all()
    paid = payments.sessions[session_id]
    amount = format_money(from_minor(paid.amount_total, paid.currency), paid.currency.upper())
    assert [tuple(row) for row in rows][1:] == [
        ("payment_unsettled", {"amount": amount, "reason": reason, "session": session_id}),
        ("cancelled", {"reason": "payment does not fit"}),
    ]
    assert db.session.scalars(select(Order.status)).all() == ["cancelled"]
    assert db.session.execute(select(Inventory.on_hand, Inventory.reserved)).all() == [(5, 0)]
    assert db.session.scalars(select(Email.id)).all() == [] and inbox()[0].processed_at is not None


def test_neither_redis_nor_cookie_nor_token_is_needed(
    session_id: str, config: Config, gateways: Gateways, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    """A port where nothing listens stands for a Redis that is gone."""
    lonely = Browser(create_app(replace(config, redis_url="redis://127.0.0.1:1/0", rate_limits=True), gateways))
    payments.pay(session_id)
    from_elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert post(lonely, signed(event(session_id)), headers=from_elsewhere).status_code == 200
    while run_jobs():
        pass
    db.release()
    assert db.session.scalars(select(Order.status)).all() == ["paid"]


@pytest.mark.usefixtures("unchanged")
def test_a_cookie_that_comes_along_is_neither_read_nor_answered(browser: Browser) -> None:
    for cookie in ("x" * 43, "short", ""):
        browser.client.set_cookie("mountify", cookie, domain="127.0.0.1")
        payload, signature = signed(raw())
        asked = queries(lambda delivery=(payload, "none"): post(browser, delivery))  # type: ignore[misc]
        assert asked == []
        assert post(browser, (payload, signature)).status_code == 200


def test_deliveries_are_not_limited(session_id: str, config: Config, gateways: Gateways, app: object) -> None:
    limited = Browser(create_app(replace(config, rate_limits=True), gateways))
    for number in range(61):
        assert post(limited, signed(raw(id=f'"evt_{number}"'))).status_code == 200
    assert len(inbox()) == 61


def test_an_order_that_was_paid_stays_paid_whatever_is_told_later(
    browser: Browser, session_id: str, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    payments.pay(session_id)
    kinds = ("completed", "expired", "async_payment_failed", "completed", "async_payment_succeeded")
    for number, kind in enumerate(kinds):
        told = event(session_id, f"checkout.session.{kind}", id=f"evt_{number}")
        assert post(browser, signed(told)).status_code == 200
    while run_jobs():
        pass
    db.release()
    assert db.session.scalars(select(Order.status)).all() == ["paid"]
    assert db.session.scalar(text("SELECT count(*) FROM webhook_events WHERE processed_at IS NULL")) == 0
    assert sorted(db.session.scalars(select(Email.kind))) == ["confirmed", "merchant"]

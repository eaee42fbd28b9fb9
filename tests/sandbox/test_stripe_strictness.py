"""What Stripe refuses before it does anything: every edge of a parameter, of a key, of the form encoding."""

import json
import threading
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .support import Page, Running, cart

AUTH = {"Authorization": "Bearer sk_test_x"}
FORM = {**AUTH, "Content-Type": "application/x-www-form-urlencoded"}
PRICE = "line_items[0][price_data]"


def refused(client: stripe.StripeClient, **changes: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(cart(**changes))
    return caught.value


def line(amount: object, currency: str = "usd", **product: Any) -> dict[str, Any]:
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Hook", **product}}
    return {"quantity": 1, "price_data": price}


def form(*pairs: tuple[str, str]) -> bytes:
    """A session's form with some pairs more."""
    body = [("mode", "payment"), ("success_url", "http://127.0.0.1/ok"), ("line_items[0][quantity]", "1")]
    body += [(f"{PRICE}[currency]", "usd"), (f"{PRICE}[unit_amount]", "700"), (f"{PRICE}[product_data][name]", "A")]
    return urlencode([*body, *pairs]).encode()


def post(sandbox: Running, body: bytes, path: str = "/v1/checkout/sessions", **headers: str) -> Page:
    return sandbox.request("POST", path, body, {**FORM, **headers})


def error(page: Page) -> dict[str, Any]:
    return dict(json.loads(page.text)["error"])


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (-1, "parameter_invalid_integer"),
        ("9.99", "parameter_invalid_integer"),
        ("1e3", "parameter_invalid_integer"),
        (" 900", "parameter_invalid_integer"),
        ("९००", "parameter_invalid_integer"),
        (100_000_000, "parameter_invalid_integer"),
        (10**30, "parameter_invalid_integer"),
        ("", "parameter_invalid_integer"),
    ],
)
def test_an_amount_is_a_whole_number_of_the_smallest_unit(
    client: stripe.StripeClient, amount: object, code: str
) -> None:
    answer = refused(client, line_items=[line(amount)])
    assert (answer.param, answer.code) == (f"{PRICE}[unit_amount]", code)


@pytest.mark.parametrize(
    ("currency", "least", "words"),
    [
        ("usd", 50, "$0.50 usd"),
        ("gbp", 30, "£0.30 gbp"),
        ("jpy", 50, "50 jpy"),
        ("huf", 17_500, "175.00 huf"),
        ("pln", 200, "2.00 pln"),
        ("aed", 200, "2.00 aed"),
    ],
)
def test_each_currency_has_its_least_amount(client: stripe.StripeClient, currency: str, least: int, words: str) -> None:
    answer = refused(client, line_items=[line(least - 1, currency)], shipping_options=None)
    assert answer.code == "amount_too_small" and words in str(answer.user_message)
    session = client.v1.checkout.sessions.create(cart(line_items=[line(least, currency)], shipping_options=None))
    assert session.amount_total == least


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_what_has_become_whole_is_counted_in_hundredths_without_fractions(
    client: stripe.StripeClient, sandbox: Running, currency: str
) -> None:
    """https://docs.stripe.com/currencies#special-cases"""
    rate = dict(cart()["shipping_options"][0]["shipping_rate_data"])
    delivery = [{"shipping_rate_data": {**rate, "fixed_amount": {"amount": 150_050, "currency": currency}}}]
    answers = [
        refused(client, line_items=[line(400_050, currency)], shipping_options=None),
        refused(client, line_items=[line(400_000, currency)], shipping_options=delivery),
    ]
    assert [answer.param for answer in answers] == [
        f"{PRICE}[unit_amount]",
        "shipping_options[0][shipping_rate_data][fixed_amount][amount]",
    ]
    session = client.v1.checkout.sessions.create(cart(line_items=[line(400_000, currency)], shipping_options=None))
    assert f"4,000.00 {currency.upper()}" in sandbox.get(f"/pay/{session.id}").text
    assert sandbox.pay(session).status == 303
    intent = str(client.v1.checkout.sessions.retrieve(session.id).payment_intent)
    with pytest.raises(stripe.InvalidRequestError, match="evenly divisible by 100") as caught:
        client.v1.refunds.create({"payment_intent": intent, "amount": 150})
    answers.append(caught.value)
    assert {(answer.http_status, answer.code) for answer in answers} == {
        (400, "invalid_charge_amount_no_decimal_compatible")
    }
    assert client.v1.refunds.create({"payment_intent": intent, "amount": 100}).amount == 100


def test_the_total_has_eight_digits_at_most(client: stripe.StripeClient) -> None:
    lines = [line(60_000_000), line(40_000_000)]
    assert refused(client, line_items=lines, shipping_options=None).code == "amount_too_large"


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"line_items": [line(900)] * 101}, "line_items", None),
        ({"shipping_options": cart()["shipping_options"] * 3}, "shipping_options", None),
        ({"client_reference_id": "r" * 201}, "client_reference_id", None),
        ({"metadata": {f"k{number}": "v" for number in range(51)}}, "metadata", None),
        ({"metadata": {"k" * 41: "v"}}, "metadata", None),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        ({"metadata": "text"}, "metadata", None),
        ({"metadata": {"a": {"b": "c"}}}, "metadata[a]", None),
        ({"success_url": "shop.example/thanks"}, "success_url", "url_invalid"),
        ({"cancel_url": "//shop.example/cart"}, "cancel_url", "url_invalid"),
        ({"cancel_url": "javascript:alert(1)"}, "cancel_url", "url_invalid"),
        ({"mode": ["payment"]}, "mode", None),
        ({"line_items": {"first": line(900)}}, "line_items", None),
        ({"line_items": [line(900, images=["https://a.example/a.jpg"] * 9)]}, f"{PRICE}[product_data][images]", None),
        ({"shipping_address_collection": {"allowed_countries": ["US", "USA"]}},
         "shipping_address_collection[allowed_countries][1]", None),
        ({"shipping_address_collection": {"allowed_countries": ["IR"]}},
         "shipping_address_collection[allowed_countries][0]", None),
        ({"expires_at": "tomorrow"}, "expires_at", "parameter_invalid_integer"),
        ({"phone_number_collection": {"enabled": "yes"}}, "phone_number_collection[enabled]", None),
        ({"payment_intent_data": {"metdata": {"a": "b"}}}, "payment_intent_data[metdata]", "parameter_unknown"),
    ],
)  # fmt: skip
def test_every_edge_is_named_by_its_place(
    client: stripe.StripeClient, changes: dict[str, Any], param: str, code: str | None
) -> None:
    answer = refused(client, **changes)
    assert (answer.http_status, answer.param, answer.code) == (400, param, code)
    assert client.v1.checkout.sessions.list().data == []


def test_the_longest_that_is_allowed_is_allowed(client: stripe.StripeClient) -> None:
    metadata = {f"{number:02d}" + "k" * 38: "v" * 500 for number in range(50)}
    lines = [line(900) for _ in range(100)]
    session = client.v1.checkout.sessions.create(
        cart(line_items=lines, metadata=metadata, client_reference_id="r" * 200)
    )
    assert session.metadata.to_dict() == metadata
    assert len(list(client.v1.checkout.sessions.line_items.list(session.id).auto_paging_iter())) == 100


def test_a_misspelt_name_is_answered_with_the_right_one(client: stripe.StripeClient) -> None:
    answer = refused(client, custmer_email="ann@example.org")
    assert answer.user_message == "Received unknown parameter: custmer_email. Did you mean customer_email?"
    both = refused(client, foo="1", bar="2").user_message
    assert both in ("Received unknown parameters: foo, bar", "Received unknown parameters: bar, foo")


def test_of_equal_names_the_last_counts(sandbox: Running) -> None:
    page = post(sandbox, form(("client_reference_id", "first"), ("client_reference_id", "last")))
    assert json.loads(page.text)["client_reference_id"] == "last"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (form(("metadata[a]", "1"), ("metadata", "2")), "metadata"),
        (form(("metadata", "2"), ("metadata[a]", "1")), "metadata[a]"),
        (form(("metadata[a", "1")), "metadata[a"),
        (form(("[metadata]", "1")), "[metadata]"),
        (form(("", "1")), None),
        (form(("line_items[²][quantity]", "1")), "line_items"),
        (form(("a" + "[b]" * 3000, "1")), "a" + "[b]" * 66 + "["),
        (b"mode=%ff%fe", None),
        (b"mode=\xff\xfe", None),
        (b"&".join(b"metadata[%d]=1" % number for number in range(10_001)), None),
    ],
)
def test_malformed_bodies_are_refused_in_stripes_shape(sandbox: Running, body: bytes, param: str | None) -> None:
    for headers in ({}, {"Idempotency-Key": "k"}):
        page = post(sandbox, body, **headers)
        assert (page.status, error(page)["type"], error(page).get("param")) == (400, "invalid_request_error", param)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.one_of(TEXT, st.sampled_from(["metadata", "line_items", "expand", "expires_at", "mode"]))
PAIRS = st.lists(st.tuples(st.builds(lambda head, keys: head + "".join(f"[{key}]" for key in keys), NAMES,
                                     st.lists(TEXT, max_size=3)), TEXT), max_size=6)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=PAIRS)
def test_whatever_is_sent_is_answered_or_refused(sandbox: Running, pairs: list[tuple[str, str]]) -> None:
    page = post(sandbox, form(*pairs), **{"Idempotency-Key": "fuzz"} if len(pairs) % 2 else {})
    assert page.status in (200, 400) and ("error" in json.loads(page.text)) == (page.status == 400), page.text
    listed = sandbox.request("GET", "/v1/events?" + urlencode(pairs), None, AUTH)
    assert listed.status in (200, 400, 404), listed.text


@pytest.mark.parametrize("version", ["tomorrow", "2026-13", "2099-01-01", "2026-10-28.endive!", ""])
def test_an_api_version_that_does_not_exist_is_refused(sandbox: Running, version: str) -> None:
    page = sandbox.request("GET", "/v1/events", None, {**AUTH, "Stripe-Version": version})
    assert (page.status, error(page)["message"]) == (400, f"Invalid Stripe API version: {version}")


def test_a_key_belongs_to_one_endpoint(client: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": "attempt-1"}
    session = client.v1.checkout.sessions.create(cart(), options)
    with pytest.raises(stripe.IdempotencyError, match="can only be used for the same endpoint") as caught:
        client.v1.checkout.sessions.expire(session.id, None, options)
    assert caught.value.http_status == 400
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


@pytest.mark.parametrize("key", ["k" * 256, ""])
def test_a_key_has_1_to_255_characters(sandbox: Running, key: str) -> None:
    page = post(sandbox, form(), **{"Idempotency-Key": key})
    assert (page.status, "255" in error(page)["message"]) == (400, True)
    assert post(sandbox, form(), **{"Idempotency-Key": "k" * 255}).status == 200


def test_of_ten_at_once_with_one_key_one_acts(client: stripe.StripeClient, sandbox: Running) -> None:
    sandbox.order("/_faults", {"service": "stripe", "delay_s": 3, "times": 10})
    answers: list[Page] = []

    def ask() -> None:
        answers.append(post(sandbox, form(), **{"Idempotency-Key": "attempt-1"}))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refusals = [error(page) for page in answers if page.status == 409]
    assert len(refusals) == 9
    assert {(refusal["type"], refusal["code"]) for refusal in refusals} == {
        ("idempotency_error", "idempotency_key_in_use")
    }
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_key_means_nothing_when_nothing_is_written(sandbox: Running) -> None:
    for path in ("/v1/events", "/v1/checkout/sessions"):
        page = sandbox.request("GET", path, None, {**AUTH, "Idempotency-Key": "k"})
        assert page.status == 200
    assert post(sandbox, form(), **{"Idempotency-Key": "k"}).status == 200


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "created[around]=1", "colour=red",
                                   "starting_after=a&ending_before=b", "status=lost"])  # fmt: skip
def test_lists_take_only_what_they_know(sandbox: Running, query: str) -> None:
    page = sandbox.request("GET", f"/v1/checkout/sessions?{query}", None, AUTH)
    assert (page.status, error(page)["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("path", ["checkout/sessions/cs_x", "checkout/sessions/cs_x/line_items", "payment_intents/pi_x",
                                  "charges/ch_x", "refunds/re_x", "events/evt_x", "disputes/du_x"])  # fmt: skip
def test_an_unknown_id_is_a_404(sandbox: Running, path: str) -> None:
    page = sandbox.request("GET", f"/v1/{path}", None, AUTH)
    assert (page.status, error(page)["code"]) == (404, "resource_missing")

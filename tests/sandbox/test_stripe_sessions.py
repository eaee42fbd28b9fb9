"""Stripe's own SDK passes and fails where it must."""

import json
import time
from typing import Any

import pytest
import stripe

from .support import Running, cart, client_of

HOUR = 3600
COUNTRIES = "shipping_address_collection"
PRICE = "line_items[0][price_data]"
DATA = "payment_intent_data"


def refused(client: stripe.StripeClient, **changes: Any) -> stripe.InvalidRequestError:
    """Return Stripe's refusal of a session with these changes."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(cart(**changes))
    return caught.value


def test_a_session_answers_what_was_asked(client: stripe.StripeClient, sandbox: Running) -> None:
    session = client.v1.checkout.sessions.create(cart(customer_email="ann@example.org", locale="en"))

    assert session.id.startswith("cs_test_")
    assert session.url == f"http://localhost:{sandbox.port}/pay/{session.id}"
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.currency) == (3300, 3800, "usd")
    assert session.total_details.amount_shipping == session.shipping_cost.amount_total == 500
    assert session.client_reference_id == "order-7"
    assert session.metadata["order_id"] == "7"
    assert session.customer_details.email == session.customer_email == "ann@example.org"
    assert session.livemode is False
    assert session.ui_mode == "hosted_page"
    assert session.payment_method_types == ["card", "us_bank_account"]
    assert session.expires_at - session.created == 24 * HOUR
    assert client.v1.checkout.sessions.retrieve(session.id).to_dict() == session.to_dict()


def test_line_items_come_back_in_order_and_in_pages(client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(cart())

    first = client.v1.checkout.sessions.line_items.list(session.id, {"limit": 1})
    rest = client.v1.checkout.sessions.line_items.list(session.id, {"starting_after": first.data[0].id})

    assert first.has_more is True
    assert rest.has_more is False
    lines = [(item.description, item.quantity, item.amount_total) for item in [*first.data, *rest.data]]
    assert lines == [("Two-angle phone stand", 1, 1400), ("Cable clip", 2, 1900)]


def test_expand_gives_line_items_and_products_in_full(client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(cart(expand=["line_items"]))
    assert session.line_items.data[0].price.unit_amount == 1400

    found = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items.data.price.product"]})
    assert found.line_items.data[0].price.product.metadata["product_id"] == "71"
    assert "line_items" not in client.v1.checkout.sessions.retrieve(session.id).to_dict()

    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(session.id, {"expand": ["shop"]})


def test_sessions_are_listed_newest_first_and_by_status(client: stripe.StripeClient) -> None:
    made = [client.v1.checkout.sessions.create(cart()).id for _ in range(3)]
    client.v1.checkout.sessions.expire(made[1])

    listed = client.v1.checkout.sessions.list({"limit": 2})
    assert [session.id for session in listed.data] == made[:0:-1]
    assert listed.has_more is True
    every = client.v1.checkout.sessions.list({"limit": 1}).auto_paging_iter()
    assert [session.id for session in every] == made[::-1]
    assert [session.id for session in client.v1.checkout.sessions.list({"status": "expired"}).data] == [made[1]]


def test_an_open_session_expires_once(client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(cart())

    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    assert client.v1.checkout.sessions.retrieve(session.id).url is None
    with pytest.raises(stripe.InvalidRequestError, match=r'status in \["open"\]') as caught:
        client.v1.checkout.sessions.expire(session.id)
    assert caught.value.http_status == 400


def test_an_unknown_session_is_a_404(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.retrieve("cs_test_nobody")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"custmer_email": "a@example.org"}, "custmer_email", "parameter_unknown"),
        ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
        (
            {"shipping_address_collection": {"countries": ["US"]}},
            "shipping_address_collection[countries]",
            "parameter_unknown",
        ),
        ({"mode": None}, "mode", "parameter_missing"),
        ({"success_url": None}, "success_url", "parameter_missing"),
        ({"line_items": None}, "line_items", "parameter_missing"),
        ({"success_url": "/done"}, "success_url", "url_invalid"),
        ({"customer_email": "nobody"}, "customer_email", "email_invalid"),
        ({"customer_email": ""}, "customer_email", "email_invalid"),
        ({"cancel_url": ""}, "cancel_url", "parameter_invalid_empty"),
        ({"mode": "barter"}, "mode", None),
        ({"ui_mode": "hosted"}, "ui_mode", None),
        ({"locale": "xx"}, "locale", None),
        (
            {"shipping_address_collection": {"allowed_countries": ["XX"]}},
            "shipping_address_collection[allowed_countries][0]",
            None,
        ),
        ({"metadata": {"k" * 41: "v"}}, "metadata", None),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        ({"allowed_payment_method_types": ["sepa_debit"]}, "allowed_payment_method_types", None),
        (
            {"payment_intent_data": {"shipping": {"name": "A", "address": {"line1": "1"}}}},
            "payment_intent_data[shipping]",
            None,
        ),
        ({"discounts": [{"coupon": "x"}]}, "discounts", "sandbox_unsupported"),
    ],
)
def test_what_stripe_refuses_is_refused(
    client: stripe.StripeClient, changes: dict[str, Any], param: str, code: str | None
) -> None:
    error = refused(client, **changes)
    assert (error.http_status, error.param, error.code) == (400, param, code)


@pytest.mark.parametrize(
    ("line", "param"),
    [
        ({"quantity": 0}, "line_items[0][quantity]"),
        ({"quantity": "two"}, "line_items[0][quantity]"),
        ({"price_data": {"unit_amount": -1}}, f"{PRICE}[unit_amount]"),
        ({"price_data": {"unit_amount": "9.99"}}, f"{PRICE}[unit_amount]"),
        ({"price_data": {"currency": "xyz"}}, f"{PRICE}[currency]"),
        ({"price_data": {"product_data": {"name": ""}}}, f"{PRICE}[product_data][name]"),
        ({"price_data": {"product_data": {"description": "x"}}}, f"{PRICE}[product_data][name]"),
        (
            {"price_data": {"product_data": {"name": "A", "images": ["x.jpg"]}}},
            f"{PRICE}[product_data][images][0]",
        ),
        ({"price_data": {"colour": "red"}}, f"{PRICE}[colour]"),
    ],
)
def test_a_bad_line_is_named_by_its_place(client: stripe.StripeClient, line: dict[str, Any], param: str) -> None:
    price = {"currency": "usd", "unit_amount": 900, "product_data": {"name": "A"}, **line.get("price_data", {})}
    error = refused(client, line_items=[{"quantity": line.get("quantity", 1), "price_data": price}])
    assert error.param == param


def test_a_total_below_the_minimum_is_refused(client: stripe.StripeClient) -> None:
    line = {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 49, "product_data": {"name": "A"}}}
    assert refused(client, line_items=[line], shipping_options=None).code == "amount_too_small"


def test_lines_and_delivery_share_one_currency(client: stripe.StripeClient) -> None:
    lines = cart()["line_items"]
    lines[1]["price_data"]["currency"] = "eur"
    assert refused(client, line_items=lines).param == "line_items[1][price_data][currency]"

    rate = {"display_name": "Standard", "fixed_amount": {"amount": 500, "currency": "eur"}}
    place = "shipping_options[0][shipping_rate_data][fixed_amount][currency]"
    assert refused(client, shipping_options=[{"shipping_rate_data": rate}]).param == place


def test_expires_at_lies_between_30_minutes_and_24_hours(client: stripe.StripeClient) -> None:
    now = int(time.time())
    assert refused(client, expires_at=now + 29 * 60).param == "expires_at"
    assert refused(client, expires_at=now + 24 * HOUR + 60).param == "expires_at"
    session = client.v1.checkout.sessions.create(cart(expires_at=now + 35 * 60))
    assert session.expires_at == now + 35 * 60


def test_an_older_api_version_keeps_its_names(client: stripe.StripeClient) -> None:
    old = {"stripe_version": "2025-09-30.clover"}
    params = cart(payment_method_types=["card"], ui_mode="hosted")
    session = client.v1.checkout.sessions.create(params, old)
    assert session.payment_method_types == ["card"]


def test_the_same_key_gives_the_same_session(client: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": "attempt-1"}
    first = client.v1.checkout.sessions.create(cart(), options)
    again = client.v1.checkout.sessions.create(cart(), options)

    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_the_same_key_with_other_parameters_is_refused(client: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": "attempt-1"}
    session = client.v1.checkout.sessions.create(cart(), options)
    with pytest.raises(stripe.IdempotencyError) as caught:
        client.v1.checkout.sessions.create(cart(client_reference_id="order-8"), options)
    assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.expire(session.id, None, options)


def test_a_repeat_is_answered_when_its_expiry_has_come_too_near(client: stripe.StripeClient, sandbox: Running) -> None:
    params = cart(expires_at=int(time.time()) + 35 * 60)
    options: Any = {"idempotency_key": "attempt-1"}
    first = client.v1.checkout.sessions.create(params, options)
    sandbox.order("/_clock", {"advance_s": 10 * 60})

    assert client.v1.checkout.sessions.create(params, options).id == first.id
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(params, {"idempotency_key": "attempt-2"})
    assert caught.value.param == "expires_at"


def test_a_refused_parameter_does_not_use_up_the_key(client: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": "attempt-1"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(cart(mode="barter"), options)
    assert client.v1.checkout.sessions.create(cart(), options).status == "open"


def test_keys_are_forgotten_after_a_day(client: stripe.StripeClient, sandbox: Running) -> None:
    options: Any = {"idempotency_key": "attempt-1"}
    first = client.v1.checkout.sessions.create(cart(), options)
    sandbox.order("/_clock", {"advance_s": 24 * HOUR + 1})
    assert client.v1.checkout.sessions.create(cart(), options).id != first.id


@pytest.mark.parametrize("key", ["sk_live_1234567890abcdef", "pk_test_1234567890abcdef", "sk_test_"])
def test_only_secret_test_keys_are_let_in(sandbox: Running, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError) as caught:
        client_of(sandbox, key).v1.checkout.sessions.list()
    assert caught.value.http_status == 401
    assert key not in caught.value.user_message or len(key) <= 12


def test_a_request_without_key_is_told_to_bring_one(sandbox: Running) -> None:
    page = sandbox.get("/v1/checkout/sessions")
    assert page.status == 401
    assert json.loads(page.text)["error"]["type"] == "invalid_request_error"


def test_basic_authorization_works_too(sandbox: Running) -> None:
    page = sandbox.request("GET", "/v1/events", headers={"Authorization": "Basic c2tfdGVzdF9iYXNpYzo="})
    assert page.status == 200


def test_json_bodies_and_unknown_addresses_are_refused(sandbox: Running) -> None:
    headers = {"Authorization": "Bearer sk_test_x", "Content-Type": "application/json"}
    assert "content type" in sandbox.request("POST", "/v1/checkout/sessions", b"{}", headers).text
    page = sandbox.request("GET", "/v1/coupons", headers=headers)
    assert page.status == 404
    assert "Unrecognized request URL" in page.text


def test_brackets_without_numbers_are_lists(sandbox: Running) -> None:
    pairs = (
        "mode=payment&success_url=http://127.0.0.1/ok&line_items[][quantity]=1&line_items[][price_data][currency]=usd"
        "&line_items[][price_data][unit_amount]=700&line_items[][price_data][product_data][name]=A"
        "&line_items[][quantity]=2&line_items[][price_data][currency]=usd&line_items[][price_data][unit_amount]=100"
        "&line_items[][price_data][product_data][name]=B"
    )
    headers = {"Authorization": "Bearer sk_test_x", "Content-Type": "application/x-www-form-urlencoded"}
    page = sandbox.request("POST", "/v1/checkout/sessions", pairs.encode(), headers)
    assert json.loads(page.text).get("amount_total") == 900, page.text

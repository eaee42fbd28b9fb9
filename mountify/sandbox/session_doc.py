"""Build a session object, with every field Stripe answers."""

from typing import Any

from .ids import new_id
from .store import Doc
from .stripe_params import Params

_DAY_S = 24 * 3600
_NULL_NAMES = """
adaptive_pricing after_expiration allow_promotion_codes billing_address_collection branding_settings client_secret
consent consent_collection currency_conversion customer customer_account invoice invoice_creation optional_items
origin_context payment_intent payment_link payment_method_configuration_details permissions presentment_details
recovered_from return_url saved_payment_method_options setup_intent submit_type subscription wallet_options cancel_url
client_reference_id customer_email locale shipping_address_collection name_collection
"""
_NOTHING_YET = _NULL_NAMES.split()


def build_session(params: Params, now: int, public_url: str) -> tuple[Doc, list[Doc]]:
    """Return the session and the products and shipping rates that come with it."""
    session_id = new_id("cs_test_a1")
    items, products = _line_items(params["line_items"], now)
    rates = [_shipping_rate(option["shipping_rate_data"], now) for option in params.get("shipping_options", ())]
    subtotal = sum(item["amount_subtotal"] for item in items)
    shipping = rates[0]["fixed_amount"]["amount"] if rates else 0
    email = params.get("customer_email")
    session: Doc = {
        **dict.fromkeys(_NOTHING_YET),
        **{name: params[name] for name in _ECHOED if name in params},
        "id": session_id,
        "object": "checkout.session",
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": subtotal,
        "amount_total": subtotal + shipping,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
        "created": now,
        "currency": items[0]["currency"],
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer_creation": "if_required",
        "customer_details": _customer(email) if email else None,
        "discounts": [],
        "excluded_payment_method_types": params.get("excluded_payment_method_types"),
        "expires_at": params.get("expires_at", now + _DAY_S),
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": params["_methods"],
        "payment_status": "unpaid",
        "phone_number_collection": params.get("phone_number_collection", {"enabled": False}),
        "shipping_cost": _shipping_cost(rates[0]) if rates else None,
        "shipping_options": [
            {"shipping_amount": rate["fixed_amount"]["amount"], "shipping_rate": rate["id"]} for rate in rates
        ],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": shipping, "amount_tax": 0},
        "ui_mode": params.get("ui_mode", "hosted_page"),
        "url": f"{public_url}/pay/{session_id}",
        "_line_items": items,
        "_payment_intent_data": params.get("payment_intent_data", {}),
    }
    return session, [*products, *rates]


_ECHOED = (
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "locale",
    "shipping_address_collection",
    "submit_type",
    "success_url",
)


def _customer(email: str) -> Doc:
    names = ("address", "business_name", "individual_name", "name", "phone", "tax_ids")
    return {**dict.fromkeys(names), "email": email, "tax_exempt": "none"}


def _shipping_cost(rate: Doc) -> Doc:
    amount = rate["fixed_amount"]["amount"]
    return {"amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "shipping_rate": rate["id"]}


def _line_items(lines: list[Params], now: int) -> tuple[list[Doc], list[Doc]]:
    items, products = [], []
    for line in lines:
        price, quantity = line["price_data"], line["quantity"]
        product = _product(price["product_data"], now)
        total = price["unit_amount"] * quantity
        items.append(
            {
                "id": new_id("li"),
                "object": "item",
                "adjustable_quantity": None,
                "amount_discount": 0,
                "amount_subtotal": total,
                "amount_tax": 0,
                "amount_total": total,
                "currency": price["currency"],
                "description": product["name"],
                "metadata": line.get("metadata", {}),
                "price": _price(price, product["id"], now),
                "quantity": quantity,
            }
        )
        products.append(product)
    return items, products


def _price(data: Params, product_id: str, now: int) -> Doc:
    return {
        "id": new_id("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": data["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product_id,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": data["unit_amount"],
        "unit_amount_decimal": str(data["unit_amount"]),
    }


def _product(data: Params, now: int) -> Doc:
    empty: dict[str, Any] = {"description": None, "images": [], "metadata": {}, "tax_code": None, "unit_label": None}
    return {
        "id": new_id("prod")[:19],
        "object": "product",
        "active": False,
        "created": now,
        "default_price": None,
        "livemode": False,
        "marketing_features": [],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "type": "service",
        "updated": now,
        "url": None,
        **empty,
        **data,
    }


def _shipping_rate(data: Params, now: int) -> Doc:
    estimate = data.get("delivery_estimate")
    return {
        "id": new_id("shr"),
        "object": "shipping_rate",
        "active": True,
        "created": now,
        "delivery_estimate": {"maximum": None, "minimum": None, **estimate} if estimate else None,
        "display_name": data["display_name"],
        "fixed_amount": {"amount": data["fixed_amount"]["amount"], "currency": data["fixed_amount"]["currency"]},
        "livemode": False,
        "metadata": data.get("metadata", {}),
        "tax_behavior": "unspecified",
        "tax_code": data.get("tax_code"),
        "type": "fixed_amount",
    }

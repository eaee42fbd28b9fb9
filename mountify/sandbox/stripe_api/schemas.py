"""The parameters of `POST /v1/checkout/sessions`, field by field, for the API version of the installed SDK.

From https://docs.stripe.com/api/checkout/sessions/create; what the sandbox does not play is named, so that a misspelt
name and an unplayed one are told apart.
"""

from mountify.sandbox.countries import COUNTRIES
from mountify.sandbox.stripe_params import (
    Boolean,
    Choice,
    Currency,
    Email,
    Field,
    Integer,
    ListOf,
    Metadata,
    Struct,
    Text,
    Unsupported,
    Url,
)

# The methods the sandbox can play: cards, and one bank debit per currency.
BANK_DEBITS = {
    "usd": "us_bank_account",
    "eur": "sepa_debit",
    "gbp": "bacs_debit",
    "cad": "acss_debit",
    "aud": "au_becs_debit",
}
_METHOD_NAMES = """
acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie bizum blik
boleto card cashapp crypto customer_balance eps fpx giropay grabpay ideal kakao_pay klarna konbini kr_card link mb_way
mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix promptpay
revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint upi us_bank_account wechat_pay
zip
"""
_METHODS = tuple(_METHOD_NAMES.split())
METHODS = ListOf(Choice(_METHODS))
_LOCALE_NAMES = """
auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru
sk sl sv th tr vi zh zh-HK zh-TW
"""
_LOCALES = tuple(_LOCALE_NAMES.split())
_OFF: tuple[dict[str, str], ...] = ({"enabled": "false"},)
_COUNTRY = Choice(tuple(COUNTRIES))
_TAX_BEHAVIOR = Choice(("unspecified",), unsupported=("exclusive", "inclusive"))

_PRODUCT_DATA = Struct(
    {
        "name": Text(),
        "description": Text(40_000),
        "images": ListOf(Url(2048), most=8),
        "metadata": Metadata(),
        "tax_code": Text(),
        "tax_details": Unsupported(),
        "unit_label": Text(12),
    },
    required=("name",),
)
_PRICE_DATA = Struct(
    {
        "currency": Currency(),
        "unit_amount": Integer(),
        "unit_amount_decimal": Unsupported(),
        "product": Unsupported(),
        "product_data": _PRODUCT_DATA,
        "recurring": Unsupported(),
        "tax_behavior": _TAX_BEHAVIOR,
    },
    required=("currency",),
)
LINE_ITEMS = ListOf(
    Struct(
        {
            "adjustable_quantity": Unsupported(_OFF),
            "dynamic_tax_rates": Unsupported(),
            "metadata": Metadata(),
            "price": Unsupported(),
            "price_data": _PRICE_DATA,
            "quantity": Integer(1, 999_999),
            "tax_rates": Unsupported(),
        }
    )
)

_BOUND = Struct(
    {"unit": Choice(("business_day", "day", "hour", "month", "week")), "value": Integer(1)}, required=("unit", "value")
)
_FIXED_AMOUNT = Struct(
    {"amount": Integer(), "currency": Currency(), "currency_options": Unsupported()}, required=("amount", "currency")
)
_SHIPPING_RATE_DATA = Struct(
    {
        "delivery_estimate": Struct({"minimum": _BOUND, "maximum": _BOUND}),
        "display_name": Text(100),
        "fixed_amount": _FIXED_AMOUNT,
        "metadata": Metadata(),
        "tax_behavior": _TAX_BEHAVIOR,
        "tax_code": Text(),
        "type": Choice(("fixed_amount",)),
    },
    required=("display_name",),
)
_SHIPPING_OPTION = Struct({"shipping_rate": Unsupported(), "shipping_rate_data": _SHIPPING_RATE_DATA})

_ADDRESS = Struct(
    {
        "city": Text(),
        "country": _COUNTRY,
        "line1": Text(),
        "line2": Text(),
        "postal_code": Text(),
        "state": Text(),
    },
    required=("line1",),
)
_PAYMENT_SHIPPING = Struct(
    {"address": _ADDRESS, "carrier": Text(), "name": Text(), "phone": Text(), "tracking_number": Text()},
    required=("address", "name"),
)
_PAYMENT_INTENT_DATA = Struct(
    {
        "application_fee_amount": Unsupported(),
        "capture_method": Choice(("automatic", "automatic_async"), unsupported=("manual",)),
        "description": Text(1000),
        "metadata": Metadata(),
        "on_behalf_of": Unsupported(),
        "receipt_email": Email(),
        "setup_future_usage": Unsupported(),
        "shipping": _PAYMENT_SHIPPING,
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
        "transfer_data": Unsupported(),
        "transfer_group": Unsupported(),
    }
)

_UNPLAYED = (
    "after_expiration",
    "branding_settings",
    "currency",
    "custom_fields",
    "custom_text",
    "customer",
    "customer_account",
    "customer_update",
    "discounts",
    "integration_identifier",
    "optional_items",
    "origin_context",
    "payment_method_collection",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "permissions",
    "redirect_on_completion",
    "return_url",
    "saved_payment_method_options",
    "setup_intent_data",
    "subscription_data",
    "wallet_options",
)

SESSION: dict[str, Field] = {
    **{name: Unsupported() for name in _UNPLAYED},
    "adaptive_pricing": Unsupported(_OFF),
    "allow_promotion_codes": Unsupported(("false",)),
    "allowed_payment_method_types": METHODS,
    "automatic_tax": Unsupported(_OFF),
    "billing_address_collection": Choice(("auto", "required")),
    "cancel_url": Url(),
    "client_reference_id": Text(200),
    "consent_collection": Unsupported(),
    "customer_creation": Choice(("if_required",), unsupported=("always",)),
    "customer_email": Email(),
    "excluded_payment_method_types": METHODS,
    "expand": ListOf(Text(500)),
    "expires_at": Integer(0, 99_999_999_999),
    "invoice_creation": Unsupported(_OFF),
    "line_items": LINE_ITEMS,
    "locale": Choice(_LOCALES),
    "managed_payments": Unsupported(_OFF),
    "metadata": Metadata(),
    "mode": Choice(("payment",), unsupported=("setup", "subscription")),
    "name_collection": Unsupported(),
    "payment_intent_data": _PAYMENT_INTENT_DATA,
    "phone_number_collection": Struct({"enabled": Boolean()}, required=("enabled",)),
    "shipping_address_collection": Struct(
        {"allowed_countries": ListOf(_COUNTRY, most=300)}, required=("allowed_countries",)
    ),
    "shipping_options": ListOf(_SHIPPING_OPTION, most=5),
    "submit_type": Choice(("auto", "book", "donate", "pay", "subscribe")),
    "success_url": Url(),
    "tax_id_collection": Unsupported(_OFF),
    "ui_mode": Choice(("hosted_page",), unsupported=("elements", "embedded_page", "form")),
}

# Before the breaking release of 2026-09-30 the names were these.
ENDIVE = "2026-09-30"
OLD_SESSION: dict[str, Field] = {
    **{name: kind for name, kind in SESSION.items() if name != "allowed_payment_method_types"},
    "payment_method_types": METHODS,
    "ui_mode": Choice(("hosted", "hosted_page"), unsupported=("custom", "elements", "embedded", "embedded_page")),
}

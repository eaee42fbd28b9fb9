"""What Stripe asks of a session beyond the shape of each field."""

from mountify.sandbox.money import format_amount
from mountify.sandbox.stripe_currencies import refuse_fractions
from mountify.sandbox.stripe_errors import ParamError
from mountify.sandbox.stripe_params import Params

from .schemas import BANK_DEBITS

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
_MINIMUM = {
    "aed": 200, "bgn": 100, "czk": 1_500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17_500, "mxn": 1_000, "myr": 200,
    "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1_000,
}  # fmt: skip
_DEFAULT_MINIMUM = 50
_SHORTEST_S = 30 * 60
_LONGEST_S = 24 * 3600


def check_rules(params: Params, now: int) -> None:
    """Raise ParamError for what Stripe would refuse."""
    _check_required(params)
    currency = _check_lines(params["line_items"])
    _check_shipping(params, currency)
    _check_expiry(params.get("expires_at"), now)
    _check_total(params, currency)
    params["_methods"] = _methods(params, currency)


def _check_required(params: Params) -> None:
    for name in ("line_items", "success_url"):
        if not params.get(name):
            raise ParamError(f"Missing required param: {name}.", name, "parameter_missing")


def _check_lines(lines: list[Params]) -> str:
    currencies = []
    for number, line in enumerate(lines):
        place = f"line_items[{number}]"
        price = line.get("price_data")
        if price is None:
            raise ParamError(f"Missing required param: {place}[price].", f"{place}[price]", "parameter_missing")
        for name in ("product_data", "unit_amount"):
            if name not in price:
                missing = f"{place}[price_data][{name}]"
                raise ParamError(f"Missing required param: {missing}.", missing, "parameter_missing")
        if "quantity" not in line:
            raise ParamError(f"Quantity is required. Add `quantity` to `{place}`", f"{place}[quantity]")
        currencies.append(price["currency"])
        if price["currency"] != currencies[0]:
            raise ParamError(
                "You may only specify one currency for the line items of a Checkout Session.",
                f"{place}[price_data][currency]",
            )
        refuse_fractions(price["unit_amount"], price["currency"], f"{place}[price_data][unit_amount]")
    return str(currencies[0])


def _check_shipping(params: Params, currency: str) -> None:
    if "shipping_address_collection" in params and "shipping" in params.get("payment_intent_data", {}):
        raise ParamError(
            "You cannot collect a shipping address with `shipping_address_collection` when "
            "`payment_intent_data[shipping]` is given.",
            "payment_intent_data[shipping]",
        )
    for number, option in enumerate(params.get("shipping_options", ())):
        place = f"shipping_options[{number}][shipping_rate_data]"
        rate = option.get("shipping_rate_data")
        if rate is None:
            raise ParamError(f"Missing required param: {place}.", place, "parameter_missing")
        if "fixed_amount" not in rate:
            missing = f"{place}[fixed_amount]"
            raise ParamError(f"Missing required param: {missing}.", missing, "parameter_missing")
        if rate["fixed_amount"]["currency"] != currency:
            raise ParamError(
                f"The shipping rate's currency must be the session's currency ({currency}).",
                f"{place}[fixed_amount][currency]",
            )
        refuse_fractions(rate["fixed_amount"]["amount"], currency, f"{place}[fixed_amount][amount]")


def _check_expiry(expires_at: int | None, now: int) -> None:
    if expires_at is None:
        return
    if expires_at < now + _SHORTEST_S:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise ParamError(message, "expires_at")
    if expires_at > now + _LONGEST_S:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise ParamError(message, "expires_at")


def _check_total(params: Params, currency: str) -> None:
    total = sum(line["price_data"]["unit_amount"] * line["quantity"] for line in params["line_items"])
    for option in params.get("shipping_options", ())[:1]:
        total += option["shipping_rate_data"]["fixed_amount"]["amount"]
    least = _MINIMUM.get(currency, _DEFAULT_MINIMUM)
    if total < least:
        amount = format_amount(least, currency).removesuffix(f" {currency.upper()}")
        message = f"The Checkout Session's total amount due must add up to at least {amount} {currency}"
        raise ParamError(message, "line_items", "amount_too_small")
    if total > 99_999_999:
        message = "The Checkout Session's total amount due must be no more than 99999999."
        raise ParamError(message, "line_items", "amount_too_large")


def _methods(params: Params, currency: str) -> list[str]:
    """Return what the page offers: dynamic methods, filtered; or the older explicit list."""
    dynamic = ["card", *([BANK_DEBITS[currency]] if currency in BANK_DEBITS else [])]
    listed = params.get("payment_method_types")
    if listed is not None:
        for number, method in enumerate(listed):
            if method not in dynamic:
                raise ParamError(
                    f"The payment method type provided: {method} is invalid for a {currency} session of the sandbox. "
                    f"It offers: {', '.join(dynamic)}.",
                    f"payment_method_types[{number}]",
                )
        return list(dict.fromkeys(listed))
    allowed = params.get("allowed_payment_method_types", dynamic)
    excluded = params.get("excluded_payment_method_types", ())
    offered = [method for method in dynamic if method in allowed and method not in excluded]
    if not offered:
        raise ParamError(
            "No valid payment method types for this Checkout Session. Please ensure that the allowed types are "
            f"compatible with your chosen currency ({currency}).",
            "allowed_payment_method_types",
        )
    return offered

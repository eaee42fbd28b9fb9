"""Read and check the form of the hosted page: a sentence for every field that is wrong."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from .countries import COUNTRIES, NEEDS_STATE, NO_POSTAL_CODE
from .payment_doc import Buyer, Method
from .store import Doc

Values = dict[str, str]
Errors = dict[str, str]
ADDRESS = ("name", "line1", "line2", "city", "state", "postal_code", "country")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>.]+(\.[^@\s<>.]+)+")
_EXAMPLES = {
    "US": ("510 Townsend Street", "San Francisco", "CA", "94103"),
    "CA": ("100 Queen Street West", "Toronto", "ON", "M5H 2N2"),
    "AU": ("1 Macquarie Street", "Sydney", "NSW", "2000"),
    "GB": ("10 Baker Street", "London", "", "NW1 6XE"),
    "DE": ("Friedrichstrasse 100", "Berlin", "", "10117"),
    "FR": ("10 Rue de Rivoli", "Paris", "", "75004"),
}


@dataclass(frozen=True)
class Asked:
    """Which parts of the form this session asks for."""

    countries: tuple[str, ...]
    phone: bool
    full_billing: bool
    rates: tuple[str, ...]
    methods: tuple[str, ...]

    @property
    def shipping(self) -> bool:
        """Say whether a delivery address is asked for."""
        return bool(self.countries)


def asked_by(session: Doc) -> Asked:
    """Return what the session asks for."""
    collection = session["shipping_address_collection"]
    return Asked(
        countries=tuple(collection["allowed_countries"]) if collection else (),
        phone=session["phone_number_collection"]["enabled"],
        full_billing=bool(collection) or session["billing_address_collection"] == "required",
        rates=tuple(option["shipping_rate"] for option in session["shipping_options"]),
        methods=tuple(session["payment_method_types"]),
    )


def example(session: Doc, now: int) -> Values:
    """Return a form that pays when it is sent as it is."""
    asked = asked_by(session)
    country = "US" if not asked.countries or "US" in asked.countries else asked.countries[0]
    line1, city, state, postal_code = _EXAMPLES.get(country, ("1 Example Street", "Exampleton", "", "10000"))
    address = {
        "name": "Jenny Rosen",
        "line1": line1,
        "line2": "",
        "city": city,
        "state": state,
        "postal_code": "" if country in NO_POSTAL_CODE else postal_code,
        "country": country,
    }
    return {
        "email": session["customer_email"] or "jenny@example.com",
        "phone": "+1 201 555 0123",
        **{f"shipping_{name}": value for name, value in address.items()},
        **{f"billing_{name}": value for name, value in address.items()},
        "billing_same": "1",
        "shipping_rate": asked.rates[0] if asked.rates else "",
        "payment_method": "card" if "card" in asked.methods else "bank_debit",
        "card_number": "4242 4242 4242 4242",
        "card_expiry": f"12 / {(datetime.fromtimestamp(now, UTC).year + 3) % 100:02d}",
        "card_cvc": "123",
    }


def read(session: Doc, form: Values, now: int) -> tuple[Buyer | None, Method | None, Errors]:
    """Return who pays and how, or what is wrong with the form."""
    asked = asked_by(session)
    values = {name: value.strip() for name, value in form.items()}
    errors: Errors = {}
    email = session["customer_email"] or values.get("email", "")
    if not _EMAIL.fullmatch(email):
        errors["email"] = "Enter an e-mail address such as jenny@example.com."
    phone = _phone(values, errors) if asked.phone else None
    shipping = _address(values, "shipping", asked.countries, errors) if asked.shipping else None
    if asked.shipping and values.get("billing_same"):
        billing = shipping or {}
    elif asked.full_billing:
        billing = _address(values, "billing", tuple(COUNTRIES), errors)
    else:
        billing = _short_address(values, errors)
    rate = values.get("shipping_rate") or None
    if asked.rates and rate not in asked.rates:
        errors["shipping_rate"] = "Choose a delivery option."
    method = _method(values, asked, errors, now)
    if errors or method is None:
        return None, None, errors
    return Buyer(email, phone, billing, shipping, rate), method, {}


def _phone(values: Values, errors: Errors) -> str:
    phone = re.sub(r"[\s().-]", "", values.get("phone", ""))
    if not re.fullmatch(r"\+[1-9]\d{6,14}", phone):
        errors["phone"] = "Enter a phone number with its country code, such as +1 201 555 0123."
    return phone


def _address(values: Values, prefix: str, countries: tuple[str, ...], errors: Errors) -> Doc:
    get = {name: values.get(f"{prefix}_{name}", "") for name in ADDRESS}
    country = get["country"]
    for name, sentence in (
        ("name", "Enter a full name."),
        ("line1", "Enter the street and house number."),
        ("city", "Enter the city."),
    ):
        if not get[name]:
            errors[f"{prefix}_{name}"] = sentence
    if country not in countries:
        errors[f"{prefix}_country"] = "Choose a country from the list."
    if country in NEEDS_STATE and not get["state"]:
        errors[f"{prefix}_state"] = "Enter the state or province."
    _check_postal_code(get["postal_code"], country, f"{prefix}_postal_code", errors)
    address = {name: get[name] or None for name in ("city", "country", "line1", "line2", "postal_code", "state")}
    return {"address": address, "name": get["name"]}


def _short_address(values: Values, errors: Errors) -> Doc:
    """Read what Stripe asks of a card when the shop wants no billing address: name, country, postal code."""
    name, country = values.get("billing_name", ""), values.get("billing_country", "")
    postal_code = values.get("billing_postal_code", "")
    if not name:
        errors["billing_name"] = "Enter a full name."
    if country not in COUNTRIES:
        errors["billing_country"] = "Choose a country from the list."
    _check_postal_code(postal_code, country, "billing_postal_code", errors)
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {"address": {**address, "country": country, "postal_code": postal_code or None}, "name": name}


def _check_postal_code(code: str, country: str, field: str, errors: Errors) -> None:
    if country == "US" and not re.fullmatch(r"\d{5}(-\d{4})?", code):
        errors[field] = "Enter a ZIP code of five digits, such as 94103."
    elif not code and country not in NO_POSTAL_CODE:
        errors[field] = "Enter the postal code."


def _method(values: Values, asked: Asked, errors: Errors, now: int) -> Method | None:
    chosen = values.get("payment_method", "card" if "card" in asked.methods else "")
    debits = [method for method in asked.methods if method != "card"]
    if chosen == "bank_debit" and debits:
        return Method(debits[0])
    if chosen != "card" or "card" not in asked.methods:
        errors["payment_method"] = "Choose how to pay."
        return None
    number = re.sub(r"[\s-]", "", values.get("card_number", ""))
    brand = _brand(number)
    if not re.fullmatch(r"[0-9]{12,19}", number) or not _luhn(number):
        errors["card_number"] = "This card number is not valid."
    month, year = _expiry(values.get("card_expiry", ""), errors, now)
    digits = 4 if brand == "amex" else 3
    if not re.fullmatch(rf"[0-9]{{{digits}}}", values.get("card_cvc", "")):
        errors["card_cvc"] = f"Enter the {digits} digits of the security code."
    return Method("card", brand, number[-4:], month, year)


def _brand(number: str) -> str:
    for pattern, brand in (("4", "visa"), (r"5[1-5]|2[2-7]", "mastercard"), (r"3[47]", "amex"), (r"6", "discover")):
        if re.match(pattern, number):
            return brand
    return "unknown"


def _luhn(number: str) -> bool:
    doubled = [int(digit) * 2 for digit in number[-2::-2]]
    return (sum(map(int, number[-1::-2])) + sum(value - 9 * (value > 9) for value in doubled)) % 10 == 0


def _expiry(text: str, errors: Errors, now: int) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,2})\s*/?\s*(?:20)?(\d{2})", text, re.ASCII)
    month, year = (int(match[1]), 2000 + int(match[2])) if match else (0, 0)
    today = datetime.fromtimestamp(now, UTC)
    if not 1 <= month <= 12:
        errors["card_expiry"] = "Enter the expiry date as month and year, such as 12 / 34."
    elif (year, month) < (today.year, today.month):
        errors["card_expiry"] = "This card has expired."
    return month, year

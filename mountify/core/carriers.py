"""Who carries parcels: how each writes its name and its numbers, and where it tells how far a parcel is.

The forms of the numbers, with their check digits: https://github.com/jkeen/tracking_number_data (UPS, USPS after its
Publication 199, FedEx, DHL, Canada Post) and UPU standard S10 for what the posts carry abroad. A check digit is looked
at where its rule is sure; elsewhere the length has to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mountify.core.errors import N_
from mountify.core.errors.orders import BadTrackingNumber, UnknownCarrier
from mountify.core.texts import read_whole

_BIGGEST_KEY = 9_999_999
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_ROUTED = re.compile(r"420(?:[0-9]{5}|[0-9]{9})(9[1-5][0-9]{20})")  # a scanner reads the ZIP code with the number


@dataclass(frozen=True)
class Carrier:
    """`code` is what an order keeps, `key` the carrier's at 17track (0: not known there), `page` where it tells more.

    https://res.17track.net/asset/carrier/info/apicarrier.all.json
    """

    code: str
    name: str
    key: int = 0
    page: str = ""
    form: str = r"[0-9A-Z]{5,50}"
    sentence: str = N_("A tracking number has 5 to 50 letters and digits. This one has %(count)s.")
    lengths: frozenset[int] = frozenset(range(5, 51))
    has_check_digit: Callable[[str], bool] = bool

    def check(self, text: str) -> str:
        """Give a number as the carrier keeps it: in capitals, without what is between. Raises BadTrackingNumber."""
        number = "".join(text.split()).replace("-", "").upper()
        if self.code == "usps" and (routed := _ROUTED.fullmatch(number)):
            number = routed[1]
        if len(number) not in self.lengths:
            raise BadTrackingNumber(self.sentence, count=len(number))
        if not re.fullmatch(self.form, number):
            raise BadTrackingNumber(
                N_("%(carrier)s numbers do not look like this. Please compare it with the label."), carrier=self.name
            )
        if not self.has_check_digit(number):
            raise BadTrackingNumber(
                N_("A digit of this %(carrier)s number is wrong: its check digit does not fit."), carrier=self.name
            )
        return number


@dataclass(frozen=True)
class Parcel:
    """A number and who carries it."""

    carrier: Carrier
    number: str

    @property
    def url(self) -> str:
        """Where the carrier tells how far it is; empty when we know no such page."""
        return self.carrier.page + self.number if self.carrier.page else ""

    @property
    def written(self) -> str:
        """The number in groups of four, as posts print long ones; others as they are."""
        is_long = self.number.isdigit() and len(self.number) >= 16
        return " ".join(re.findall(".{1,4}", self.number)) if is_long else self.number


def with_check_digit(body: str) -> str:
    """Give a number of the USPS with its last digit: those before it weigh 3 and 1 in turn, from the right."""
    digits = [int(digit) for digit in reversed(body)]
    return f"{body}{-(3 * sum(digits[::2]) + sum(digits[1::2])) % 10}"


def _ends_in_mod_10(number: str) -> bool:
    return number == with_check_digit(number[:-1])


def _is_s10(number: str) -> bool:
    """https://www.upu.int/en/postal-solutions/programmes-services/standards (S10)"""
    remainder = sum(int(digit) * weight for digit, weight in zip(number[2:10], _S10_WEIGHTS, strict=True)) % 11
    return int(number[10]) == {0: 5, 1: 0}.get(remainder, 11 - remainder)


def _checks_usps(number: str) -> bool:
    """The shorter ones may stand for one that begins with 91."""
    if not number.isdigit():
        return _is_s10(number)
    return _ends_in_mod_10(number) or (len(number) == 20 and _ends_in_mod_10(f"91{number}"))


def _checks_ups(number: str) -> bool:
    """After 1Z every second sign counts twice; letters count as digits do, from A for 2."""
    if not number.startswith("1Z"):
        return True
    values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in number[2:-1]]
    return (sum(values[::2]) + 2 * sum(values[1::2]) + int(number[-1])) % 10 == 0


def _checks_canada_post(number: str) -> bool:
    return number.isdigit() or _is_s10(number)


KNOWN = (
    Carrier(
        "usps",
        "USPS",
        21051,
        "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
        r"[0-9]{20,22}|9[1-5][0-9]{24}|[A-Z]{2}[0-9]{9}US",
        N_("USPS numbers have 20 to 22 digits. This one has %(count)s."),
        frozenset({13, 20, 21, 22, 26}),
        _checks_usps,
    ),
    Carrier(
        "ups",
        "UPS",
        100002,
        "https://www.ups.com/track?tracknum=",
        r"1Z[0-9A-Z]{15}[0-9]|T[0-9]{10}|[0-9]{9}|[0-9]{12}",
        N_("UPS numbers begin with 1Z and have 18 characters. This one has %(count)s."),
        frozenset({9, 11, 12, 18}),
        _checks_ups,
    ),
    Carrier(
        "fedex",
        "FedEx",
        100003,
        "https://www.fedex.com/fedextrack/?trknbr=",
        r"[0-9]+",
        N_("FedEx numbers have 12, 15, 20 or 22 digits. This one has %(count)s."),
        frozenset({12, 15, 20, 22}),
    ),
    Carrier(
        "dhl",
        "DHL",
        100001,
        "https://www.dhl.com/global-en/home/tracking.html?submit=1&tracking-id=",
        r"[0-9]{10,12}|[0-9]{20}|[A-Z]{2,4}[0-9]{7,35}",
        N_("DHL numbers have 10 digits, or begin with letters such as JD. This one has %(count)s."),
        frozenset(range(10, 40)),
    ),
    Carrier(
        "canadapost",
        "Canada Post",
        3041,
        "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor=",
        r"[0-9]{16}|[A-Z]{2}[0-9]{9}CA",
        N_("Canada Post numbers have 16 digits, or 13 characters that end in CA. This one has %(count)s."),
        frozenset({13, 16}),
        _checks_canada_post,
    ),
)
_BY_CODE = {carrier.code: carrier for carrier in KNOWN}
_BY_KEY = {carrier.key: carrier for carrier in KNOWN}


def get(code: str) -> Carrier:
    """Get a carrier by its code, or any other by its number at 17track. Raises UnknownCarrier."""
    name = "".join(code.split()).lower()
    if name in _BY_CODE:
        return _BY_CODE[name]
    key = read_whole(name)
    if key is None or not 1 <= key <= _BIGGEST_KEY:
        raise UnknownCarrier
    return _BY_KEY.get(key) or Carrier(str(key), f"carrier {key}", key)


def parcel_of(code: str, number: str) -> Parcel:
    """Read what an order keeps, whoever wrote it there."""
    try:
        return Parcel(get(code), number)
    except UnknownCarrier:
        return Parcel(Carrier(code, code), number)

"""The carriers the sandbox's 17TRACK knows, and what it makes of a bare number.

The vendor knows thousands: https://res.17track.net/asset/carrier/info/apicarrier.all.json. Posts have small keys.
"""

import re
from dataclasses import dataclass

_FIRST_COURIER = 100_000


@dataclass(frozen=True)
class Carrier:
    """One entry of the vendor's list."""

    key: int
    name: str
    country: str
    homepage: str

    @property
    def is_post(self) -> bool:
        return self.key < _FIRST_COURIER


CARRIERS = {
    carrier.key: carrier
    for carrier in (
        Carrier(21051, "USPS", "US", "https://www.usps.com/"),
        Carrier(100002, "UPS", "US", "https://www.ups.com/"),
        Carrier(100003, "FedEx", "US", "https://www.fedex.com/"),
        Carrier(100001, "DHL", "DE", "https://www.dhl.com/"),
        Carrier(3041, "Canada Post", "CA", "https://www.canadapost-postescanada.ca/"),
        Carrier(7041, "DHL Paket", "DE", "https://www.dhl.de/"),
        Carrier(11031, "Royal Mail", "GB", "https://www.royalmail.com/"),
        Carrier(1151, "Australia Post", "AU", "https://auspost.com.au/"),
        Carrier(2151, "Correios", "BR", "https://www.correios.com.br/"),
        Carrier(3011, "China Post", "CN", "http://www.ems.com.cn/"),
    )
}

# A post's own numbers end with its country (UPU standard S10); UPS and USPS mark theirs too.
_SURE = (
    (re.compile(r"1Z[0-9A-Z]{16}"), 100002),
    (re.compile(r"9[1-5]\d{18,20}"), 21051),
    *((re.compile(rf"[A-Z]{{2}}\d{{9}}{post.country}"), post.key) for post in CARRIERS.values() if post.is_post),
)
# Bare digits of a length that is usual with somebody.
_GUESSES = (
    (re.compile(r"\d{10}"), 100001),
    (re.compile(r"\d{12}|\d{15}"), 100003),
    (re.compile(r"\d{16}"), 3041),
)


def marked(number: str) -> int | None:
    """Return the carrier a number names by its form."""
    return _first(_SURE, number)


def guessed(number: str) -> int | None:
    """Return the carrier a number could be of."""
    return _first(_GUESSES, number)


def _first(patterns: tuple[tuple[re.Pattern[str], int], ...], number: str) -> int | None:
    return next((key for pattern, key in patterns if pattern.fullmatch(number.upper())), None)

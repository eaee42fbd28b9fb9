"""Tracking numbers: as each carrier writes them, with the check digits that are sure.

Most of the examples are those of https://github.com/jkeen/tracking_number_data.
"""

from __future__ import annotations

import re

import pytest

from mountify.core import carriers
from mountify.core.carriers import parcel_of
from mountify.core.errors.orders import BadTrackingNumber, UnknownCarrier
from mountify.sandbox.track17 import carriers as theirs

GOOD = [
    ("ups", "1Z5R89390357567127", "1Z5R89390357567127"),
    ("ups", "1z 879e93-0346 834440", "1Z879E930346834440"),
    ("ups", "1Z410E7W0392751591", "1Z410E7W0392751591"),
    ("ups", "1Z8V92A70367203024", "1Z8V92A70367203024"),
    ("ups", "T1234567890", "T1234567890"),
    ("usps", "0307 1790 0005 2348 3741", "03071790000523483741"),
    ("usps", "7196 9010 7560 0307 7385", "71969010756003077385"),
    ("usps", "9505-5110-6960-5048-6006-24", "9505511069605048600624"),
    ("usps", "92748931507708513018050063", "92748931507708513018050063"),
    ("usps", "420 22153 9101026837331000039521", "9101026837331000039521"),
    ("usps", "rb123456785us", "RB123456785US"),
    ("fedex", "986578788855", "986578788855"),
    ("fedex", "0414 4176 0228 964", "041441760228964"),
    ("fedex", "9611020987654312345672", "9611020987654312345672"),
    ("dhl", "3318810025", "3318810025"),
    ("dhl", "JVGL0999999990", "JVGL0999999990"),
    ("dhl", "GM2951173225174494", "GM2951173225174494"),
    ("canadapost", "0073 9380 0054 9297", "0073938000549297"),
    ("canadapost", "RB123456785CA", "RB123456785CA"),
    ("11031", "RB123456785GB", "RB123456785GB"),
]
BAD = [
    ("usps", "9400 1118", "USPS numbers have 20 to 22 digits. This one has 8."),
    ("usps", "", "USPS numbers have 20 to 22 digits. This one has 0."),
    ("usps", "0307 1790 0005 2348 3742", "its check digit does not fit"),
    ("usps", "9200000000000000000000", "its check digit does not fit"),
    ("usps", "RB123456786US", "its check digit does not fit"),
    ("usps", "RB123456785CA", "USPS numbers do not look like this"),
    ("usps", "９４００１１１８９９５６０２５７００００", "USPS numbers do not look like this"),
    ("ups", "1Z5R8939035756712", "UPS numbers begin with 1Z and have 18 characters. This one has 17."),
    ("ups", "1Z5R89390357567128", "its check digit does not fit"),
    ("ups", "1Z5R89390357567217", "its check digit does not fit"),
    ("ups", "2Z5R89390357567127", "UPS numbers do not look like this"),
    ("ups", "1Z<B>9390357567127", "UPS numbers do not look like this"),
    ("fedex", "9865787888551", "FedEx numbers have 12, 15, 20 or 22 digits. This one has 13."),
    ("fedex", "98657878885X", "FedEx numbers do not look like this"),
    ("dhl", "331881002", "DHL numbers have 10 digits, or begin with letters such as JD. This one has 9."),
    ("dhl", "3318810025331", "DHL numbers do not look like this"),
    ("canadapost", "007393800054929", "Canada Post numbers have 16 digits"),
    ("canadapost", "RB123456785US", "Canada Post numbers do not look like this"),
    ("11031", "RB12", "A tracking number has 5 to 50 letters and digits. This one has 4."),
    ("11031", "RB/123456785", "do not look like this"),
    ("11031", "9" * 51, "This one has 51."),
]


@pytest.mark.parametrize(("code", "text", "number"), GOOD)
def test_a_number_is_kept_as_its_carrier_keeps_it(code: str, text: str, number: str) -> None:
    assert carriers.get(code).check(text) == number


@pytest.mark.parametrize(("code", "text", "said"), BAD)
def test_what_is_no_number_of_a_carrier_is_told_from_one(code: str, text: str, said: str) -> None:
    with pytest.raises(BadTrackingNumber, match=re.escape(said)):
        carriers.get(code).check(text)


@pytest.mark.parametrize(("code", "good"), [("usps", "9505511069605048600624"), ("ups", "1Z5R89390357567127")])
def test_every_wrong_check_digit_is_noticed(code: str, good: str) -> None:
    for digit in set("0123456789") - {good[-1]}:
        with pytest.raises(BadTrackingNumber):
            carriers.get(code).check(good[:-1] + digit)


def test_a_carrier_is_known_by_its_name_and_by_its_number_at_17track() -> None:
    for carrier in carriers.KNOWN:
        for spelt in (carrier.code, carrier.name, carrier.name.upper(), str(carrier.key)):
            assert carriers.get(spelt) is carrier
        assert theirs.CARRIERS[carrier.key].name == carrier.name
    other = carriers.get("11031")
    assert (other.code, other.name, other.key, other.page) == ("11031", "carrier 11031", 11031, "")


@pytest.mark.parametrize(
    "code", ["", "x", "other", "0", "-1", "1.5", "10000000", "9" * 30, "２１０５１", "\x00", "<b>"]
)
def test_nobody_else_carries_anything(code: str) -> None:
    with pytest.raises(UnknownCarrier):
        carriers.get(code)


def test_17track_takes_each_number_for_its_carriers() -> None:
    for code, _text, number in GOOD:
        assert theirs.marked(number) in (None, carriers.get(code).key), number


@pytest.mark.parametrize(
    ("code", "number", "url", "written"),
    [
        ("usps", "9505511069605048600624", "https://tools.usps.com/go/TrackConfirmAction?tLabels=9505511069605048600624",
         "9505 5110 6960 5048 6006 24"),
        ("ups", "1Z5R89390357567127", "https://www.ups.com/track?tracknum=1Z5R89390357567127", "1Z5R89390357567127"),
        ("fedex", "986578788855", "https://www.fedex.com/fedextrack/?trknbr=986578788855", "986578788855"),
        ("11031", "RB123456785GB", "", "RB123456785GB"),
        ("an earlier shop's own van", "7", "", "7"),
    ],
)  # fmt: skip
def test_a_parcel_leads_to_the_page_of_whoever_carries_it(code: str, number: str, url: str, written: str) -> None:
    parcel = parcel_of(code, number)
    assert (parcel.url, parcel.written) == (url, written)

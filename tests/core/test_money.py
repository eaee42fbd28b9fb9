from decimal import Decimal

import pytest

from mountify.core.errors.payments import UnreadableAmount
from mountify.core.money import Money, can_express, from_minor, to_minor


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError):
        Money(14.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money.of(14.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money.of("2.00") * 1.5  # type: ignore[operator]


@pytest.mark.parametrize("text", ["14.005", "abc", "NaN", "Infinity", "", "1e400"])
def test_nonsense_is_no_money(text: str) -> None:
    with pytest.raises(ValueError):
        Money.of(text)


def test_sums_are_exact() -> None:
    assert Money.sum([Money.of("0.10")] * 3) == Money(Decimal("0.30"))
    assert Money.of("14") * 3 + Money.of("4.50") - Money.of("0.50") == Money.of("46.00")


@pytest.mark.parametrize(
    ("currency", "minor"), [("USD", 4650), ("usd", 4650), ("JPY", None), ("KWD", 46500), ("EUR", 4650)]
)
def test_minor_units_follow_the_currency(currency: str, minor: int | None) -> None:
    if minor is None:
        with pytest.raises(ValueError):
            to_minor(Money.of("46.50"), currency)
        assert to_minor(Money.of("46.00"), currency) == 46
    else:
        assert to_minor(Money.of("46.50"), currency) == minor
        assert from_minor(minor, currency) == Money.of("46.50")


@pytest.mark.parametrize(("minor", "currency"), [(1235, "KWD"), (10_000_000_000, "USD"), (100_000_000, "JPY")])
def test_an_amount_that_no_book_holds_is_said_to_be_unreadable(minor: int, currency: str) -> None:
    with pytest.raises(UnreadableAmount):
        from_minor(minor, currency)


@pytest.mark.parametrize("currency", ["UGX", "isk"])
def test_what_has_become_whole_is_still_counted_in_hundredths(currency: str) -> None:
    """https://docs.stripe.com/currencies#special-cases"""
    assert to_minor(Money.of("5"), currency) == 500
    assert from_minor(500, currency) == Money.of("5.00")
    with pytest.raises(UnreadableAmount):  # it could never be sent back
        from_minor(550, currency)
    with pytest.raises(ValueError, match=r"^5\.50 cannot be expressed in"):
        to_minor(Money.of("5.50"), currency)


@pytest.mark.parametrize("currency", ["HUF", "TWD"])
def test_what_is_whole_in_payouts_only_has_cents_in_payments(currency: str) -> None:
    assert to_minor(Money.of("5.50"), currency) == 550


@pytest.mark.parametrize(("currency", "expected"), [("USD", True), ("JPY", False), ("UGX", False), ("KWD", True)])
def test_a_currency_is_asked_whether_it_has_cents(currency: str, expected: bool) -> None:
    assert can_express(Money.of("4.50"), currency) is expected
    assert can_express(Money.of("4.00"), currency)

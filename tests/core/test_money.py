from decimal import Decimal

import pytest

from mountify.core.money import Money, from_minor, to_minor


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

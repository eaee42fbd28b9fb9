"""Amounts of the shop's currency, and the integers that Stripe wants instead of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from mountify.core.errors.payments import UnreadableAmount

CENT = Decimal("0.01")
MAXIMUM = Decimal("999999.99")
STORABLE = Decimal("99999999.99")  # what NUMERIC(10, 2) holds

# Exponents that are not 2: https://docs.stripe.com/currencies#zero-decimal and #three-decimal
_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "JPY",
            "KMF",
            "KRW",
            "MGA",
            "PYG",
            "RWF",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}
# Counted in hundredths as of old, and only whole amounts are taken: https://docs.stripe.com/currencies#special-cases
_WHOLE_ONLY = frozenset({"ISK", "UGX"})


@dataclass(frozen=True, order=True)
class Money:
    """An amount with two decimals in the shop's one currency. Refuses floats and fractions of a cent."""

    amount: Decimal

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"Money is made of a Decimal, not of {type(self.amount).__name__}")
        if not self.amount.is_finite() or self.amount != self.amount.quantize(CENT):
            raise ValueError(f"not an amount of money: {self.amount}")
        object.__setattr__(self, "amount", self.amount.quantize(CENT))

    @classmethod
    def of(cls, text: str | int) -> Money:
        """Read an amount such as "14.00". Raises ValueError for anything else."""
        if not isinstance(text, str | int):
            raise TypeError(f"Money is read from text, not from {type(text).__name__}")
        try:
            return cls(Decimal(text))
        except InvalidOperation as error:
            raise ValueError(f"not an amount of money: {text!r}") from error

    @classmethod
    def sum(cls, amounts: Iterable[Money]) -> Money:
        return cls(sum((money.amount for money in amounts), Decimal("0.00")))

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + other.amount)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - other.amount)

    def __mul__(self, quantity: int) -> Money:
        if not isinstance(quantity, int):
            raise TypeError("Money is multiplied by whole numbers only")
        return Money(self.amount * quantity)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return str(self.amount)


ZERO = Money(Decimal("0.00"))


def exponent(currency: str) -> int:
    """Say how many decimals Stripe counts in a currency (3-letter code)."""
    return _EXPONENTS.get(currency.upper(), 2)


def rounded(amount: Decimal, currency: str) -> Money:
    """Round half up to the smallest amount with at most two decimals that a currency can express."""
    return Money(amount.quantize(smallest(currency), ROUND_HALF_UP))


def to_minor(money: Money, currency: str) -> int:
    """Turn an amount into Stripe's minor units. Raises ValueError when the currency cannot express it.

    https://docs.stripe.com/currencies#minor-units
    """
    minor = money.amount.scaleb(exponent(currency))
    is_whole = money.amount == money.amount.to_integral_value()
    if minor != minor.to_integral_value() or (currency.upper() in _WHOLE_ONLY and not is_whole):
        raise ValueError(f"{money} cannot be expressed in {currency}")
    return int(minor)


def can_express(money: Money, currency: str) -> bool:
    """Say whether Stripe takes such an amount of a currency."""
    try:
        to_minor(money, currency)
    except ValueError:
        return False
    return True


def smallest(currency: str) -> Decimal:
    """Give the step in which amounts of a currency are rounded."""
    return CENT if can_express(Money(CENT), currency) else Decimal(1)


def from_minor(minor: int, currency: str) -> Money:
    """Turn Stripe's minor units into an amount. Raises UnreadableAmount: nothing of ours costs such a sum."""
    try:
        money = Money(Decimal(minor).scaleb(-exponent(currency)))
    except ValueError as error:
        raise UnreadableAmount from error
    if abs(money.amount) > STORABLE or not can_express(money, currency):
        raise UnreadableAmount
    return money

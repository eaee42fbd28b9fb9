"""Write amounts of minor units for people."""

from .stripe_currencies import ZERO_DECIMAL

_SIGNS = {"usd": "$", "eur": "€", "gbp": "£"}


def format_amount(amount: int, currency: str) -> str:
    """Return `$12.50`; without a sign of its own a currency is named: `1,250 JPY`."""
    number = f"{amount:,}" if currency in ZERO_DECIMAL else f"{amount // 100:,}.{amount % 100:02d}"
    sign = _SIGNS.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency.upper()}"

"""Which currencies the sandbox takes, and in which units. https://docs.stripe.com/currencies"""

from .stripe_errors import ParamError

_ZERO_DECIMAL_NAMES = """
bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf
"""
ZERO_DECIMAL = frozenset(_ZERO_DECIMAL_NAMES.split())
_TWO_DECIMAL_NAMES = """
aed ars aud bam bdt bgn brl cad chf cny cop czk dkk egp eur gbp gel hkd huf idr ils inr isk kes lkr mad mdl mkd mur
mxn myr ngn nok nzd pen php pkr pln qar ron rsd sar sek sgd thb try twd uah ugx usd uyu zar
"""
CURRENCIES = ZERO_DECIMAL | frozenset(_TWO_DECIMAL_NAMES.split())
# Of two decimals that are always 00: https://docs.stripe.com/currencies#special-cases
_WHOLE_ONLY = frozenset({"isk", "ugx"})


def refuse_fractions(amount: int, currency: str, path: str) -> None:
    """Refuse a fraction of a currency that has become whole.

    https://support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds
    """
    if currency in _WHOLE_ONLY and amount % 100:
        raise ParamError(
            f"Invalid amount. Currency {currency.upper()} has become effectively zero-decimal and charged amounts must "
            "be evenly divisible by 100. See https://stripe.com/docs/currencies#special-cases for more information.",
            path,
            "invalid_charge_amount_no_decimal_compatible",
        )

"""Amounts and days as people read them, in pages and in mails."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from mountify.core.money import Money

LOCALE = "en_US"


def format_money(money: Money, currency: str, *, short: bool = False) -> str:
    """Write an amount; the short form of a whole one leaves out the cents, for sentences and labels."""
    if short and money.amount == money.amount.to_integral_value():
        return str(format_currency(money.amount, currency, "¤#,##0", locale=LOCALE, currency_digits=False))
    return str(format_currency(money.amount, currency, locale=LOCALE))


def format_day(moment: datetime, timezone: str) -> str:
    return str(format_date(moment.astimezone(ZoneInfo(timezone)), "d MMM y", locale=LOCALE))


def format_moment(moment: datetime, timezone: str) -> str:
    return str(format_datetime(moment, "d MMM y, HH:mm z", tzinfo=ZoneInfo(timezone), locale=LOCALE))

"""Amounts and days as people read them, in pages and in mails; and what more than one service has to say."""

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


def outcome_of(session_id: str, order_number: str, outcome: str) -> str:
    return f"session {session_id} of order {order_number} is {outcome} at Stripe"


def not_held(what: str) -> str:
    """Tell a person of an amount that the books cannot hold."""
    return f"{what[0].upper()}{what[1:]}, with an amount that the books cannot hold. See to it in Stripe's dashboard."

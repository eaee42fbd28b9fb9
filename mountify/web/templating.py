"""What every template may use: the shop, who is asking, and the only ways to write money, numbers and dates.

What needs the database is read when a template asks for it, so that the page for a broken shop needs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from babel.numbers import format_decimal
from flask import Flask, g, request
from flask_babel import Babel, format_date, format_datetime, get_locale
from flask_babel import gettext as _
from jinja2 import Undefined
from jinja2.utils import missing
from markupsafe import Markup
from werkzeug.local import LocalProxy

from mountify.config import Config
from mountify.core.devices import describe
from mountify.core.money import Money
from mountify.services import carts
from mountify.services.products import CategoryCount, Summary
from mountify.services.settings import HOLD_MINUTES
from mountify.services.wording import format_money
from mountify.web.auth import SignedIn, find_cart_owner, identity
from mountify.web.deeds import deed, why
from mountify.web.frame import frame
from mountify.web.headers import THEME_COOKIE
from mountify.web.markdown import markdown, opening

THEMES = ("light", "dark")


class NoSuchAttribute(Undefined):
    """What a page or a mapping is not given is empty; what a thing does not have is a mistake, and not passed over."""

    def __init__(self, hint: str | None = None, obj: Any = missing, *more: Any, **named: Any) -> None:
        super().__init__(hint, obj, *more, **named)
        if obj is not missing and not isinstance(obj, Mapping):
            self._fail_with_undefined_error()


def init_templating(app: Flask, config: Config) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "en_US"
    app.config["BABEL_DEFAULT_TIMEZONE"] = config.timezone
    Babel(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.undefined = NoSuchAttribute

    @app.template_filter("money")
    def money(amount: Money, *, short: bool = False) -> str:
        return format_money(amount, config.currency, short=short)

    @app.template_filter("number")
    def number(value: int) -> str:
        return str(format_decimal(value, locale="en_US"))

    @app.template_filter("date")
    def date(moment: datetime) -> str:
        return str(format_date(moment, "d MMM y"))

    @app.template_filter("datetime")
    def date_and_time(moment: datetime) -> str:
        return str(format_datetime(moment, "d MMM y, HH:mm"))

    app.add_template_filter(marked)
    app.add_template_filter(breakable)
    app.add_template_filter(markdown)
    app.add_template_filter(opening)
    app.add_template_filter(countries)
    app.add_template_filter(deed)
    app.add_template_filter(why)

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        return {
            "shop": LocalProxy(lambda: frame().shop),
            "currency": config.currency,
            "hold_minutes": HOLD_MINUTES,
            "theme": theme(),
            "user": SignedIn(who) if (who := identity()) else None,
            "cart_count": LocalProxy(cart_count),
            "base_url": config.base_url,
            "has_google": config.google_client_id is not None,
            "content_titles": content_titles,
            "device": device,
            "nav": nav,
            "nav_total": nav_total,
            "catalogue": catalogue,
        }


def marked(text: str, words: str) -> Markup:
    """Mark in a text where one of the words stands, letter by letter and in either case."""
    known = "|".join(re.escape(word) for word in words.split())
    pieces = re.split(f"({known})", text, flags=re.IGNORECASE) if known else [text]
    return Markup().join(
        Markup("<mark>{}</mark>").format(piece) if place % 2 else piece for place, piece in enumerate(pieces)
    )


def breakable(address: str) -> Markup:
    """Let an email address that is too long for its cell break before the @."""
    return Markup("<wbr>@").join(address.split("@"))


def countries(codes: Iterable[str]) -> str:
    """Name countries by their codes of two letters."""
    names = get_locale().territories if get_locale() else {}
    return ", ".join(sorted(names.get(code, code) for code in codes))


def content_titles() -> dict[str, str]:
    return {
        "delivery": _("Delivery"),
        "returns": _("Returns"),
        "privacy": _("Privacy"),
        "terms": _("Terms"),
        "contact": _("Contact"),
    }


def device(user_agent: str) -> str:
    """Name what somebody is signed in with, as far as it tells."""
    browser, system = describe(user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("Unknown device")


def theme() -> str:
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def nav() -> Sequence[CategoryCount]:
    """The categories with their counts."""
    return frame().categories


def nav_total() -> int:
    """How many parts the shop shows."""
    return catalogue().count


def catalogue() -> Summary:
    """What the shop shows in numbers."""
    return frame().summary


def cart_count() -> int:
    """How many parts the reader's cart holds, read once a request."""
    if "cart_count" not in g:
        owner = find_cart_owner()
        g.cart_count = carts.count(owner) if owner else 0
    return int(g.cart_count)

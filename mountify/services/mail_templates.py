"""Mails are rendered by a plain Jinja environment, so that jobs and commands need no web."""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mountify.core.site import Site
from mountify.services.settings import get_shop
from mountify.services.wording import format_day, format_money

TEMPLATES = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True)
class Rendered:
    subject: str
    html: str
    text: str


def render(kind: str, site: Site, currency: str, /, **values: object) -> Rendered:
    """Render the three parts of a mail, which see `shop`, `shop_url` and the values, with amounts in a currency.

    The subject is one line whatever the values hold.
    """
    environment = _environment(currency, site.timezone)
    values = {"shop": get_shop(), "shop_url": site.base_url, **values}

    def part(name: str) -> str:
        return environment.get_template(f"email/{kind}/{name}").render(**values)

    return Rendered(subject=" ".join(part("subject.txt").split()), html=part("body.html"), text=part("body.txt"))


@cache
def _environment(currency: str, timezone: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(gettext.NullTranslations(), newstyle=True)  # type: ignore[attr-defined]
    environment.filters["money"] = lambda money: format_money(money, currency)
    environment.filters["date"] = lambda moment: format_day(moment, timezone)
    return environment

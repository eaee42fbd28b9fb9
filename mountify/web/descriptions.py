"""What search engines show below a page's title: the merchant's words, or what is known without them."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from mountify.models.catalogue import Product
from mountify.services.products import CategoryCount
from mountify.services.wording import format_money
from mountify.web.auth import settings
from mountify.web.frame import frame
from mountify.web.markdown import opening, plain

MOST = 160  # more is cut off by those who show it


def of_shop(text: str = "") -> str:
    around = frame()
    text = text or around.shop.about
    return _short(text) or ngettext(
        "%(num)s part at %(shop)s.", "%(num)s parts at %(shop)s.", around.summary.count, shop=around.shop.name
    )


def of_category(category: CategoryCount) -> str:
    return _short(category.description) or ngettext(
        "%(name)s: %(num)s part at %(shop)s.",
        "%(name)s: %(num)s parts at %(shop)s.",
        category.count,
        name=category.name,
        shop=frame().shop.name,
    )


def of_product(product: Product) -> str:
    price = format_money(product.price, settings().currency)
    return _short(product.description or plain(opening(product.detailed_description))) or _(
        "%(name)s for %(price)s at %(shop)s.", name=product.name, price=price, shop=frame().shop.name
    )


def of_text(title: str, text: str) -> str:
    return _short(plain(text)) or title


def _short(text: str) -> str:
    """Cut a text after a whole word."""
    words = " ".join(text.split())
    return words if len(words) <= MOST else words[: MOST - 2].rsplit(" ", 1)[0] + " …"

"""A product as a program sends it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from mountify.core.ids import BIGGEST_ID
from mountify.core.money import MAXIMUM, Money
from mountify.core.texts import has_control_characters, has_control_characters_but_lines
from mountify.forms.fields import NO_SLUG, is_slug
from mountify.forms.listing import invalid_fields
from mountify.forms.pictures import LONGEST_ID, is_address
from mountify.models.catalogue import ProductStatus
from mountify.services.catalogue import NewProduct
from mountify.services.stock_changes import MOST_ON_HAND

LONGEST_TEXT = 20_000


def read(body: Mapping[str, Any], *, required: Collection[str] = ()) -> dict[str, object]:
    """Read what is named; of what the shop does not know, nothing. Raises InvalidInput with the fields."""
    values: dict[str, object] = {}
    wrong: dict[str, list[str]] = {}
    for field, (name, reader) in _FIELDS.items():
        if field not in body and field not in required:
            continue
        try:
            values[name] = reader(body.get(field))
        except ValueError as error:
            wrong[field] = [str(error)]
    if wrong:
        raise invalid_fields(wrong)
    return values


def to_new(values: Mapping[str, Any]) -> NewProduct:
    """What is to be made of it; pictures and status are beside that."""
    names = ("name", "price", "description", "detailed_description", "category_id", "slug")
    return NewProduct(**{name: values[name] for name in names if name in values})


def _name(value: Any) -> str:
    text = _line(value).strip()
    if not 0 < len(text) <= 200:
        raise ValueError(_("A name has 1 to %(most)s characters.", most=200))
    return text


def _price(value: Any) -> Money:
    """A number, as it is written: 14 and 14.00, not "14.00", and nothing with more than two decimals."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(_("This must be a number such as 14.00."))
    if not 0 < value <= MAXIMUM:
        raise ValueError(_("A price is more than 0 and at most %(most)s.", most=MAXIMUM))
    try:
        return Money(Decimal(value))
    except ValueError:
        raise ValueError(_("A price has at most two decimals.")) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(_("This must be text."))
    if len(value) > LONGEST_TEXT:
        raise ValueError(_("This has at most %(most)s characters.", most=LONGEST_TEXT))
    if has_control_characters_but_lines(value):
        raise ValueError(_("This contains characters that cannot be used here."))
    return value


def _line(value: Any) -> str:
    text = _text(value)
    if has_control_characters(text):
        raise ValueError(_("This contains characters that cannot be used here."))
    return text


def _category(value: Any) -> int | None:
    return None if value is None else _whole(value, 1, BIGGEST_ID)


def _on_hand(value: Any) -> int:
    return _whole(value, 0, MOST_ON_HAND)


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(_("Enter a whole number between %(min)d and %(max)d.", min=low, max=high))
    return value


def _status(value: Any) -> ProductStatus:
    if value not in list(ProductStatus):
        raise ValueError(_("Choose draft, published or archived."))
    return ProductStatus(value)


def _slug(value: Any) -> str:
    text = _line(value)
    if len(text) > 200 or not is_slug(text):
        raise ValueError(str(NO_SLUG))
    return text


def _address(value: Any) -> str | None:
    """Of a picture; none is as good as nothing."""
    if value is None or value == "":
        return None
    text = _line(value)
    if not is_address(text):
        raise ValueError(_("Enter an address that begins with https:// or http://."))
    return text


def _public_id(value: Any) -> str | None:
    if value is None or value == "":
        return None
    text = _line(value)
    if len(text) > LONGEST_ID:
        raise ValueError(_("This has at most %(most)s characters.", most=LONGEST_ID))
    return text


_FIELDS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "name": ("name", _name),
    "price": ("price", _price),
    "description": ("description", _text),
    "detailedDescription": ("detailed_description", _text),
    "imageUrl": ("image_url", _address),
    "imagePublicId": ("image_public_id", _public_id),
    "imageUrlHover": ("image_url_hover", _address),
    "imageHoverPublicId": ("image_hover_public_id", _public_id),
    "categoryId": ("category_id", _category),
    "status": ("status", _status),
    "slug": ("slug", _slug),
    "onHand": ("on_hand", _on_hand),
}

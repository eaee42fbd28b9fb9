"""What a merchant may change, read through one function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors.catalogue import BadPrice, ChangedMeanwhile
from mountify.core.fingerprint import fingerprint
from mountify.core.money import ZERO, Money, can_express
from mountify.models.account import Setting
from mountify.services import audit_log
from mountify.services.audit_log import Actor
from mountify.transaction import transaction

PAGES = ("delivery", "returns", "privacy", "terms", "contact")
_LOCK = text("LOCK TABLE settings IN SHARE ROW EXCLUSIVE MODE")  # readers go on
HOLD_MINUTES = 35  # Stripe wants at least 30 when the request arrives


@dataclass(frozen=True)
class Shop:
    """The shop as its merchant set it up; the defaults are a shop nobody has named yet."""

    name: str = "Mountify"
    claim: str = ""
    claim_measure: str = ""
    lead: str = ""
    about: str = ""
    sender_name: str = ""  # none: as the installation has it in MAIL_FROM
    contact_email: str = ""
    address: str = ""
    returns_in_short: str = ""
    story: dict[str, Any] | None = None
    pages: dict[str, str] = field(default_factory=dict)  # name of PAGES → Markdown
    countries: tuple[str, ...] = ("US",)
    low_stock: int = 4
    shipping_flat: Money = ZERO
    shipping_free_from: Money | None = None

    def shipping_for(self, subtotal: Money) -> Money:
        if self.shipping_free_from is not None and subtotal >= self.shipping_free_from:
            return ZERO
        return self.shipping_flat


def get_shop() -> Shop:
    """Read the settings once a request (once a session of the database, to be exact)."""
    session = db.session()
    shop: Shop | None = session.info.get("shop")
    if shop is None:
        rows = session.execute(select(Setting.key, Setting.value)).all()
        stored: dict[str, dict[str, Any]] = {key: value for key, value in rows}  # noqa: C416  a Row is no pair to mypy
        shop = Shop(**{name: _read(name, stored[name]["value"]) for name in _names() if name in stored})
        session.info["shop"] = shop
    return shop


def change(by: Actor, *, currency: str | None = None, seen: str | None = None, now: datetime, **values: object) -> None:
    """Store settings by name; `currency` is the shop's, without which no price is taken.

    Raises KeyError for a name that is none, of a setting or of a page, BadPrice, and ChangedMeanwhile when they are not
    what was `seen` (see state_of()) any more.
    """
    with transaction() as session:
        before = _begin(session)
        if seen is not None and seen != state_of(before):
            raise ChangedMeanwhile
        _change(session, by, before, values, currency, now)


def change_page(by: Actor, name: str, text: str, *, seen: str | None = None, now: datetime) -> None:
    """Give one of PAGES another text, and leave the others as they are; without a text it is not shown.

    Raises ChangedMeanwhile when it is not what was `seen` (see state_of_page()) any more.
    """
    with transaction() as session:
        before = _begin(session)
        if seen is not None and seen != state_of_page(before, name):
            raise ChangedMeanwhile
        pages = {page: said for page, said in (before.pages | {name: text}).items() if said}
        _change(session, by, before, {"pages": pages}, None, now)


def state_of(shop: Shop) -> str:
    """Tell the settings, without the pages, from what they were."""
    return fingerprint(*(getattr(shop, name) for name in sorted(_names() - {"pages"})))


def state_of_page(shop: Shop, name: str) -> str:
    """Tell a page's text from what it was."""
    return fingerprint(shop.pages.get(name, ""))


def _begin(session: Session) -> Shop:
    """Read the settings as they are, and let nobody else change them meanwhile."""
    session.execute(_LOCK)
    session.info.pop("shop", None)
    return get_shop()


def _change(
    session: Session, by: Actor, before: Shop, values: Mapping[str, object], currency: str | None, now: datetime
) -> None:
    store(session, values, currency=currency)
    was, now_is = _flat(before), _flat(get_shop())
    changes = {name: (was.get(name), now_is.get(name)) for name in was | now_is if was.get(name) != now_is.get(name)}
    if changes:
        audit_log.record(session, by, "settings.changed", (Setting.__tablename__, "shop"), now=now, **changes)


def _flat(shop: Shop) -> dict[str, object]:
    """Each setting by its name as the log shows it, and each page by its own."""
    names = _names() - {"pages"}
    values = {name: getattr(shop, name) for name in names} | shop.pages
    return {name: ", ".join(sorted(value)) if isinstance(value, tuple) else value for name, value in values.items()}


def store(session: Session, values: Mapping[str, object], *, currency: str | None = None) -> None:
    """Store settings by name, in the caller's transaction. Raises KeyError and BadPrice like change()."""
    pages = values.get("pages")
    unknown = [name for name in pages if name not in PAGES] if isinstance(pages, dict) else []
    if unknown:
        raise KeyError(*unknown)
    for name, value in values.items():
        if name not in _names():
            raise KeyError(name)
        _check(value, currency)
        plain = str(value) if isinstance(value, Money) else list(value) if isinstance(value, tuple) else value
        row = insert(Setting).values(key=name, value={"value": plain})
        session.execute(row.on_conflict_do_update(index_elements=[Setting.key], set_={"value": row.excluded.value}))
    session.info.pop("shop", None)


def _check(value: object, currency: str | None) -> None:
    if not isinstance(value, Money):
        return
    if currency is None:
        raise TypeError("A price is set with the shop's currency beside it.")
    if not can_express(value, currency):
        raise BadPrice(price=str(value), currency=currency)


def _names() -> set[str]:
    return {each.name for each in fields(Shop)}


def _read(name: str, value: Any) -> Any:
    if name.startswith("shipping_"):
        return None if value is None else Money.of(value)
    return tuple(value) if isinstance(value, list) else value

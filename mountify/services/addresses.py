"""The address book of an account. Whoever changes one locks its account first: two at once come one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors import NotFound
from mountify.core.errors.accounts import AddressBookFull, AddressTwice, UnknownAddress
from mountify.core.payment_session import Delivery
from mountify.models.account import Address, User
from mountify.services.settings import get_shop
from mountify.transaction import transaction

MOST = 50
# What the columns take; Stripe names no lengths.
LENGTHS = {
    "name": 120,
    "line1": 200,
    "line2": 200,
    "city": 120,
    "state": 120,
    "postal_code": 20,
    "country": 2,
    "phone": 40,
}


PLACE = ("line1", "line2", "city", "state", "postal_code", "country")


@dataclass(frozen=True)
class Entry:
    """An address as it is written into the book."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    state: str = ""
    phone: str = ""


def list_for_user(user_id: int) -> Sequence[Address]:
    """List the addresses of an account, the default first, then the newest."""
    newest_first = (Address.created_at.desc(), Address.id.desc())
    return db.session.scalars(_of(user_id).order_by(Address.is_default.desc(), *newest_first)).all()


def get_for_user(user_id: int, address_id: int) -> Address:
    """Raises NotFound, also for another account's address."""
    return _get(db.session(), user_id, address_id)


def list_deliverable(user_id: int) -> Sequence[Address]:
    """List the addresses that the shop delivers to, the default first."""
    return [address for address in list_for_user(user_id) if address.country in get_shop().countries]


def get_delivery(session: Session, user_id: int | None, address_id: int) -> Delivery:
    """Say where a parcel goes that is sent to an address of this account's.

    Raises UnknownAddress, also for another account's and for one that the shop does not deliver to.
    """
    mine = _of(user_id).where(Address.id == address_id) if user_id is not None else None
    address = session.scalars(mine).one_or_none() if mine is not None else None
    if address is None or address.country not in get_shop().countries:
        raise UnknownAddress
    return Delivery(address.name, address.phone, {name: getattr(address, name) for name in PLACE})


def add(user_id: int, entry: Entry, *, is_default: bool = False, now: datetime) -> Address:
    """Write an address into the book; the same first line and postal code is the same address, written anew.

    The first one becomes the default. Raises AddressBookFull.
    """
    with transaction() as session:
        _lock(session, user_id)
        if _find_same(session, user_id, entry) is None and _count(session, user_id) >= MOST:
            raise AddressBookFull(most=MOST)
        address = _put(session, user_id, entry, now)
        if is_default:
            _make_default(session, address)
        return address


def change(user_id: int, address_id: int, entry: Entry, *, is_default: bool = False, now: datetime) -> Address:
    """Write an address anew. The default one stays the default: it hands that on to no address by itself.

    Raises NotFound, or AddressTwice when another one has the same first line and postal code.
    """
    with transaction() as session:
        _lock(session, user_id)
        address = _get(session, user_id, address_id)
        same = _find_same(session, user_id, entry)
        if same is not None and same.id != address_id:
            raise AddressTwice
        _write(address, entry, now)
        session.flush()
        if is_default:
            _make_default(session, address)
        return address


def make_default(user_id: int, address_id: int) -> Address:
    """Raises NotFound."""
    with transaction() as session:
        _lock(session, user_id)
        address = _get(session, user_id, address_id)
        _make_default(session, address)
        return address


def delete(user_id: int, address_id: int) -> None:
    """Take an address out of the book; of what is left, the newest takes the place of the default. Raises NotFound."""
    with transaction() as session:
        _lock(session, user_id)
        address = _get(session, user_id, address_id)
        session.delete(address)
        session.flush()
        newest = session.scalars(_of(user_id).order_by(Address.created_at.desc(), Address.id.desc()).limit(1)).first()
        if address.is_default and newest is not None:
            newest.is_default = True


def remember(session: Session, user_id: int, delivery: Delivery, *, now: datetime) -> None:
    """Put a delivery address into the book, in the caller's transaction; the first one becomes the default.

    One without a first line or a country is left out, and so is a new one when the book is full; so are all when the
    account was closed.
    """
    given = {"name": delivery.name, "phone": delivery.phone, **delivery.address}
    entry = Entry(**{name: given.get(name, "")[:most] for name, most in LENGTHS.items()})
    if not entry.line1 or len(entry.country) != 2:
        return
    if not _is_locked(session, user_id):
        return
    if _find_same(session, user_id, entry) is not None or _count(session, user_id) < MOST:
        _put(session, user_id, entry, now)


def _lock(session: Session, user_id: int) -> None:
    """Raises NotFound when the account was closed."""
    if not _is_locked(session, user_id):
        raise NotFound


def _is_locked(session: Session, user_id: int) -> bool:
    """Two orders settled at once must not both find an empty book, two forms not both the last place in it.

    It keeps nobody from ordering, as the lock of accounts.lock would. False when the account was closed.
    """
    return session.scalar(select(User.id).where(User.id == user_id).with_for_update(key_share=True)) is not None


def _put(session: Session, user_id: int, entry: Entry, now: datetime) -> Address:
    address = _find_same(session, user_id, entry)
    if address is None:
        is_first = _count(session, user_id) == 0
        address = Address(user_id=user_id, is_default=is_first, created_at=now)
        session.add(address)
    _write(address, entry, now)
    session.flush()
    return address


def _write(address: Address, entry: Entry, now: datetime) -> None:
    for name, value in asdict(entry).items():
        setattr(address, name, value)
    address.updated_at = now


def _make_default(session: Session, address: Address) -> None:
    """One after the other: at no moment are there two."""
    session.execute(
        update(Address).where(Address.user_id == address.user_id, Address.id != address.id).values(is_default=False)
    )
    address.is_default = True
    session.flush()


def _of(user_id: int) -> Select[Address]:
    return select(Address).where(Address.user_id == user_id).execution_options(populate_existing=True)


def _get(session: Session, user_id: int, address_id: int) -> Address:
    address = session.scalars(_of(user_id).where(Address.id == address_id)).one_or_none()
    if address is None:
        raise NotFound
    return address


def _find_same(session: Session, user_id: int, entry: Entry) -> Address | None:
    same = Address.line1 == entry.line1, Address.postal_code == entry.postal_code
    return session.scalars(_of(user_id).where(*same)).one_or_none()


def _count(session: Session, user_id: int) -> int:
    return session.scalar(select(func.count()).select_from(Address).where(Address.user_id == user_id)) or 0

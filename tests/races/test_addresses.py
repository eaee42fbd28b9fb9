"""Several windows change one address book at once: there is one default, and nothing is lost."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.accounts import AddressBookFull
from mountify.models.account import Address
from mountify.services import addresses
from mountify.services.addresses import Entry
from tests.cast import make_account
from tests.races.crowd import at_once

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]

MANY = 8


@pytest.fixture
def user_id(database: None) -> int:
    return make_account("alice")


def put(user_id: int, line1: str, *, is_default: bool = False) -> int:
    entry = Entry(name="Alice", line1=line1, city="Portland", postal_code="97205", country="US")
    return addresses.add(user_id, entry, is_default=is_default, now=utcnow()).id


def defaults() -> int:
    return db.session.scalar(select(func.count()).select_from(Address).where(Address.is_default)) or 0


def test_many_first_addresses_make_one_default(user_id: int) -> None:
    made = at_once([lambda number=number: put(user_id, f"Street {number}") for number in range(MANY)])  # type: ignore[misc]
    assert len(set(made)) == MANY and all(isinstance(one, int) for one in made)
    assert defaults() == 1


def test_the_same_address_sent_many_times_is_one(user_id: int) -> None:
    made = at_once([lambda: put(user_id, "One Street", is_default=True)] * MANY)
    assert len(set(made)) == 1 and isinstance(made[0], int) and defaults() == 1


def test_many_wish_for_the_last_place_in_the_book(user_id: int) -> None:
    for number in range(addresses.MOST - 1):
        put(user_id, f"Street {number}")
    made = at_once([lambda number=number: put(user_id, f"New {number}") for number in range(MANY)])  # type: ignore[misc]
    assert sum(isinstance(one, int) for one in made) == 1
    assert sum(isinstance(one, AddressBookFull) for one in made) == MANY - 1


def test_each_wishes_for_another_default_while_the_old_one_is_deleted(user_id: int) -> None:
    old, *others = (put(user_id, f"Street {number}") for number in range(MANY))
    chosen = [lambda other=other: addresses.make_default(user_id, other) for other in others]  # type: ignore[misc]
    results = at_once([lambda: addresses.delete(user_id, old), *chosen])
    assert not [result for result in results if isinstance(result, Exception)]
    assert defaults() == 1

"""What the owner of an account changes about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors.accounts import BadCredentials, NoPassword, WeakPassword, WrongPassword
from mountify.core.site import Site
from mountify.models.account import User
from mountify.models.email import Email
from mountify.services import accounts, profile, sign_ins
from tests.cast import COST, PASSWORD, email_of, make_account
from tests.factories import make_shop
from tests.letters import letters

ALICE, ANOTHER, NEW = email_of("alice"), "another long and boring one", "alice@example.net"


@pytest.fixture
def alice(database: None) -> int:
    make_shop()
    return make_account("alice")


@pytest.fixture
def site(config: Config) -> Site:
    return config.site


@pytest.fixture
def change(alice: int, site: Site) -> Callable[..., accounts.Identity]:
    def change(current: str = PASSWORD, new: str = ANOTHER) -> accounts.Identity:
        chosen = accounts.choose_password(ALICE, "Alice", new)
        return profile.change_password(alice, current, chosen, cost=COST, site=site, now=utcnow())

    return change


def begin(email: str = ALICE, password: str = PASSWORD, name: str = "a") -> str:
    who = accounts.authenticate(email, password)
    sign_ins.begin(who, name * 64, user_agent="", address="", now=utcnow())
    return name * 64


def test_a_changed_password_ends_every_sign_in_and_its_owner_is_told(change: Callable[..., accounts.Identity]) -> None:
    session = begin()
    changed = change()
    assert sign_ins.check(session, now=utcnow()) is None
    assert accounts.authenticate(ALICE, ANOTHER) == changed
    with pytest.raises(BadCredentials):
        accounts.authenticate(ALICE, PASSWORD)
    assert [letter.recipient for letter in letters("password_changed")] == [ALICE]


@pytest.mark.parametrize(
    ("current", "new", "refusal"),
    [
        ("wrong", ANOTHER, WrongPassword),
        (PASSWORD + "\0", ANOTHER, WrongPassword),
        ("x" * 5000, ANOTHER, WrongPassword),
        (PASSWORD, "short", WeakPassword),
        (PASSWORD, "x" * 73, WeakPassword),
        (PASSWORD, "alice1234", WeakPassword),
    ],
)
def test_what_is_wrong_changes_nothing(
    change: Callable[..., accounts.Identity], current: str, new: str, refusal: type[Exception]
) -> None:
    session = begin()
    with pytest.raises(refusal):
        change(current, new)
    assert sign_ins.check(session, now=utcnow()) is not None and db.session.scalars(select(Email)).all() == []


def test_an_account_without_a_password_is_told_so(change: Callable[..., accounts.Identity]) -> None:
    db.session.execute(update(User).values(password_hash=None))
    db.session.commit()
    with pytest.raises(NoPassword):
        change()


def test_another_name_is_known_at_once(alice: int) -> None:
    assert profile.rename(alice, "Alice B.").name == accounts.get(alice).name == "Alice B."

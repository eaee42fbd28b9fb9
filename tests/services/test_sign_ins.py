"""Sign-ins: how long they last, and what ends them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.accounts import BadCredentials, WeakPassword
from mountify.models.account import User
from mountify.services import accounts, sign_ins
from tests.cast import COST, PASSWORD, email_of, make_account

DAY = timedelta(days=1)


def begin(name: str) -> str:
    make_account(name)
    who = accounts.authenticate(email_of(name), PASSWORD)
    sign_ins.begin(who, f"hash of {name}", user_agent="a" * 1000, address="127.0.0.1", now=utcnow())
    return f"hash of {name}"


def is_good(session: str, after: timedelta) -> bool:
    return sign_ins.check(session, now=utcnow() + after) is not None


def test_a_shopper_stays_for_fourteen_idle_days_and_thirty_at_most(database: None) -> None:
    alice = begin("alice")
    assert is_good(alice, 13 * DAY)
    assert is_good(alice, 26 * DAY)
    assert not is_good(alice, 30 * DAY)


def test_an_idle_shopper_is_signed_out(database: None) -> None:
    assert not is_good(begin("alice"), 14 * DAY)


def test_the_office_stays_for_half_an_hour(database: None) -> None:
    assert is_good(begin("ada"), timedelta(minutes=29))
    assert not is_good(begin("stan"), timedelta(minutes=31))


def test_an_ended_session_stays_dead(database: None) -> None:
    alice = begin("alice")
    sign_ins.end(alice, now=utcnow())
    assert not is_good(alice, timedelta(0))


@pytest.mark.parametrize("change", [{"auth_version": 9}, {"disabled_at": utcnow()}])
def test_a_changed_account_ends_its_sessions(database: None, change: dict[str, object]) -> None:
    alice = begin("alice")
    db.session.execute(update(User).values(**change))
    db.session.commit()
    assert not is_good(alice, timedelta(0))


def test_a_wrong_password_and_an_unknown_account_are_the_same(database: None) -> None:
    make_account("alice")
    told = set()
    for email, password in (
        (email_of("alice"), "wrong"),
        (email_of("nobody"), PASSWORD),
        (email_of("alice"), PASSWORD + "\0"),
        (email_of("alice"), "x" * 5000),
    ):
        with pytest.raises(BadCredentials) as refusal:
            accounts.authenticate(email, password)
        told.add(str(refusal.value))
    assert len(told) == 1
    assert accounts.authenticate(email_of("alice").upper(), PASSWORD).name == "Alice"


def test_a_raised_cost_hashes_a_password_anew_when_its_owner_signs_in(database: None) -> None:
    make_account("alice")

    def stored() -> str:
        db.release()
        return str(db.session.scalars(select(User.password_hash)).one())

    first = stored()
    with pytest.raises(BadCredentials):
        accounts.authenticate(email_of("alice"), "wrong", cost=COST + 1)
    accounts.authenticate(email_of("alice"), PASSWORD, cost=COST)
    assert stored() == first and first.startswith(f"$2b$0{COST}$")
    who = accounts.authenticate(email_of("alice"), PASSWORD, cost=COST + 1)
    assert stored().startswith(f"$2b$0{COST + 1}$")
    assert accounts.authenticate(email_of("alice"), PASSWORD, cost=COST + 1) == who, "nobody is signed out by it"


@pytest.mark.parametrize("password", ["short", "ü" * 37])
def test_a_password_that_cannot_be_kept_is_refused(database: None, password: str) -> None:
    with pytest.raises(WeakPassword):
        accounts.create("bob@example.com", password, now=utcnow())

"""Accounts that are asked for, opened and changed by many at once."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.accounts import BadCredentials, LinkSpent, SignInNeeded, WrongPassword
from mountify.models.account import Role, User
from mountify.services import (
    account_closing,
    accounts,
    email_change,
    password_reset,
    profile,
    registration,
    sign_ins,
    staffing,
)
from mountify.services.passwords import Chosen
from tests.cast import COST, PASSWORD, email_of, make_account
from tests.factories import make_shop
from tests.letters import letters, token_in
from tests.races.crowd import at_once

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]
ALICE, NEW = email_of("alice"), "alice@example.net"


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def chosen(number: int) -> str:
    return f"long and boring number {number}"


def who_signs_in(email: str, most: int) -> list[int]:
    """Say which of the chosen passwords open an account."""
    opened = []
    for number in range(most):
        try:
            accounts.authenticate(email, chosen(number))
        except BadCredentials:
            continue
        opened.append(number)
    return opened


def outcomes(results: list[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def test_of_ten_resets_with_one_token_one_counts(config: Config) -> None:
    make_account("alice")
    password_reset.mail(ALICE, 1, site=config.site, now=utcnow())
    token = token_in(letters("reset_password")[0])

    def reset(number: int) -> None:
        password_reset.reset(token, chosen(number), cost=COST, site=config.site, now=utcnow())

    results = at_once([lambda number=number: reset(number) for number in range(10)])  # type: ignore[misc]
    assert outcomes(results) == {"NoneType": 1, "LinkSpent": 9}
    assert who_signs_in(ALICE, 10) == [results.index(None)]
    assert len(letters("password_changed")) == 1


def test_of_ten_registrations_of_one_address_there_is_one_account(config: Config) -> None:
    results = at_once(
        [
            lambda number=number: registration.register(ALICE, Chosen(chosen(number)), cost=COST, now=utcnow())  # type: ignore[misc]
            for number in range(10)
        ]
    )
    assert outcomes(results) == {"NoneType": 10}
    assert db.session.scalar(select(func.count()).select_from(User)) == 1
    db.release()
    at_once(
        [
            lambda number=number: registration.mail(ALICE, number, site=config.site, now=utcnow())  # type: ignore[misc]
            for number in range(10)
        ]
    )
    sent = letters("confirm_address")
    assert len(sent) == 3, "no more links in a quarter of an hour"
    opened = []
    for number in range(10):
        try:
            registration.confirm(token_in(sent[-1]), chosen(number), cost=COST, now=utcnow())
        except (WrongPassword, LinkSpent):
            continue
        opened.append(number)
    assert len(opened) == 1 and who_signs_in(ALICE, 10) == opened


def test_of_ten_who_open_an_account_with_one_link_one_does(config: Config) -> None:
    registration.register(ALICE, Chosen(PASSWORD), cost=COST, now=utcnow())
    registration.mail(ALICE, 1, site=config.site, now=utcnow())
    token = token_in(letters("confirm_address")[0])
    results = at_once([lambda: registration.confirm(token, PASSWORD, cost=COST, now=utcnow())] * 10)
    assert outcomes(results) == {"str": 1, "LinkSpent": 9}


def test_of_two_changes_of_one_password_one_counts(config: Config) -> None:
    alice = make_account("alice")

    def change(number: int) -> object:
        new = Chosen(chosen(number))
        return profile.change_password(alice, PASSWORD, new, cost=COST, site=config.site, now=utcnow())

    results = at_once([lambda: change(0), lambda: change(1)])
    assert outcomes(results) == {"Identity": 1, "WrongPassword": 1}
    assert len(who_signs_in(ALICE, 2)) == 1


def test_of_two_accounts_that_want_one_address_one_gets_it(config: Config) -> None:
    tokens = []
    for number, name in enumerate(("alice", "bob")):
        email_change.mail(make_account(name), 1, NEW, number, site=config.site, now=utcnow())
        tokens.append(token_in(letters("new_address")[-1]))
    results = at_once(
        [
            lambda token=token: email_change.confirm(
                token, user_id=None, password=PASSWORD, cost=COST, site=config.site, now=utcnow()
            )  # type: ignore[misc]
            for token in tokens
        ]
    )
    assert outcomes(results) == {"Identity": 1, "EmailTaken": 1}
    assert db.session.scalar(select(func.count()).where(User.email == NEW)) == 1


def test_links_are_issued_used_and_ended_at_once_without_a_deadlock(config: Config) -> None:
    for number in range(5):
        name = f"alice{number}"
        alice = make_account(name)
        password_reset.mail(email_of(name), 1, site=config.site, now=utcnow())
        token = token_in(letters("reset_password")[-1])
        jobs = [
            lambda: password_reset.reset(token, chosen(1), cost=COST, site=config.site, now=utcnow()),  # noqa: B023
            lambda: password_reset.mail(email_of(name), 2, site=config.site, now=utcnow()),  # noqa: B023
            lambda: email_change.mail(alice, 1, NEW, 3, site=config.site, now=utcnow()),  # noqa: B023
            lambda: account_closing.close(alice, site=config.site, now=utcnow()),  # noqa: B023
            lambda: staffing.change_role(email_of(name), Role.STAFF, now=utcnow()),  # noqa: B023
        ]
        allowed = (LinkSpent, NotFound, type(None))
        assert [result for result in at_once(jobs) if not isinstance(result, allowed)] == []


def test_whoever_signs_in_while_the_password_is_changed_is_not_signed_in(config: Config) -> None:
    """The old password was checked just before: the session would begin after all others were ended."""
    alice = make_account("alice")
    who = accounts.authenticate(ALICE, PASSWORD)
    profile.change_password(alice, PASSWORD, Chosen(chosen(1)), cost=COST, site=config.site, now=utcnow())
    with pytest.raises(SignInNeeded):
        sign_ins.begin(who, "a" * 64, user_agent="", address="", now=utcnow())
    assert sign_ins.check("a" * 64, now=utcnow()) is None


def test_an_account_is_asked_for_while_its_owner_opens_it(config: Config) -> None:
    """Whatever comes first: the account is open with the password that opened it, or asked for with another."""
    for _ in range(10):
        registration.register(ALICE, Chosen(PASSWORD), cost=COST, now=utcnow())
        registration.mail(ALICE, int(utcnow().timestamp() * 1e6), site=config.site, now=utcnow())
        token = token_in(letters("confirm_address")[-1])
        results = at_once(
            [
                lambda: registration.confirm(token, PASSWORD, cost=COST, now=utcnow()),  # noqa: B023
                lambda: registration.register(ALICE, Chosen(chosen(0)), cost=COST, now=utcnow()),
            ]
        )
        is_open = results[0] == ALICE
        assert is_open or isinstance(results[0], WrongPassword | LinkSpent)
        assert who_signs_in(ALICE, 1) == [], "the stranger's password opens nothing"
        with db.session.begin():
            db.session.query(User).delete()
        db.release()

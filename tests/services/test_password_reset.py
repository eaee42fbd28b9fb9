"""A new password for whoever reads the address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors.accounts import BadCredentials, LinkSpent, WeakPassword
from mountify.models.account import EmailToken, User
from mountify.models.email import Email
from mountify.services import accounts, email_change, password_reset, sign_ins
from tests.cast import COST, PASSWORD, email_of, make_account
from tests.factories import make_shop
from tests.letters import letters, token_in
from tests.queries import queries

ALICE, ANOTHER = email_of("alice"), "another long and boring one"


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


@pytest.fixture
def link(config: Config) -> Callable[..., str]:
    """Ask for a link for Alice, and take it from the mail."""

    def ask(*, now: datetime | None = None, email: str = ALICE) -> str:
        moment = now or utcnow()
        password_reset.mail(email, int(moment.timestamp() * 1e6), site=config.site, now=moment)
        return token_in(letters("reset_password")[-1])

    return ask


@pytest.fixture
def reset(config: Config) -> Callable[..., None]:
    def reset(token: str, password: str = ANOTHER, *, now: datetime | None = None) -> None:
        password_reset.reset(token, password, cost=COST, site=config.site, now=now or utcnow())

    return reset


def test_a_link_gives_the_account_another_password(link: Callable[..., str], reset: Callable[..., None]) -> None:
    make_account("alice")
    reset(link())
    assert accounts.authenticate(ALICE, ANOTHER).email == ALICE
    with pytest.raises(BadCredentials):
        accounts.authenticate(ALICE, PASSWORD)
    (letter,) = letters("password_changed")
    assert letter.recipient == ALICE and "signed out" in letter.text and ANOTHER not in letter.text + letter.html


def test_it_ends_every_sign_in_and_every_other_link(
    link: Callable[..., str], reset: Callable[..., None], config: Config
) -> None:
    alice = make_account("alice")
    who = accounts.authenticate(ALICE, PASSWORD)
    sign_ins.begin(who, "a" * 64, user_agent="", address="", now=utcnow())
    email_change.mail(alice, 1, "mallory@example.com", 1, site=config.site, now=utcnow())
    reset(link())
    assert sign_ins.check("a" * 64, now=utcnow()) is None
    assert db.session.scalars(select(EmailToken)).all() == []


def test_a_link_works_once_for_half_an_hour_and_only_the_newest(
    link: Callable[..., str], reset: Callable[..., None]
) -> None:
    make_account("alice")
    now = utcnow()
    old, new = link(now=now), link(now=now + timedelta(seconds=1))
    for spent, moment in ((old, now), (new, now + timedelta(minutes=31)), (new[1:], now), ("x" * 43, now), ("", now)):
        with pytest.raises(LinkSpent):
            reset(spent, now=moment)
    reset(new, now=now + timedelta(minutes=29))
    with pytest.raises(LinkSpent):
        reset(new, "a third long and boring one", now=now + timedelta(minutes=29))
    assert accounts.authenticate(ALICE, ANOTHER).email == ALICE


def test_a_weak_password_does_not_use_the_link_up(link: Callable[..., str], reset: Callable[..., None]) -> None:
    make_account("alice")
    token = link()
    for weak in ("short", "alice1234", "x" * 73, "password"):
        with pytest.raises(WeakPassword):
            reset(token, weak)
    reset(token)


def test_a_link_of_one_account_changes_no_other(link: Callable[..., str], reset: Callable[..., None]) -> None:
    make_account("alice")
    make_account("bob")
    reset(link())
    assert accounts.authenticate(email_of("bob"), PASSWORD).email == email_of("bob")


def test_an_unknown_address_and_a_disabled_account_get_nothing(config: Config) -> None:
    make_account("alice")
    db.session.execute(update(User).values(disabled_at=utcnow()))
    db.session.commit()
    for number, email in enumerate((ALICE, email_of("nobody"))):
        password_reset.mail(email, number, site=config.site, now=utcnow())
    assert db.session.scalars(select(Email)).all() == []


def test_a_link_dies_with_the_account_it_was_for(link: Callable[..., str], reset: Callable[..., None]) -> None:
    make_account("alice")
    token = link()
    db.session.execute(update(User).values(disabled_at=utcnow()))
    db.session.commit()
    with pytest.raises(LinkSpent):
        reset(token)


def test_the_shop_does_the_same_whoever_is_asked_about() -> None:
    make_account("alice")
    asked = [
        queries(lambda email=email: password_reset.ask(email, now=utcnow())) for email in (ALICE, email_of("nobody"))
    ]
    assert asked[0] == asked[1] and not any("FROM users" in query for query in asked[0])


def test_nobody_is_mailed_more_than_three_times_in_a_quarter_of_an_hour(link: Callable[..., str]) -> None:
    make_account("alice")
    now = utcnow()
    for second in range(5):
        link(now=now + timedelta(seconds=second))
    assert len(letters("reset_password")) == 3


def test_an_account_of_google_gets_its_first_password(link: Callable[..., str], reset: Callable[..., None]) -> None:
    make_account("alice")
    db.session.execute(update(User).values(password_hash=None))
    db.session.commit()
    reset(link())
    assert accounts.authenticate(ALICE, ANOTHER).email == ALICE

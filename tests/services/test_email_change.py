"""Another email for an account: only who reads it and owns the account gets it there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors.accounts import BadCredentials, EmailTaken, LinkSpent, WrongPassword
from mountify.core.site import Site
from mountify.models.account import User
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.services import account_links, accounts, email_change, password_reset, profile, registration, sign_ins
from mountify.services.checkout import Started
from mountify.services.passwords import Chosen
from tests.cast import COST, PASSWORD, email_of, make_account
from tests.factories import make_shop
from tests.letters import letters, token_in

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
        return profile.change_password(alice, current, Chosen(new), cost=COST, site=site, now=utcnow())

    return change


def begin(email: str = ALICE, password: str = PASSWORD, name: str = "a") -> str:
    who = accounts.authenticate(email, password)
    sign_ins.begin(who, name * 64, user_agent="", address="", now=utcnow())
    return name * 64


def change_address(token: str, site: Site, *, user_id: int | None = None, now: datetime) -> accounts.Identity:
    """By a browser in which nobody is signed in, with the password."""
    password = "" if user_id else PASSWORD
    return email_change.confirm(token, user_id=user_id, password=password, cost=COST, site=site, now=now)


def ask_for(alice: int, site: Site, email: str = NEW, number: int = 1) -> str:
    version = accounts.get(alice).auth_version
    email_change.mail(alice, version, email, number, site=site, now=utcnow())
    return token_in(letters("new_address")[-1])


def test_it_ends_links_that_somebody_else_may_hold(
    alice: int, site: Site, change: Callable[..., accounts.Identity]
) -> None:
    password_reset.mail(ALICE, 1, site=site, now=utcnow())
    link, other = token_in(letters("reset_password")[0]), ask_for(alice, site)
    change()
    with pytest.raises(LinkSpent):
        account_links.look_at(link, account_links.RESET, now=utcnow())
    with pytest.raises(LinkSpent):
        change_address(other, site, now=utcnow())


def test_a_new_address_counts_once_its_owner_has_followed_the_link(alice: int, site: Site) -> None:
    session = begin()
    token = ask_for(alice, site)
    assert letters("new_address")[0].recipient == NEW and accounts.get(alice).email == ALICE
    changed = change_address(token, site, now=utcnow())
    assert changed.email == accounts.authenticate(NEW, PASSWORD).email == NEW
    with pytest.raises(BadCredentials):
        accounts.authenticate(ALICE, PASSWORD)
    assert sign_ins.check(session, now=utcnow()) is None
    (told,) = letters("address_changed")
    assert told.recipient == ALICE and NEW in told.text


def test_the_address_of_another_account_is_not_had_and_its_owner_is_told(alice: int, site: Site) -> None:
    make_account("bob")
    email_change.mail(alice, 1, email_of("bob"), 1, site=site, now=utcnow())
    assert letters("new_address") == []
    assert [letter.recipient for letter in letters("address_taken")] == [email_of("bob")]


def test_an_address_that_was_taken_meanwhile_is_not_had(alice: int, site: Site) -> None:
    token = ask_for(alice, site, email_of("bob"))
    make_account("bob")
    with pytest.raises(EmailTaken):
        change_address(token, site, now=utcnow())
    assert accounts.get(alice).email == ALICE


def test_an_account_that_was_asked_for_and_never_opened_makes_room(alice: int, site: Site) -> None:
    registration.register(NEW, Chosen(PASSWORD), cost=COST, now=utcnow())
    change_address(ask_for(alice, site), site, now=utcnow())
    assert accounts.find_by_email(NEW) == alice


def test_a_link_to_an_address_works_once_for_half_an_hour_and_only_the_newest(alice: int, site: Site) -> None:
    old, new = ask_for(alice, site), ask_for(alice, site, "alice@example.org", 2)
    for spent, moment in ((old, utcnow()), (new, utcnow() + timedelta(minutes=31)), (new[:-1], utcnow())):
        with pytest.raises(LinkSpent):
            change_address(spent, site, now=moment)
    change_address(new, site, now=utcnow())
    with pytest.raises(LinkSpent):
        change_address(new, site, now=utcnow())
    assert accounts.get(alice).email == "alice@example.org"


def test_ones_own_address_is_no_new_one(alice: int, site: Site) -> None:
    email_change.mail(alice, 1, ALICE.upper(), 1, site=site, now=utcnow())
    assert db.session.scalars(select(Email)).all() == []


def test_orders_of_the_new_address_join_the_account(paid: Started, site: Site) -> None:
    alice = make_account("alice")
    email = db.session.get_one(Order, paid.order_id).email
    change_address(ask_for(alice, site, email), site, now=utcnow())
    db.release()
    assert db.session.get_one(Order, paid.order_id).user_id == alice


def test_a_link_to_an_address_needs_the_account_it_is_for(alice: int, site: Site) -> None:
    """Else Mallory asks for the victim's address, and waits for them to follow the link: their orders would be hers."""
    bob = make_account("bob")
    token = ask_for(alice, site)
    for user_id, password in ((None, ""), (None, "wrong"), (bob, ""), (bob, "wrong")):
        with pytest.raises(WrongPassword):
            email_change.confirm(token, user_id=user_id, password=password, cost=COST, site=site, now=utcnow())
    assert change_address(token, site, user_id=alice, now=utcnow()).email == NEW


def test_a_link_that_was_asked_for_before_the_owner_came_back_is_not_sent_after(
    alice: int, site: Site, change: Callable[..., accounts.Identity]
) -> None:
    email_change.ask(alice, NEW, now=utcnow())
    change()
    email_change.mail(alice, 1, NEW, 1, site=site, now=utcnow())
    assert letters("new_address") == []


def test_an_earlier_link_dies_whether_or_not_the_next_address_is_taken(alice: int, site: Site) -> None:
    """Else the asker learns from it who has an account."""
    make_account("bob")
    for taken in (email_of("bob"), "nobody@example.com"):
        first = ask_for(alice, site, number=hash(taken))
        email_change.mail(alice, 1, taken, 2, site=site, now=utcnow())
        with pytest.raises(LinkSpent):
            change_address(first, site, now=utcnow())


def test_a_disabled_account_keeps_its_address(alice: int, site: Site) -> None:
    registration.register(NEW, Chosen(PASSWORD), cost=COST, now=utcnow())
    db.session.execute(update(User).where(User.email == NEW).values(disabled_at=utcnow()))
    db.session.commit()
    with pytest.raises(EmailTaken):
        change_address(ask_for(alice, site), site, now=utcnow())

"""Asking for an account, and opening it: nobody but the owner of an address learns anything, or gets in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors.accounts import BadCredentials, LinkSpent, WeakPassword, WrongPassword
from mountify.core.tokens import new_token
from mountify.models.account import EmailToken, User
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.services import account_cleaning, accounts, password_reset, registration
from mountify.services.checkout import Started
from mountify.services.passwords import Chosen
from tests.cast import COST, PASSWORD, email_of, make_account
from tests.factories import make_shop
from tests.fakes import FakeMailer
from tests.letters import letters, token_in
from tests.queries import queries

ALICE, MALLORYS = email_of("alice"), "what mallory has chosen"


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


@pytest.fixture
def ask(config: Config) -> Callable[..., None]:
    """Ask for an account, and let the mail about it be written."""

    def ask(email: str = ALICE, password: str = PASSWORD, *, now: datetime | None = None) -> None:
        moment = now or utcnow()
        registration.register(email, Chosen(password), cost=COST, now=moment)
        registration.mail(email, int(moment.timestamp() * 1e6), site=config.site, now=moment)

    return ask


def confirm(token: str, password: str = PASSWORD, *, now: datetime | None = None) -> str:
    return registration.confirm(token, password, cost=COST, now=now or utcnow())


def test_an_account_is_opened_by_its_link_and_its_password(ask: Callable[..., None]) -> None:
    ask()
    with pytest.raises(BadCredentials):
        accounts.authenticate(ALICE, PASSWORD)
    (letter,) = letters("confirm_address")
    assert letter.recipient == ALICE
    assert confirm(token_in(letter)) == ALICE
    assert accounts.authenticate(ALICE, PASSWORD).email == ALICE


def test_a_link_works_once_and_for_half_an_hour_and_only_the_newest(ask: Callable[..., None]) -> None:
    now = utcnow()
    ask(now=now)
    ask(now=now + timedelta(seconds=1))
    old, new = (token_in(letter) for letter in letters("confirm_address"))
    for spent, moment in (
        (old, now),
        (new, now + timedelta(minutes=31)),
        (new[:-1], now),
        (new_token(), now),
        ("", now),
    ):
        with pytest.raises(LinkSpent):
            confirm(spent, now=moment)
    confirm(new, now=now + timedelta(minutes=29))
    with pytest.raises(LinkSpent):
        confirm(new, now=now + timedelta(minutes=29))


def test_only_a_hash_of_a_link_is_kept_and_the_mail_no_longer_than_it_takes(
    ask: Callable[..., None], run_jobs: Callable[[], int], mailer: FakeMailer
) -> None:
    ask()
    token = token_in(letters("confirm_address")[0])
    stored = db.session.scalars(select(EmailToken)).one()
    assert token not in (stored.token_hash, "") and len(stored.token_hash) == 64
    run_jobs()
    (letter,) = letters("confirm_address")
    assert (letter.html, letter.text) == ("", "")
    assert any(token in str(mail["text"]) for mail in mailer.sent.values())


def test_whoever_reads_the_address_does_not_open_what_a_stranger_has_asked_for(ask: Callable[..., None]) -> None:
    """Else Mallory registers the address, waits for its owner to follow the link, and knows the password."""
    ask(password=MALLORYS)
    token = token_in(letters("confirm_address")[0])
    with pytest.raises(WrongPassword):
        confirm(token, "what alice believes")
    assert confirm(token, MALLORYS) == ALICE, "a wrong password does not use the link up"


def test_who_asks_again_before_the_account_is_open_has_the_last_word(ask: Callable[..., None]) -> None:
    ask(password=MALLORYS)
    ask()
    token = token_in(letters("confirm_address")[-1])
    with pytest.raises(WrongPassword):
        confirm(token, MALLORYS)
    confirm(token)


def test_a_taken_address_stays_as_it_is_and_its_owner_is_told(ask: Callable[..., None]) -> None:
    make_account("alice")
    ask(password=MALLORYS)
    assert accounts.authenticate(ALICE, PASSWORD).email == ALICE
    with pytest.raises(BadCredentials):
        accounts.authenticate(ALICE, MALLORYS)
    (letter,) = letters("address_taken")
    assert letter.recipient == ALICE and letters("confirm_address") == []


def test_the_shop_does_the_same_whoever_is_asked_about() -> None:
    """How long an answer takes tells nothing: the same questions to the database, and the same work before them."""
    make_account("alice")
    registration.register(email_of("carol"), Chosen(PASSWORD), cost=COST, now=utcnow())
    asked = [
        queries(lambda email=email: registration.register(email, Chosen(PASSWORD), cost=COST, now=utcnow()))
        for email in (ALICE, email_of("nobody"), email_of("carol"))
    ]
    assert asked[0] == asked[1] == asked[2]


def test_a_disabled_account_is_neither_asked_for_again_nor_written_to(ask: Callable[..., None]) -> None:
    make_account("alice")
    db.session.execute(update(User).values(disabled_at=utcnow(), email_confirmed_at=None))
    db.session.commit()
    before = db.session.scalars(select(User.password_hash)).one()
    ask(password=MALLORYS)
    assert db.session.scalars(select(User.password_hash)).one() == before
    assert db.session.scalars(select(Email)).all() == []


def test_nobody_is_mailed_more_than_three_links_in_a_quarter_of_an_hour(ask: Callable[..., None]) -> None:
    now = utcnow()
    for second in range(5):
        ask(now=now + timedelta(seconds=second))
    assert len(letters("confirm_address")) == 3
    ask(now=now + timedelta(minutes=16))
    assert len(letters("confirm_address")) == 4


def test_a_job_that_is_done_twice_writes_once_and_leaves_the_link_alone(config: Config) -> None:
    now = utcnow()
    registration.register(ALICE, Chosen(PASSWORD), cost=COST, now=now)
    for _ in range(2):
        registration.mail(ALICE, 7, site=config.site, now=now)
    (letter,) = letters("confirm_address")
    confirm(token_in(letter))


def test_a_weak_password_asks_for_nothing() -> None:
    with pytest.raises(WeakPassword):
        accounts.choose_password(ALICE, "", "alice1234")


def test_orders_placed_as_a_guest_join_the_account_once_the_address_is_shown(
    ask: Callable[..., None], paid: Started
) -> None:
    order = db.session.get_one(Order, paid.order_id)
    address = order.email
    ask(address)
    assert db.session.get_one(Order, paid.order_id).user_id is None
    confirm(token_in(letters("confirm_address")[0]))
    db.release()
    assert db.session.get_one(Order, paid.order_id).user_id == accounts.find_by_email(address)


def test_a_link_to_a_new_password_opens_the_account_as_well(ask: Callable[..., None], config: Config) -> None:
    ask(password=MALLORYS)
    password_reset.mail(ALICE, 1, site=config.site, now=utcnow())
    token = token_in(letters("reset_password")[0])
    password_reset.reset(token, PASSWORD, cost=COST, site=config.site, now=utcnow())
    assert accounts.authenticate(ALICE, PASSWORD).email == ALICE
    with pytest.raises(LinkSpent):
        confirm(token_in(letters("confirm_address")[0]), MALLORYS)


def test_an_account_that_nobody_opens_is_gone_after_a_week(ask: Callable[..., None]) -> None:
    ask()
    make_account("bob")
    assert account_cleaning.purge(now=utcnow() + timedelta(days=6)) == 0
    ask(now=utcnow() + timedelta(days=6))
    assert account_cleaning.purge(now=utcnow() + timedelta(days=8)) == 0, "who asks again has another week"
    assert account_cleaning.purge(now=utcnow() + timedelta(days=14)) == 1
    assert accounts.find_by_email(ALICE) is None and accounts.find_by_email(email_of("bob"))

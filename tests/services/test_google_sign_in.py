"""Who somebody at Google is here: known by subject, never by address, and joined by a password only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound, ShopError
from mountify.core.errors.accounts import AccountDisabled, BadCredentials, LastWayIn, SignInNeeded
from mountify.core.errors.google import AddressTaken, ConnectedElsewhere, EmailNotVerified, NoEmailAtGoogle
from mountify.core.google_account import GoogleAccount
from mountify.models.account import OAuthIdentity, Role, User
from mountify.models.email import Email
from mountify.services import accounts, google_sign_in, registration
from mountify.services.passwords import Chosen
from tests.cast import COST, PASSWORD, email_of, make_account
from tests.factories import make_shop

ALICE = GoogleAccount("https://accounts.google.com", "1", email_of("alice"), True, "Alice Archer")


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def count(model: Any) -> int:
    db.release()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def change(**values: object) -> None:
    db.session.execute(update(User).values(**values))
    db.session.commit()


def user() -> User:
    db.release()
    return db.session.scalars(select(User)).one()


def join(config: Config, google: GoogleAccount = ALICE, password: str = PASSWORD) -> int:
    return google_sign_in.join(google, password, cost=COST, site=config.site, now=utcnow()).id


def connect(user_id: int, config: Config, google: GoogleAccount = ALICE) -> None:
    who = accounts.identity_of(accounts.get(user_id))
    google_sign_in.connect(who, google, site=config.site, now=utcnow())


def disconnect(user_id: int, identity_id: int, config: Config) -> None:
    google_sign_in.disconnect(user_id, identity_id, site=config.site, now=utcnow())


def test_somebody_new_gets_a_confirmed_account_without_a_password() -> None:
    who = google_sign_in.sign_in(ALICE, now=utcnow())
    made = user()
    assert (made.id, made.email, made.name, made.role) == (who.id, ALICE.email, "Alice Archer", Role.CUSTOMER)
    assert made.email_confirmed_at is not None and made.password_hash is None
    with pytest.raises(BadCredentials):
        accounts.authenticate(ALICE.email, "")
    assert count(Email) == 0


def test_an_account_is_known_by_issuer_and_subject_whatever_the_address() -> None:
    first = google_sign_in.sign_in(ALICE, now=utcnow())
    moved = replace(ALICE, email="new@example.net", is_verified=False, name="Somebody")
    assert google_sign_in.sign_in(moved, now=utcnow()) == first
    assert google_sign_in.sign_in(replace(ALICE, email=""), now=utcnow()) == first
    assert (user().email, user().name) == (ALICE.email, "Alice Archer")
    for other in (replace(ALICE, subject="2"), replace(ALICE, issuer="https://accounts.example")):
        with pytest.raises(AddressTaken):
            google_sign_in.sign_in(other, now=utcnow())
    assert count(User) == count(OAuthIdentity) == 1


@pytest.mark.parametrize(
    ("google", "error"),
    [(replace(ALICE, is_verified=False), EmailNotVerified), (replace(ALICE, email=""), NoEmailAtGoogle)],
)
def test_nobody_gets_in_by_an_address_that_google_does_not_vouch_for(
    config: Config, google: GoogleAccount, error: type[ShopError]
) -> None:
    with pytest.raises(error):
        google_sign_in.sign_in(google, now=utcnow())
    alice = make_account("alice")
    for enter in (lambda: join(config, google), lambda: connect(alice, config, google)):
        with pytest.raises(error):
            enter()
    assert count(User) == 1 and count(OAuthIdentity) == 0


def test_an_existing_account_is_never_joined_by_its_address() -> None:
    make_account("alice")
    for address in (ALICE.email, ALICE.email.upper()):
        with pytest.raises(AddressTaken):
            google_sign_in.sign_in(replace(ALICE, email=address), now=utcnow())
    assert count(OAuthIdentity) == count(Email) == 0


def test_an_address_is_the_same_however_its_domain_is_written(config: Config) -> None:
    typed = replace(ALICE, email="sam@bücher.example")
    registration.register("sam@xn--bcher-kva.example", Chosen(PASSWORD), cost=COST, now=utcnow())
    change(email_confirmed_at=utcnow())
    with pytest.raises(AddressTaken):
        google_sign_in.sign_in(typed, now=utcnow())
    assert join(config, typed) == user().id and count(User) == 1
    google_sign_in.sign_in(replace(typed, subject="2", email="eve@bücher.example"), now=utcnow())
    assert accounts.find_by_email("eve@xn--bcher-kva.example")


@pytest.mark.parametrize("email", ["jürgen@example.com", "a@b", "a b@example.com", "x" * 300 + "@example.com", "@"])
def test_an_address_that_no_mail_goes_to_is_none(config: Config, email: str) -> None:
    google = replace(ALICE, email=email)
    with pytest.raises(NoEmailAtGoogle):
        google_sign_in.sign_in(google, now=utcnow())
    alice = make_account("alice")
    for enter in (lambda: join(config, google), lambda: connect(alice, config, google)):
        with pytest.raises(NoEmailAtGoogle):
            enter()
    assert count(User) == 1


def test_an_existing_account_is_joined_by_its_password_and_its_owner_is_told(config: Config) -> None:
    alice = make_account("alice")
    assert join(config) == alice
    assert google_sign_in.sign_in(ALICE, now=utcnow()).id == alice
    mail = db.session.scalars(select(Email)).one()
    assert (mail.kind, mail.user_id, mail.recipient) == ("sign_in_added", alice, ALICE.email)
    assert user().email_confirmed_at is not None
    assert accounts.authenticate(ALICE.email, PASSWORD).id == alice


def test_an_account_that_nobody_has_opened_is_whose_google_says_the_address_is(config: Config) -> None:
    """Mallory may have asked for it, with a password that she knows."""
    registration.register(ALICE.email, Chosen(PASSWORD), cost=COST, now=utcnow())
    who = google_sign_in.sign_in(ALICE, now=utcnow())
    assert (user().id, user().password_hash, user().is_confirmed) == (who.id, None, True)
    with pytest.raises(BadCredentials):
        accounts.authenticate(ALICE.email, PASSWORD)


def test_joining_twice_adds_one_way_to_sign_in(config: Config) -> None:
    alice = make_account("alice")
    assert [join(config), join(config)] == [alice, alice]
    assert count(OAuthIdentity) == count(Email) == 1


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD + "\0", "x" * 5000])
def test_a_wrong_password_joins_nothing(config: Config, password: str) -> None:
    make_account("alice")
    with pytest.raises(BadCredentials):
        join(config, password=password)
    assert count(OAuthIdentity) == count(Email) == 0


def test_a_closed_a_passwordless_and_a_missing_account_are_joined_no_more_than_by_a_wrong_password(
    config: Config,
) -> None:
    with pytest.raises(BadCredentials):
        join(config)
    make_account("alice")
    for closed in ({"disabled_at": utcnow()}, {"disabled_at": None, "password_hash": None}):
        change(**closed)
        with pytest.raises(BadCredentials):
            join(config)
    assert count(OAuthIdentity) == 0


def test_a_closed_account_is_not_opened_by_google(config: Config) -> None:
    alice = google_sign_in.sign_in(ALICE, now=utcnow()).id
    change(disabled_at=utcnow())
    with pytest.raises(AccountDisabled):
        google_sign_in.sign_in(ALICE, now=utcnow())
    with pytest.raises(AccountDisabled):
        connect(alice, config, replace(ALICE, subject="2"))
    assert count(OAuthIdentity) == 1


def test_whoever_is_signed_in_may_connect_google_with_another_address(config: Config) -> None:
    alice = make_account("alice")
    elsewhere = replace(ALICE, email="alice@example.net")
    connect(alice, config, elsewhere)
    connect(alice, config, elsewhere)
    assert google_sign_in.sign_in(elsewhere, now=utcnow()).id == alice
    assert user().email == ALICE.email
    assert [mail.recipient for mail in db.session.scalars(select(Email))] == [ALICE.email]


def test_nothing_is_connected_to_an_account_whose_sign_ins_were_ended_meanwhile(config: Config) -> None:
    """Google may take its time, and the owner has thrown everybody out in between."""
    alice = make_account("alice")
    before = accounts.identity_of(accounts.get(alice))
    change(auth_version=before.auth_version + 1)
    with pytest.raises(SignInNeeded):
        google_sign_in.connect(before, ALICE, site=config.site, now=utcnow())
    assert count(OAuthIdentity) == 0


def test_what_signs_in_to_one_account_is_not_connected_to_another(config: Config) -> None:
    bob = make_account("bob")
    alice = google_sign_in.sign_in(ALICE, now=utcnow()).id
    with pytest.raises(ConnectedElsewhere):
        connect(bob, config)
    assert [identity.user_id for identity in google_sign_in.list_identities(alice)] == [alice]
    assert google_sign_in.list_identities(bob) == [] and count(Email) == 0


def test_the_last_way_to_sign_in_stays(config: Config) -> None:
    alice = google_sign_in.sign_in(ALICE, now=utcnow()).id
    (first,) = google_sign_in.list_identities(alice)
    with pytest.raises(LastWayIn):
        disconnect(alice, first.id, config)
    connect(alice, config, replace(ALICE, subject="2"))
    disconnect(alice, first.id, config)
    (second,) = google_sign_in.list_identities(alice)
    with pytest.raises(LastWayIn):
        disconnect(alice, second.id, config)
    assert count(OAuthIdentity) == 1


def test_who_has_a_password_may_let_google_go(config: Config) -> None:
    alice = make_account("alice")
    join(config)
    (identity,) = google_sign_in.list_identities(alice)
    disconnect(alice, identity.id, config)
    with pytest.raises(AddressTaken):
        google_sign_in.sign_in(ALICE, now=utcnow())


def test_the_owner_is_told_each_time_a_way_to_sign_in_is_gone_and_never_when_it_stays(config: Config) -> None:
    alice = make_account("alice")
    for _ in range(2):
        join(config)
        (identity,) = google_sign_in.list_identities(alice)
        with pytest.raises(NotFound):
            disconnect(alice, identity.id + 1, config)
        disconnect(alice, identity.id, config)
    mails = list(db.session.scalars(select(Email).where(Email.kind == "sign_in_removed").order_by(Email.id)))
    assert [(mail.user_id, mail.recipient) for mail in mails] == [(alice, ALICE.email)] * 2
    assert mails[0].subject.startswith("Google no longer signs in to your account")
    assert "can no longer be opened with Google" in mails[0].text and "/settings" in mails[0].html


def test_nobody_removes_somebody_elses_way_to_sign_in(config: Config) -> None:
    bob = make_account("bob")
    make_account("alice")
    alice = join(config)
    (identity,) = google_sign_in.list_identities(alice)
    for identity_id in (identity.id, 10**17):
        with pytest.raises(NotFound):
            disconnect(bob, identity_id, config)
    assert count(OAuthIdentity) == 1


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Let everybody begin together; gives what came of each."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        gate.wait(timeout=10)
        try:
            return act()
        except ShopError as error:
            return type(error)
        finally:
            db.release()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.commits
def test_first_sign_ins_at_once_make_one_account() -> None:
    for turn in range(10):
        google = replace(ALICE, subject=str(turn), email=f"a{turn}@example.com")
        found = at_once(*[lambda g=google: google_sign_in.sign_in(g, now=utcnow()).id] * 6)  # type: ignore[misc]
        assert len(set(found)) == 1
    assert count(User) == count(OAuthIdentity) == 10


@pytest.mark.commits
def test_two_people_at_google_with_one_address_never_share_an_account() -> None:
    for turn in range(5):
        both = [replace(ALICE, subject=f"{turn}-{one}", email=f"a{turn}@example.com") for one in range(4)]
        found = at_once(*[lambda g=google: google_sign_in.sign_in(g, now=utcnow()).id for google in both])  # type: ignore[misc]
        assert found.count(AddressTaken) == 3
    assert count(User) == count(OAuthIdentity) == 5


@pytest.mark.commits
def test_one_person_at_google_is_connected_to_one_of_two_accounts_and_one_mail_tells_of_it(config: Config) -> None:
    users = [make_account(name) for name in ("alice", "bob")]
    found = at_once(*[lambda u=user_id: connect(u, config) for user_id in users])  # type: ignore[misc]
    assert sorted(str(one) for one in found) == sorted([str(None), str(ConnectedElsewhere)])
    assert count(OAuthIdentity) == count(Email) == 1


@pytest.mark.commits
def test_two_removals_at_once_leave_one_way_in(config: Config) -> None:
    alice = google_sign_in.sign_in(ALICE, now=utcnow()).id
    connect(alice, config, replace(ALICE, subject="2"))
    ids = [identity.id for identity in google_sign_in.list_identities(alice)]
    db.release()
    found = at_once(*[lambda i=one: disconnect(alice, i, config) for one in ids])  # type: ignore[misc]
    assert sorted(str(one) for one in found) == sorted([str(None), str(LastWayIn)])

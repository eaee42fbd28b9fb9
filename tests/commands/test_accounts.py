"""Who works in the shop, as it is typed at a terminal."""

from __future__ import annotations

import pytest

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import BadCredentials
from mountify.models.account import Role
from mountify.services import accounts, sign_ins
from tests.cast import PASSWORD, email_of, make_account

from .office import Office

pytestmark = pytest.mark.commits
ALICE = email_of("alice")


def begin() -> str:
    who = accounts.authenticate(ALICE, PASSWORD)
    sign_ins.begin(who, "a" * 64, user_agent="", address="", now=utcnow())
    return "a" * 64


def is_good(session: str) -> bool:
    return sign_ins.check(session, now=utcnow()) is not None


def test_the_first_admin_is_made_at_a_terminal(office: Office) -> None:
    said = office.run("accounts", "create", " Ada@Example.com ", "--name", "Ada", "--password", PASSWORD)
    assert said == "Ada@example.com can sign in, as admin.\n"
    who = accounts.authenticate("ada@example.com", PASSWORD)
    assert (who.role, who.name) == (Role.ADMIN, "Ada")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("no-address", "--password", PASSWORD), "is no address"),
        ((ALICE, "--password", PASSWORD), "already"),
        (("bob@example.com", "--password", "short"), "at least 8 characters"),
        (("bob@example.com", "--role", "owner", "--password", PASSWORD), "Invalid value"),
    ],
)
def test_what_makes_no_sense_makes_no_account(office: Office, words: tuple[str, ...], why: str) -> None:
    make_account("alice")
    assert why in office.run("accounts", "create", *words, code=2 if "--role" in words else 1)
    assert accounts.find_by_email("bob@example.com") is None


def test_another_role_ends_every_sign_in(office: Office) -> None:
    make_account("alice")
    session = begin()
    office.run("accounts", "role", ALICE.upper(), "staff")
    assert not is_good(session) and accounts.authenticate(ALICE, PASSWORD).role is Role.STAFF


def test_the_same_role_ends_nothing(office: Office) -> None:
    make_account("alice")
    session = begin()
    office.run("accounts", "role", ALICE, "customer")
    assert is_good(session)


def test_a_disabled_account_is_out_at_once_and_comes_back_by_its_password(office: Office) -> None:
    make_account("alice")
    session = begin()
    office.run("accounts", "disable", ALICE)
    assert not is_good(session)
    with pytest.raises(BadCredentials):
        accounts.authenticate(ALICE, PASSWORD)
    office.run("accounts", "enable", ALICE)
    assert accounts.authenticate(ALICE, PASSWORD).email == ALICE and not is_good(session)


def test_an_account_is_signed_out_everywhere(office: Office) -> None:
    make_account("alice")
    session = begin()
    office.run("accounts", "sign-out", ALICE)
    assert not is_good(session)


def test_an_account_is_shown_with_where_it_is_signed_in(office: Office) -> None:
    make_account("alice")
    assert "customer, open" in office.run("accounts", "show", ALICE)
    begin()
    shown = office.run("accounts", "show", ALICE)
    assert "signs in by password" in shown and shown.count("signed in since") == 1
    office.run("accounts", "disable", ALICE)
    shown = office.run("accounts", "show", ALICE)
    assert "disabled" in shown and "signed in since" not in shown


@pytest.mark.parametrize(
    "command", [("show", "{}"), ("role", "{}", "staff"), ("disable", "{}"), ("enable", "{}"), ("sign-out", "{}")]
)
def test_an_account_that_is_not_there_is_named(office: Office, command: tuple[str, ...]) -> None:
    words = [word.format("nobody@example.com") for word in command]
    assert "There is no account nobody@example.com." in office.run("accounts", *words, code=1)

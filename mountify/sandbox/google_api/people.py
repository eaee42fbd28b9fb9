"""Who has an account at Google: some ready people, and whoever was invented."""

import hashlib
import re
import secrets

from mountify.sandbox.context import the_sandbox
from mountify.sandbox.store import Doc

from .rules import EMAIL, PROFILE

Errors = dict[str, str]
_KIND = "google_person"
_SUB = re.compile(r"\d{21}")
_ORGANISATIONS = frozenset({"office.example"})


def list_people() -> list[Doc]:
    """Return everybody: the ready ones as they are now, then the invented ones, newest first."""
    kept = {person["id"]: person for person in the_sandbox().store.select(_KIND)}
    ready = [kept.pop(person["id"], person) for person in _READY]
    return ready + list(kept.values())


def find_person(sub: str) -> Doc | None:
    """Return the person of an account, or None."""
    return next((person for person in list_people() if person["id"] == sub), None)


def invent(form: dict[str, str]) -> tuple[Doc | None, Errors]:
    """Keep the person a form describes, or say what is wrong with it.

    The account is told by its number (`sub`), as Google asks its clients to: the same address is the same account, and
    an account given by number can get another address, after which the old one is free for somebody else.
    """
    name, sub = " ".join(form.get("name", "").split()), form.get("sub", "").strip()
    email, errors = _checked_email(form.get("email", "").strip())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        errors["name"] = "Enter a name of 1 to 100 characters."
    if sub and not _SUB.fullmatch(sub):
        errors["sub"] = "An account number has 21 digits."
    store = the_sandbox().store
    with store.transaction():
        owner = next((one for one in list_people() if email and _same(one["email"], email)), None)
        if owner and sub not in ("", owner["id"]):
            errors["email"] = f"This address belongs to the account {owner['id']}."
        if errors:
            return None, errors
        sub = sub or (owner["id"] if owner else _free_sub(email))
        person = _person(name, email, sub, is_verified=bool(form.get("verified")))
        store.save(person, _KIND)
    return person, {}


def claims_of(person: Doc, scope: str, public_url: str) -> Doc:
    """Return what a scope tells about a person, in ID tokens and userinfo alike."""
    claims: Doc = {"sub": person["id"]}
    if EMAIL in scope.split():
        claims |= {name: person[name] for name in ("hd", "email", "email_verified") if name in person}
    if PROFILE in scope.split():
        claims |= {"name": person["name"], "picture": f"{public_url}/static/face.svg"}
        claims |= {name: person[name] for name in ("given_name", "family_name") if name in person}
    return claims


def _person(name: str, email: str, sub: str, *, is_verified: bool = True) -> Doc:
    given, _, family = name.partition(" ")
    person: Doc = {"id": sub, "email": email, "email_verified": is_verified, "name": name, "given_name": given}
    if family:
        person["family_name"] = family
    domain = email.rpartition("@")[2].lower()
    return person | ({"hd": domain} if domain in _ORGANISATIONS else {})


def _checked_email(email: str) -> tuple[str, Errors]:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(email, check_deliverability=False).normalized, {}
    except EmailNotValidError:
        return "", {"email": "Enter an e-mail address such as sam@example.com."}


def _free_sub(email: str) -> str:
    """The number an address leads to, or a drawn one when the account of that number has moved to another address."""
    sub = _sub_of(email)
    return sub if find_person(sub) is None else str(10**20 + secrets.randbelow(10**20))


def _sub_of(email: str) -> str:
    digest = hashlib.sha256(email.lower().encode()).digest()
    return str(10**20 + int.from_bytes(digest) % 10**20)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


_READY = tuple(
    _person(name, email, _sub_of(email), is_verified=is_verified)
    for name, email, is_verified in (
        ("Alice Archer", "alice@mountify.example", True),  # who also has a password at the demo shop
        ("Nora Newcomer", "nora@example.com", True),
        ("Ursula Unverified", "ursula@example.org", False),
        ("Otto Office", "otto@office.example", True),
        ("Madonna", "madonna@example.net", True),
    )
)

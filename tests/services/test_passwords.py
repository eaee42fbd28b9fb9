"""Which passwords are taken, and how they are kept."""

from __future__ import annotations

import unicodedata

import bcrypt
import pytest
from zxcvbn.matching import L33T_TABLE, enumerate_l33t_subs, relevant_l33t_subtable

from mountify.core.errors.accounts import WeakPassword
from mountify.services import passwords

ABOUT = ["alice.archer@example.com", "Alice", "Archer", "Mountify"]
COST = passwords.LEAST_COST


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "   a b c d   ",
        "ünïcödé wörds",
        "🐎🔋📎🪵🌲🎈🧊🚲",
        "x7#kQ!2v",
        "l" + "ong " * 10 + "sentences are fine too",
        "The quick brown fox jumps over the lazy dog, and eats 72 bytes of honey",
    ],
)
def test_whatever_is_hard_to_guess_is_taken(password: str) -> None:
    passwords.choose(password, about=ABOUT)
    stored = passwords.hashed(password, cost=COST)
    assert stored.startswith("$2b$10$") and passwords.fits(password, stored, cost=COST)
    assert not passwords.fits(password + " ", stored, cost=COST)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "at least 8 characters"),
        ("short 7", "at least 8 characters"),
        ("🐎🔋📎🪵🌲🎈🧊", "at least 8 characters"),
        ("a" * 36 + " horse and 37 more bytes of a sentence", "at most 72 bytes"),
        ("ü" * 37, "at most 72 bytes"),
        ("horse\0battery", "cannot be used"),
        ("horse battery \ud800", "cannot be used"),
        ("password", "easy to guess"),
        ("12345678", "easy to guess"),
        ("        ", "easy to guess"),
        ("🐎" * 8, "easy to guess"),
        ("qwertyuiop", "easy to guess"),
        ("P4ssw0rd", "easy to guess"),
        ("alicearcher", "easy to guess"),
        ("mountify1", "easy to guess"),
        ("Archer2024", "easy to guess"),
    ],
)
def test_what_nobody_should_have_is_refused_with_the_reason(password: str, why: str) -> None:
    with pytest.raises(WeakPassword, match=why):
        passwords.choose(password, about=ABOUT)


def test_seventy_two_bytes_are_the_most() -> None:
    longest = "An honest sentence of seventy-two bytes, which is as far as bcrypt reads"
    assert len(longest) == 72
    passwords.choose(longest)
    with pytest.raises(WeakPassword, match="at most 72 bytes"):
        passwords.choose(longest + "!")
    assert passwords.fits(longest, passwords.hashed(longest, cost=COST), cost=COST)


def test_two_ways_to_write_a_letter_are_one_password() -> None:
    typed, decomposed = "grüne wörter", unicodedata.normalize("NFD", "grüne wörter")
    assert typed != decomposed
    assert passwords.fits(decomposed, passwords.hashed(typed, cost=COST), cost=COST)


@pytest.mark.parametrize("password", ["x" * 5000, "with \0", "with \ud800", ""])
def test_what_cannot_be_a_password_fits_nothing(password: str) -> None:
    assert not passwords.fits(password, None, cost=COST)
    assert not passwords.fits(password, passwords.hashed("correct horse", cost=COST), cost=COST)
    assert not passwords.fits("nobody has this password", None, cost=COST)


def test_a_hash_of_a_lower_cost_is_outdated() -> None:
    stored = passwords.hashed("correct horse", cost=10)
    assert passwords.is_outdated(stored, cost=11) and not passwords.is_outdated(stored, cost=10)


NASTY = "4@8({[<6391!|70$5+7%2"
NASTIER = "+$$$[{9@8<4@748@4@5!!4+45<0<69%5$63[<|@35/@!!7(4%[$28[<3[9(@!{8/{"


@pytest.mark.parametrize("nasty", [NASTY * 4, NASTY[::-1] * 4, NASTIER])
def test_judging_a_password_takes_a_bounded_amount_of_work(nasty: str) -> None:
    """Each sign may stand for letters: all readings of twenty of them keep a processor busy for 20 seconds."""
    table = relevant_l33t_subtable(passwords.few_signs(nasty[:72]), L33T_TABLE)
    assert len(enumerate_l33t_subs(table)) <= 8
    passwords.choose(nasty[:72])


@pytest.mark.parametrize("disguised", ["ｐａｓｓｗｏｒｄ", "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝"])
def test_a_letter_of_another_alphabet_that_is_kept_as_a_plain_one_is_judged_as_that(disguised: str) -> None:
    with pytest.raises(WeakPassword, match="easy to guess"):
        passwords.choose(disguised)


def test_a_hash_of_a_lower_cost_takes_as_long_to_refuse_as_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is counted in rounds of bcrypt, which is asked as ever."""
    rounds: list[int] = []
    real = bcrypt.checkpw

    def counting(password: bytes, hashed: bytes) -> bool:
        rounds.append(2 ** int(hashed.split(b"$")[2]))
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counting)
    for stored in (passwords.hashed("correct horse", cost=4), passwords.hashed("correct horse", cost=6), None):
        passwords.fits("wrong", stored, cost=6)
    assert sum(rounds[:3]) == rounds[3] == rounds[4] == 2**6 and len(rounds) == 5

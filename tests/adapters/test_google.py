"""The Google adapter, against the sandbox as its own process: who comes back, and every way it can be no proof."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mountify.adapters.google import MOST_NAME, GoogleIdentities, account_of
from mountify.core.clock import utcnow
from mountify.core.errors import ShopError
from mountify.core.errors.google import GoogleAnswerWrong, GoogleCancelled, GoogleCodeSpent, GoogleUnavailable
from mountify.core.google_account import GoogleAccount
from tests.sandbox.google_shop import CLIENT_ID, CLIENT_SECRET, REDIRECT, VERIFIER, answer_of, choose, invent, issuer_of
from tests.sandbox.support import Running

ALICE, URSULA = "alice@mountify.example", "ursula@example.org"
WRONG_TOKENS = {
    "wrong_nonce": "invalid_claim nonce",
    "no_nonce": "missing_claim nonce",
    "wrong_audience": "invalid_claim aud",
    "shared_audience": "audience",
    "wrong_party": "invalid_claim azp",
    "wrong_issuer": "invalid_claim iss",
    "expired": "expired_token exp",
    "no_hash": "missing_claim at_hash",
    "wrong_hash": "invalid_claim at_hash",
    "wrong_signature": "bad_signature",
    "unsigned": "unsupported_algorithm",
    "missing": "missing token",
}


@dataclass(frozen=True)
class SignIn:
    """One sign-in at the sandbox's Google, as the shop begins and ends it."""

    google: GoogleIdentities
    sandbox: Running
    nonce: str = "of-this-sign-in"
    verifier: str = VERIFIER

    def url(self) -> str:
        return self.google.authorization_url(
            state="of-this-browser", nonce=self.nonce, verifier=self.verifier, redirect_uri=REDIRECT
        )

    def come_back(self, email: str = ALICE) -> dict[str, str]:
        return answer_of(choose(self.sandbox, self.url(), email))

    def identify(self, answer: dict[str, str], **late: int) -> GoogleAccount:
        return self.google.identify(
            answer, nonce=self.nonce, verifier=self.verifier, redirect_uri=REDIRECT, now=utcnow() + timedelta(**late)
        )


def client(sandbox: Running, secret: str = CLIENT_SECRET, **options: Any) -> GoogleIdentities:
    return GoogleIdentities(CLIENT_ID, secret, issuer_of(sandbox), **options)


@pytest.fixture
def sign_in(sandbox: Running) -> SignIn:
    return SignIn(client(sandbox), sandbox)


def break_next(sandbox: Running, way: str) -> None:
    sandbox.order("/_google/next_token", {"how": way})


def fault(sandbox: Running, path: str, **how: object) -> None:
    sandbox.order("/_faults", {"service": "google", "path_prefix": path, **how})


def test_who_comes_back_is_known_by_issuer_and_subject(sign_in: SignIn) -> None:
    first, again = (sign_in.identify(sign_in.come_back()) for _ in range(2))
    assert first == again
    assert (first.email, first.is_verified, first.name) == (ALICE, True, "Alice Archer")
    assert first.issuer == issuer_of(sign_in.sandbox) and len(first.subject) == 21


def test_the_browser_is_sent_with_state_nonce_and_challenge_and_without_the_verifier(sign_in: SignIn) -> None:
    url = sign_in.url()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert (asked["state"], asked["nonce"], asked["redirect_uri"]) == ("of-this-browser", "of-this-sign-in", REDIRECT)
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "openid email profile")
    assert VERIFIER not in url and CLIENT_SECRET not in url


@pytest.mark.parametrize("way", WRONG_TOKENS)
def test_a_token_that_is_no_proof_is_refused(sign_in: SignIn, way: str) -> None:
    answer = sign_in.come_back()
    break_next(sign_in.sandbox, way)
    with pytest.raises(GoogleAnswerWrong) as refusal:
        sign_in.identify(answer)
    assert refusal.value.reason == WRONG_TOKENS[way]
    assert way not in str(refusal.value) and "nonce" not in str(refusal.value)


@pytest.mark.parametrize(
    ("way", "email", "is_verified"),
    [("unverified", ALICE, False), ("verified_as_text", ALICE, False), ("no_email", "", False)],
)
def test_an_address_is_verified_only_when_google_says_exactly_so(
    sign_in: SignIn, way: str, email: str, is_verified: bool
) -> None:
    answer = sign_in.come_back()
    break_next(sign_in.sandbox, way)
    account = sign_in.identify(answer)
    assert (account.email, account.is_verified) == (email, is_verified)
    assert sign_in.identify(sign_in.come_back(URSULA)).is_verified is False


def test_a_code_is_good_once(sign_in: SignIn) -> None:
    answer = sign_in.come_back()
    sign_in.identify(answer)
    with pytest.raises(GoogleCodeSpent):
        sign_in.identify(answer)


def test_a_code_of_another_sign_in_is_refused(sign_in: SignIn) -> None:
    """PKCE: who does not hold the verifier has nothing from a code."""
    other = replace(sign_in, verifier="x" * 43)
    with pytest.raises(GoogleCodeSpent):
        other.identify(sign_in.come_back())
    with pytest.raises(GoogleAnswerWrong, match="trusted"):
        replace(sign_in, nonce="of-another").identify(sign_in.come_back())


def test_a_token_is_too_old_an_hour_later(sign_in: SignIn) -> None:
    answer = sign_in.come_back()
    with pytest.raises(GoogleAnswerWrong) as refusal:
        sign_in.identify(answer, seconds=3600 + 120)
    assert refusal.value.reason == "expired_token exp"


@pytest.mark.parametrize("told", [None, "https://accounts.example", ""])
def test_an_answer_that_is_not_of_our_issuer_is_refused_before_the_code_is_used(
    sign_in: SignIn, told: str | None
) -> None:
    answer = sign_in.come_back()
    wrong = {**answer, "iss": told} if told is not None else {k: v for k, v in answer.items() if k != "iss"}
    with pytest.raises(GoogleAnswerWrong) as refusal:
        sign_in.identify(wrong)
    assert refusal.value.reason == "response issuer"
    assert sign_in.identify(answer).email == ALICE


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "access_denied"}, GoogleCancelled),
        ({"error": "temporarily_unavailable"}, GoogleUnavailable),
        ({"error": "interaction_required"}, GoogleAnswerWrong),
        ({"code": "4/0nonsense"}, GoogleCodeSpent),
        ({"code": "\x00é🔥"}, GoogleCodeSpent),
        ({}, GoogleAnswerWrong),
    ],
)
def test_an_answer_without_a_good_code_is_refused(
    sign_in: SignIn, answer: dict[str, str], error: type[ShopError]
) -> None:
    with pytest.raises(error):
        sign_in.identify({"iss": issuer_of(sign_in.sandbox), **answer})


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 429}, {"cut": True}])
@pytest.mark.parametrize("path", ["/google/.well-known", "/google/oauth2/v3/certs"])
def test_a_google_that_cannot_be_read_is_unavailable_before_anybody_is_sent(
    sign_in: SignIn, path: str, how: dict[str, object]
) -> None:
    fault(sign_in.sandbox, path, **how)
    with pytest.raises(GoogleUnavailable):
        sign_in.url()
    assert sign_in.come_back()["code"]


@pytest.mark.parametrize("how", [{"status": 500}, {"cut": True}, {"status": 503, "after": True}])
def test_a_google_that_does_not_take_the_code_is_unavailable(sign_in: SignIn, how: dict[str, object]) -> None:
    answer = sign_in.come_back()
    fault(sign_in.sandbox, "/google/token", **how)
    with pytest.raises(GoogleUnavailable):
        sign_in.identify(answer)


def test_a_google_that_is_not_there_or_slow_is_unavailable(sandbox: Running) -> None:
    with pytest.raises(GoogleUnavailable):
        SignIn(GoogleIdentities(CLIENT_ID, CLIENT_SECRET, "http://127.0.0.1:1"), sandbox).url()
    fault(sandbox, "/google/.well-known", delay_s=1)
    with pytest.raises(GoogleUnavailable):
        SignIn(client(sandbox, timeout_s=(1, 0.2)), sandbox).url()


def test_a_wrong_secret_is_ours_to_mend_and_not_the_readers(sandbox: Running, sign_in: SignIn) -> None:
    with pytest.raises(GoogleUnavailable):
        SignIn(client(sandbox, "wrong"), sandbox).identify(sign_in.come_back())


def test_a_provider_that_calls_itself_otherwise_is_not_believed(sandbox: Running) -> None:
    google = GoogleIdentities(CLIENT_ID, CLIENT_SECRET, f"http://127.0.0.1:{sandbox.port}/google")
    with pytest.raises(GoogleUnavailable):
        SignIn(google, sandbox).url()


def test_discovery_and_keys_are_kept_for_a_while_and_no_longer(sandbox: Running) -> None:
    keeping, forgetting = (SignIn(client(sandbox, kept_s=kept_s), sandbox) for kept_s in (3600, 0))
    for sign_in in (keeping, forgetting):
        sign_in.url()
    fault(sandbox, "/google/.well-known", status=500)
    assert keeping.identify(keeping.come_back()).email == ALICE
    with pytest.raises(GoogleUnavailable):
        forgetting.url()


def test_keys_that_have_changed_are_read_again(sign_in: SignIn) -> None:
    sign_in.identify(sign_in.come_back())
    sign_in.sandbox.order("/_reset", {})  # draws another key
    assert sign_in.identify(sign_in.come_back()).email == ALICE


def test_nobody_waits_for_google_with_a_transaction_open(sandbox: Running) -> None:
    def refuse() -> None:
        raise RuntimeError("a transaction is open")

    with pytest.raises(RuntimeError, match="open"):
        SignIn(client(sandbox, before_call=refuse), sandbox).url()


def test_a_name_is_cut_to_what_the_shop_keeps(sign_in: SignIn) -> None:
    page = invent(sign_in.sandbox, sign_in.url(), name="Zoë  van Dam", email="zoe@example.com", verified="1")
    account = sign_in.identify(answer_of(page))
    assert (account.name, account.email, account.is_verified) == ("Zoë van Dam", "zoe@example.com", True)
    taken = account_of("i", {"sub": "1", "name": "x\x00" * 200, "email": "a b@c", "email_verified": True})
    assert len(taken.name) <= MOST_NAME and "\x00" not in taken.name and taken.email == ""


@pytest.mark.parametrize("sub", ["", 7, None, "x" * 256, "a\x00b", ["1"]])
def test_a_subject_that_cannot_be_kept_is_refused(sub: object) -> None:
    with pytest.raises(GoogleAnswerWrong):
        account_of("i", {"sub": sub})

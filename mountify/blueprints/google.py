"""Signing in with Google, connecting it, showing by it who one is: there, back, and a password when it takes one."""

from __future__ import annotations

from dataclasses import asdict
from hmac import compare_digest
from typing import Any

from flask import Blueprint, Response, g, make_response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors import N_, NotFound
from mountify.core.errors.accounts import BadCredentials
from mountify.core.errors.google import AddressTaken, GoogleSignInLost
from mountify.core.google_account import GoogleAccount
from mountify.core.tokens import new_token, sign
from mountify.forms.google import JoinForm, StartForm
from mountify.gateways import Identities
from mountify.services import google_sign_in
from mountify.services.accounts import Identity
from mountify.services.email_addresses import canonical
from mountify.web.answers import back, done, local_path, page, seen_other
from mountify.web.auth import require_identity, require_proof, settings
from mountify.web.gateways import gateways
from mountify.web.google_cookie import forget, recall, remember, send
from mountify.web.limits import address, count_sign_in, limiter
from mountify.web.signing_in import sign_in

bp = Blueprint("google", __name__, url_prefix="/auth/google")
bp.after_request(send)

BEGUN, PENDING = "begun", "pending"
CONNECT, PROOF = "connect", "proof"


@bp.post("")
@limiter.limit("10/minute", key_func=address)
def start() -> Response:
    """Send the browser to Google with a state that it alone can bring back; for who is signed in with a purpose."""
    google, form, state = _google(), StartForm(), new_token()
    purpose, subject = form.purpose.data, None
    if purpose == CONNECT:
        _proved()
    elif purpose == PROOF:
        subject = google_sign_in.find_subject(require_identity().id)
    url = google.authorization_url(state=state, subject=subject, **_proofs(state))
    content = {"state": state, "purpose": purpose, "next": local_path(form.next.data)}
    remember(BEGUN, content, now=utcnow())
    return seen_other(url)


@bp.get("/callback")
@limiter.limit("10/minute", key_func=address)
def callback() -> Response:
    """Back from Google: a state is good once, in the browser it was given to. A mere look (HEAD) changes nothing."""
    if request.method == "HEAD":
        return make_response("")
    google, begun, state = _google(), recall(BEGUN, now=utcnow()), request.args.get("state", "")
    if begun is None or not compare_digest(begun["state"].encode(), state.encode("utf-8", "surrogatepass")):
        raise GoogleSignInLost
    forget()
    g.leads_to = begun["next"]  # for the page that says why it did not work
    account = google.identify(request.args.to_dict(), **_proofs(state), now=utcnow())
    return {CONNECT: _connect, PROOF: _prove}.get(begun["purpose"], _sign_in)(account, begun["next"])


def _connect(account: GoogleAccount, leads_to: str) -> Response:
    google_sign_in.connect(_proved(), account, site=settings().site, now=utcnow())
    return done(_("Google is connected to your account."), to=leads_to)


def _prove(account: GoogleAccount, leads_to: str) -> Response:
    sign_in(google_sign_in.prove(require_identity().id, account))
    return done(None, to=leads_to)


def _sign_in(account: GoogleAccount, leads_to: str) -> Response:
    try:
        who = google_sign_in.sign_in(account, now=utcnow())
    except AddressTaken:
        remember(PENDING, {"account": asdict(account), "next": leads_to}, now=utcnow())
        return seen_other(url_for("google.link"))
    sign_in(who)
    return done(_("You are signed in."), to=leads_to)


@bp.get("/link")
def link() -> Response:
    """Ask for the password of the account that has the address."""
    account, _leads_to = _pending()
    return page("google/link.html", form=JoinForm(), email=account.email)


@bp.post("/link")
def join() -> Response:
    """Connect Google to the account with the same address, by its password, and sign in."""
    (account, leads_to), form = _pending(), JoinForm()
    if not form.validate():
        return page("google/link.html", status=422, form=form, email=account.email)
    count_sign_in(canonical(account.email))
    cost, site = settings().bcrypt_cost, settings().site
    try:
        who = google_sign_in.join(account, form.password.data, cost=cost, site=site, now=utcnow())
    except BadCredentials:
        form.form_errors.append(_("That email and password do not match."))
        return page("google/link.html", status=401, form=form, email=account.email)
    forget()
    sign_in(who)
    return done(_("Google is connected, and you are signed in."), to=leads_to)


@bp.post("/identities/<id:identity_id>/removal")
def disconnect(identity_id: int) -> Response:
    """Let Google sign in no more; also in a shop that asks Google no longer."""
    google_sign_in.disconnect(_proved().id, identity_id, site=settings().site, now=utcnow())
    return done(_("Google does not sign in to your account any more."), to=back())


def _google() -> Identities:
    google = gateways().google
    if google is None:
        raise NotFound(N_("Nobody signs in with Google at this shop."))
    return google


def _proved() -> Identity:
    """Say who is asking, when they have shown it just now; a proof leads to where the buttons are."""
    g.leads_to = url_for("settings.show")
    return require_proof()


def _pending() -> tuple[GoogleAccount, str]:
    pending = recall(PENDING, now=utcnow())
    if pending is None:
        raise GoogleSignInLost
    return GoogleAccount(**pending["account"]), pending["next"]


def _proofs(state: str) -> dict[str, Any]:
    """What only this shop can make of a state, and where Google sends the browser back to: never a name of Host's."""
    secret = settings().secret_key
    return {
        "nonce": sign(secret, "google nonce", state),
        "verifier": sign(secret, "google verifier", state),
        "redirect_uri": settings().base_url + url_for("google.callback"),
    }

"""Sign-in, sign-out, and showing once more who one is."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.errors.accounts import BadCredentials, NoPassword, WrongPassword
from mountify.forms.auth import ProofForm, SignInForm
from mountify.services import accounts, google_sign_in, profile
from mountify.services.accounts import Identity
from mountify.web.answers import done, local_path, page, seen_other
from mountify.web.auth import identity, require_identity, settings, shop_session
from mountify.web.limits import count_proof, count_sign_in
from mountify.web.signing_in import sign_in

bp = Blueprint("auth", __name__, url_prefix="/auth")


@bp.get("/signin")
def signin() -> Response:
    who = identity()
    if who is not None:
        at_home = url_for("admin.dashboard.index" if who.is_staff else "orders.index")
        return seen_other(local_path(request.args.get("next"), at_home))
    return page("auth/signin.html", form=SignInForm(next=_asked_for(request.args.get("next"))))


@bp.post("/signin")
def start_session() -> Response:
    form = SignInForm()
    form.next.data = _asked_for(form.next.data)
    if not form.validate():
        return page("auth/signin.html", status=422, form=form)
    count_sign_in(form.email.data)
    try:
        who = accounts.authenticate(form.email.data, form.password.data, cost=settings().bcrypt_cost)
    except BadCredentials:
        form.form_errors.append(_("That email and password do not match."))
        return page("auth/signin.html", status=401, form=form)
    sign_in(who)
    at_home = url_for("admin.dashboard.index" if who.is_staff else "home.index")
    return done(_("You are signed in."), to=form.next.data or at_home)


@bp.post("/signout")
def signout() -> Response:
    shop_session().sign_out()
    return done(_("You are signed out."), to=url_for("home.index"))


@bp.get("/proof")
def ask_for_proof() -> Response:
    """Whoever does something that cannot be undone shows once more who they are."""
    who = require_identity()
    return _ask_for_proof(who, ProofForm(next=local_path(request.args.get("next"))))


@bp.post("/proof")
def prove() -> Response:
    who = require_identity()
    form = ProofForm()
    form.next.data = local_path(form.next.data)
    if form.validate():
        count_proof()
        try:
            profile.prove(who.id, form.password.data, cost=settings().bcrypt_cost)
        except (WrongPassword, NoPassword) as error:
            form.refuse("password", error)
        else:
            sign_in(who)
            return done(None, to=form.next.data)
    return _ask_for_proof(who, form, status=422)


def _asked_for(path: str | None) -> str:
    """A page of the shop that somebody wants to go on to, if any: only then is it not decided by who they are."""
    return local_path(path) if path else ""


def _ask_for_proof(who: Identity, form: ProofForm, *, status: int = 200) -> Response:
    has_password, has_identity = accounts.get(who.id).has_password, bool(google_sign_in.list_identities(who.id))
    return page("auth/proof.html", status=status, form=form, has_password=has_password, has_identity=has_identity)

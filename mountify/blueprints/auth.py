"""Sign-in and sign-out."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.errors import BadCredentials
from mountify.forms.auth import SignInForm
from mountify.services import accounts
from mountify.web.answers import done, local_path, page
from mountify.web.auth import identity, shop_session
from mountify.web.limits import account_named, address, limiter
from mountify.web.signing_in import sign_in

bp = Blueprint("auth", __name__, url_prefix="/auth")


@bp.get("/signin")
def signin() -> Response:
    if identity() is not None:
        return page("auth/account.html")
    return page("auth/signin.html", form=SignInForm(next=local_path(request.args.get("next"))))


@bp.post("/signin")
@limiter.limit("10/5 minutes", key_func=address)
@limiter.limit("10/5 minutes", key_func=account_named)
def start_session() -> Response:
    form = SignInForm()
    form.next.data = local_path(form.next.data)
    if not form.validate():
        return page("auth/signin.html", status=422, form=form)
    try:
        who = accounts.authenticate(form.email.data, form.password.data)
    except BadCredentials:
        form.form_errors.append(_("That email and password do not match."))
        return page("auth/signin.html", status=401, form=form)
    sign_in(who)
    return done(_("You are signed in."), to=form.next.data)


@bp.post("/signout")
def signout() -> Response:
    shop_session().sign_out()
    return done(_("You are signed out."), to=url_for("home.index"))

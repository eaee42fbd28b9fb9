"""A new password for whoever has forgotten the old one."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import WeakPassword
from mountify.forms.auth import ForgotPasswordForm, ResetPasswordForm
from mountify.services import account_links, password_reset
from mountify.web.answers import done, page
from mountify.web.auth import settings, shop_session
from mountify.web.limits import count_forgotten, count_reset

bp = Blueprint("password_reset", __name__, url_prefix="/auth")


@bp.get("/forgot-password")
def show() -> Response:
    return page("auth/forgot_password.html", form=ForgotPasswordForm())


@bp.post("/forgot-password")
def ask() -> Response:
    """Say the same whether or not there is an account; only the owner of the address learns which."""
    form = ForgotPasswordForm()
    if not form.validate():
        return page("auth/forgot_password.html", status=422, form=form)
    count_forgotten()
    password_reset.ask(form.email.data, now=utcnow())
    return done(_("If that address has an account, a link is on its way to it."), to=url_for(".show"))


@bp.get("/reset-password")
def show_reset() -> Response:
    """Looking at a link does not use it up: programs look at mails, too."""
    return _ask_for_password(ResetPasswordForm(token=request.args.get("token", "")))


@bp.post("/reset-password")
def reset() -> Response:
    """Nobody is signed in by a link: the new password does that."""
    form, config = ResetPasswordForm(), settings()
    if form.validate():
        count_reset()
        token, password = form.token.data or "", form.password.data
        try:
            password_reset.reset(token, password, cost=config.bcrypt_cost, site=config.site, now=utcnow())
        except WeakPassword as error:
            form.refuse("password", error)
        else:
            shop_session().sign_out()
            return done(_("Your new password is set. Sign in with it."), to=url_for("auth.signin"))
    return _ask_for_password(form, status=422)


def _ask_for_password(form: ResetPasswordForm, *, status: int = 200) -> Response:
    link = account_links.look_at(form.token.data or "", account_links.RESET, now=utcnow())
    return page("auth/reset_password.html", status=status, form=form, email=link.email)

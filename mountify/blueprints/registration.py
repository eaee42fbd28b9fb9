"""From a stranger to an account."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import WeakPassword, WrongPassword
from mountify.forms.auth import ConfirmForm, RegisterForm
from mountify.services import account_links, accounts, registration
from mountify.web.answers import done, local_path, page, seen_other
from mountify.web.auth import identity, settings
from mountify.web.limits import count_registration, count_reset

bp = Blueprint("registration", __name__, url_prefix="/auth")


@bp.get("/register")
def show() -> Response:
    if identity() is not None:
        return seen_other(local_path(request.args.get("next"), url_for("orders.index")))
    return page("auth/register.html", form=RegisterForm(next=local_path(request.args.get("next"))))


@bp.post("/register")
def register() -> Response:
    """Say the same whether or not the address has an account; only its owner learns which."""
    form = RegisterForm()
    form.next.data = local_path(form.next.data)
    if form.validate():
        try:
            chosen = accounts.choose_password(form.email.data, "", form.password.data)
            count_registration()
            registration.register(form.email.data, chosen, cost=settings().bcrypt_cost, now=utcnow())
        except WeakPassword as error:
            form.refuse("password", error)
        else:
            said = _("Look into your mail: a link to open the account is on its way. It works for 30 minutes.")
            return done(said, to=url_for("auth.signin", next=form.next.data))
    return page("auth/register.html", status=422, form=form)


@bp.get("/confirm")
def show_confirmation() -> Response:
    """Looking at a link does not use it up: programs look at mails, too."""
    return _ask_for_confirmation(ConfirmForm(token=request.args.get("token", "")))


@bp.post("/confirm")
def confirm() -> Response:
    form = ConfirmForm()
    if form.validate():
        count_reset()
        cost, now = settings().bcrypt_cost, utcnow()
        try:
            registration.confirm(form.token.data or "", form.password.data, cost=cost, now=now)
        except WrongPassword as error:
            form.refuse("password", error)
        else:
            return done(_("Your account is open. Sign in, and your cart comes along."), to=url_for("auth.signin"))
    return _ask_for_confirmation(form, status=422)


def _ask_for_confirmation(form: ConfirmForm, *, status: int = 200) -> Response:
    link = account_links.look_at(form.token.data or "", account_links.CONFIRM, now=utcnow())
    return page("auth/confirm.html", status=status, form=form, email=link.email)

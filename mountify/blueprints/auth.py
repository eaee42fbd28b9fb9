"""Sign-in and sign-out."""

from __future__ import annotations

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors import BadCredentials
from mountify.forms.auth import SignInForm
from mountify.services import accounts, cart_merge
from mountify.web.answers import done, local_path, page
from mountify.web.auth import find_cart_owner, forget_cart, identity, settings, shop_session
from mountify.web.limits import account_named, address, limiter

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
    guest = find_cart_owner()
    shop_session().sign_in(who, request, settings().secret_key)
    if guest is not None and guest.token is not None:
        _take_along(guest.token, who.id)
    return done(_("You are signed in."), to=form.next.data)


def _take_along(token: str, user_id: int) -> None:
    """The guest's cart and pending order become the account's."""
    merged = cart_merge.merge(token, user_id, now=utcnow())
    forget_cart()
    if merged.left_out:
        flash(_("There was no room in your cart for: %(names)s.", names=", ".join(merged.left_out)), "warn")


@bp.post("/signout")
def signout() -> Response:
    shop_session().sign_out()
    return done(_("You are signed out."), to=url_for("home.index"))

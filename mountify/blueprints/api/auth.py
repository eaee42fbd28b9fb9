"""Signing in and out, asking for an account and for a new password."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import WeakPassword
from mountify.forms.auth import ForgotPasswordForm, RegisterForm, ResetPasswordForm, SignInForm
from mountify.services import accounts, password_reset, registration
from mountify.web.auth import identity, settings, shop_session
from mountify.web.limits import count_forgotten, count_registration, count_reset, count_sign_in
from mountify.web.signing_in import sign_in

from .body import json_object

bp = Blueprint("auth", __name__, url_prefix="/auth")


@bp.post("/register")
def register() -> tuple[Response, int]:
    """Say the same whether or not the address has an account; only its owner learns which."""
    form, now = RegisterForm.from_json(json_object()), utcnow()
    try:
        chosen = accounts.choose_password(form.email.data, "", form.password.data)
        count_registration()
        registration.register(form.email.data, chosen, cost=settings().bcrypt_cost, now=now)
    except WeakPassword as error:
        raise form.refused("password", error) from error
    said = _("Look into your mail: a link to open the account is on its way. It works for 30 minutes.")
    return jsonify(message=said, user={"id": None, "email": form.email.data, "createdAt": now.isoformat()}), 201


@bp.post("/login")
def login() -> Response:
    form = SignInForm.from_json(json_object())
    count_sign_in(form.email.data)
    who = accounts.authenticate(form.email.data, form.password.data, cost=settings().bcrypt_cost)
    sign_in(who)
    return jsonify(user={"id": who.id, "email": who.email, "role": who.role})


@bp.post("/logout")
def logout() -> Response:
    shop_session().sign_out()
    return jsonify(success=True)


@bp.get("/csrf")
def show_csrf() -> Response:
    """The token that a signed-in session shows with each change; nobody else needs one."""
    return jsonify(csrfToken=generate_csrf() if identity() else "")


@bp.post("/forgot-password")
def forgot_password() -> Response:
    form = ForgotPasswordForm.from_json(json_object())
    count_forgotten()
    password_reset.ask(form.email.data, now=utcnow())
    return jsonify(success=True, message=_("If that address has an account, a link is on its way to it."))


@bp.post("/reset-password")
def reset_password() -> Response:
    form, config = ResetPasswordForm.from_json(json_object()), settings()
    count_reset()
    token, password = form.token.data or "", form.password.data
    try:
        password_reset.reset(token, password, cost=config.bcrypt_cost, site=config.site, now=utcnow())
    except WeakPassword as error:
        raise form.refused("password", error) from error
    return jsonify(success=True, message=_("Your new password is set. Sign in with it."))

"""Another email for an account: asked for on the profile, confirmed by a link."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import SameEmail, WrongPassword
from mountify.forms.auth import NewAddressLinkForm
from mountify.forms.settings import NewAddressForm
from mountify.services import account_links, email_change
from mountify.web.answers import done, page
from mountify.web.auth import identity, require_proof, settings
from mountify.web.limits import count_new_email, count_reset
from mountify.web.signing_in import sign_in

bp = Blueprint("email_change", __name__)


@bp.get("/settings/email")
def show() -> Response:
    who = require_proof()
    return page("settings/email.html", form=NewAddressForm(), email=who.email)


@bp.post("/settings/email")
def ask() -> Response:
    who, form = require_proof(), NewAddressForm()
    if form.validate():
        count_new_email()
        try:
            email_change.ask(who.id, form.email.data, now=utcnow())
        except SameEmail as error:
            form.refuse("email", error)
        else:
            said = _("A link is on its way to the new address. Until it is followed, nothing changes.")
            return done(said, to=url_for("settings.show"))
    return page("settings/email.html", status=422, form=form, email=who.email)


@bp.get("/auth/new-address")
def show_confirmation() -> Response:
    return _ask_for_confirmation(NewAddressLinkForm(token=request.args.get("token", "")))


@bp.post("/auth/new-address")
def confirm() -> Response:
    """The account has another address; in this browser its owner stays signed in, everywhere else not."""
    form, who, config = NewAddressLinkForm(), identity(), settings()
    if form.validate():
        count_reset()
        try:
            known_as = email_change.confirm(
                form.token.data or "",
                user_id=who.id if who else None,
                password=form.password.data or "",
                cost=config.bcrypt_cost,
                site=config.site,
                now=utcnow(),
            )
        except WrongPassword as error:
            form.refuse("password", error)
        else:
            if who is not None and who.id == known_as.id:
                sign_in(known_as)
            return done(_("Your account has its new address."), to=url_for("settings.show"))
    return _ask_for_confirmation(form, status=422)


def _ask_for_confirmation(form: NewAddressLinkForm, *, status: int = 200) -> Response:
    link, who = account_links.look_at(form.token.data or "", account_links.NEW_EMAIL, now=utcnow()), identity()
    is_owner = who is not None and who.id == link.user_id
    return page("auth/new_address.html", status=status, form=form, email=link.email, is_owner=is_owner)

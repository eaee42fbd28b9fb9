"""What the owner of an account sees and changes of it."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import WeakPassword, WrongPassword
from mountify.core.tokens import hash_token
from mountify.forms.settings import ChangePasswordForm, ProfileForm
from mountify.services import accounts, google_sign_in, password_reset, profile, sign_ins
from mountify.services.accounts import Identity
from mountify.web.answers import done, page
from mountify.web.auth import require_identity, settings, shop_session
from mountify.web.limits import count_forgotten, count_password_change
from mountify.web.signing_in import sign_in

bp = Blueprint("settings", __name__, url_prefix="/settings")


@bp.get("")
def show() -> Response:
    return _show(require_identity())


@bp.post("/profile")
def save_profile() -> Response:
    who, form = require_identity(), ProfileForm()
    if not form.validate():
        return _show(who, status=422, profile_form=form)
    shop_session().now_known_as(profile.rename(who.id, form.name.data or ""))
    return done(_("Profile saved."), to=url_for(".show"))


@bp.post("/password")
def change_password() -> Response:
    who, form, config = require_identity(), ChangePasswordForm(), settings()
    if form.validate():
        try:
            chosen = accounts.choose_password(who.email, who.name, form.new_password.data)
            count_password_change()
            changed = profile.change_password(
                who.id,
                form.current_password.data,
                chosen,
                cost=config.bcrypt_cost,
                site=config.site,
                now=utcnow(),
            )
        except WrongPassword as error:
            form.refuse("current_password", error)
        except WeakPassword as error:
            form.refuse("new_password", error)
        else:
            sign_in(changed)
            return done(_("Password changed. Everywhere else you are signed out."), to=url_for(".show"))
    return _show(who, status=422, password_form=form)


@bp.post("/password-link")
def mail_password_link() -> Response:
    """For an account without a password: whoever reads its address may choose one."""
    who = require_identity()
    count_forgotten()
    password_reset.ask(who.email, now=utcnow())
    return done(_("A link to choose a password is on its way to you."), to=url_for(".show"))


@bp.post("/sessions/removal")
def end_other_sessions() -> Response:
    who = require_identity()
    sign_ins.end_others(who.id, _this_session(), now=utcnow())
    return done(_("Everywhere else you are signed out."), to=url_for(".show"))


@bp.post("/sessions/<hash:id_hash>/removal")
def end_session(id_hash: str) -> Response:
    who = require_identity()
    if id_hash == _this_session():
        shop_session().sign_out()
        return done(_("You are signed out."), to=url_for("home.index"))
    sign_ins.end_of(who.id, id_hash, now=utcnow())
    return done(_("That device is signed out."), to=url_for(".show"))


def _show(
    who: Identity,
    *,
    status: int = 200,
    profile_form: ProfileForm | None = None,
    password_form: ChangePasswordForm | None = None,
) -> Response:
    user = accounts.get(who.id)
    return page(
        "settings/show.html",
        status=status,
        account=user,
        profile_form=profile_form or ProfileForm(name=user.name),
        password_form=password_form or ChangePasswordForm(),
        identities=google_sign_in.list_identities(who.id),
        sessions=sign_ins.list_of(who.id, now=utcnow()),
        this_session=_this_session(),
    )


def _this_session() -> str:
    return hash_token(shop_session().token or "")

"""What the owner of an account sees and changes of it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import WeakPassword, WrongPassword
from mountify.forms.settings import ChangePasswordForm, ProfileForm
from mountify.services import accounts, profile
from mountify.web.auth import require_identity, settings, shop_session
from mountify.web.limits import count_password_change
from mountify.web.signing_in import sign_in

from .body import json_object

bp = Blueprint("profile", __name__, url_prefix="/user")


@bp.get("/profile")
def show() -> Response:
    return _profile(require_identity().id)


@bp.put("/profile")
def save() -> Response:
    who, form = require_identity(), ProfileForm.from_json(json_object())
    shop_session().now_known_as(profile.rename(who.id, form.name.data or ""))
    return _profile(who.id)


@bp.route("/change-password", methods=["PUT", "POST"])
def change_password() -> Response:
    """Change it, which ends every other session; the one that asks goes on under a new id."""
    who, form, config = require_identity(), ChangePasswordForm.from_json(json_object()), settings()
    current, new = form.current_password.data, form.new_password.data
    try:
        chosen = accounts.choose_password(who.email, who.name, new)
        count_password_change()
        changed = profile.change_password(
            who.id, current, chosen, cost=config.bcrypt_cost, site=config.site, now=utcnow()
        )
    except WrongPassword as error:
        raise form.refused("current_password", error) from error
    except WeakPassword as error:
        raise form.refused("new_password", error) from error
    sign_in(changed)
    return jsonify(success=True, message=_("Password changed. Everywhere else you are signed out."))


def _profile(user_id: int) -> Response:
    user = accounts.get(user_id)
    return jsonify(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        createdAt=user.created_at.isoformat(),
        hasPassword=user.has_password,
    )

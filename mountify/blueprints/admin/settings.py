"""The shop's settings, its pages of text, and the services it talks to: for admins who have just shown who they are."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.catalogue import BadPrice, ChangedMeanwhile
from mountify.core.outside import Answer
from mountify.forms.shop import PageForm, SettingsForm
from mountify.services import audit_log, outside
from mountify.services import settings as shop_settings
from mountify.services.settings import get_shop
from mountify.web.answers import done, page
from mountify.web.auth import actor, require_admin, require_proof, settings
from mountify.web.gateways import gateways
from mountify.web.templating import content_titles

bp = Blueprint("settings", __name__, url_prefix="/settings")


@bp.before_request
def let_admins_in() -> None:
    require_admin()
    require_proof()


@bp.get("")
def index() -> Response:
    return _index(SettingsForm.of(get_shop()))


@bp.post("")
def save() -> Response:
    form = SettingsForm()
    if not form.validate():
        return _index(form, status=422)
    try:
        shop_settings.change(actor(), currency=settings().currency, seen=form.was_seen, now=utcnow(), **form.values)
    except ChangedMeanwhile as error:
        form.outdate(shop_settings.state_of(get_shop()))
        return _index(form, status=error.status)
    except BadPrice as error:
        form.refuse("shipping_flat", error)
        return _index(form, status=422)
    return done(_("The settings are saved."), to=url_for(".index"))


@bp.get("/pages/<any(delivery, returns, privacy, terms, contact):name>")
def show_page(name: str) -> Response:
    return _page(name, PageForm.of(get_shop(), name))


@bp.post("/pages/<any(delivery, returns, privacy, terms, contact):name>")
def save_page(name: str) -> Response:
    """Keep a text, or only show how it would look."""
    form = PageForm()
    if not form.validate():
        return _page(name, form, status=422)
    if request.form.get("op") == "preview":
        return _page(name, form)
    try:
        shop_settings.change_page(actor(), name, form.text.data or "", seen=form.was_seen, now=utcnow())
    except ChangedMeanwhile as error:
        form.outdate(shop_settings.state_of_page(get_shop(), name))
        return _page(name, form, status=error.status)
    return done(_("%(page)s is saved.", page=content_titles()[name]), to=url_for(".index"))


@bp.post("/services/<any(stripe, resend, cloudinary, google):name>/call")
def call(name: str) -> Response:
    answer = outside.call(actor(), name, gateways=gateways(), now=utcnow())
    kind = "ok" if answer is Answer.WELL else "bad"
    return done(_words(name, answer), kind=kind, to=url_for(".index"))


def _index(form: SettingsForm, *, status: int = 200) -> Response:
    return page(
        "admin/settings/index.html",
        status=status,
        form=form,
        mail_from=settings().mail_from,
        pages=get_shop().pages,
        services=_titles(),
        set_up=outside.list_set_up(gateways()),
        entries=audit_log.list_about("settings", "shop"),
    )


def _page(name: str, form: PageForm, *, status: int = 200) -> Response:
    title = content_titles()[name]
    return page("admin/settings/page.html", block="preview", status=status, name=name, title=title, form=form)


def _titles() -> dict[str, str]:
    return {"stripe": "Stripe", "resend": "Resend", "cloudinary": "Cloudinary", "google": "Google"}


def _words(name: str, answer: Answer) -> str:
    service = _titles()[name]
    if answer is Answer.WELL and name == "google":
        return _("Google answered. Whether it takes this shop shows when somebody signs in with it.")
    return {
        Answer.WELL: _("%(service)s answered and takes our key.", service=service),
        Answer.REFUSED: _(
            "%(service)s answered, and does not take our key. Set another one and start the shop again.",
            service=service,
        ),
        Answer.FAILED: _(
            "%(service)s answered with an error. Try again in a while, and look at its status page.", service=service
        ),
        Answer.NONE: _(
            "%(service)s did not answer. Is its address right, and may this machine reach it?", service=service
        ),
    }[answer]

"""Every refusal becomes a page, a fragment or JSON here, and nowhere else."""

from __future__ import annotations

import structlog
from flask import Flask, Response, flash, g, jsonify, make_response, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException, TooManyRequests

from mountify import db
from mountify.core.errors import Malformed, NotFound, ShopError
from mountify.core.errors.accounts import LinkSpent, NotAllowed, ProofNeeded, SignInNeeded
from mountify.core.errors.google import GoogleSignInLost
from mountify.core.money import Money
from mountify.services.wording import format_money
from mountify.web.answers import back, local_path, seen_other, wants_fragment
from mountify.web.auth import identity, settings
from mountify.web.csrf import CrossSite
from mountify.web.limits import seconds_to_wait

log = structlog.get_logger()

BUSY_FOR_S = 5
_OWN_PAGE = frozenset({429, 500})
_ABOUT_ORDERS = frozenset({"orders", "checkout"})
_BUSY = db.COLLISIONS | {db.LOCKED}


def init_errors(app: Flask) -> None:
    app.register_error_handler(ShopError, refuse)
    app.register_error_handler(HTTPException, refuse_request)
    app.register_error_handler(DBAPIError, database_failed)
    app.register_error_handler(NoConnectionLeft, busy)
    app.register_error_handler(Exception, broken)


def refuse(error: ShopError) -> Response:
    """A rule said no: flash and back for a plain form, a notice for htmx, an object for the API."""
    params = {name: _worded(value) for name, value in error.params.items()}
    sentence = _(error.message_id, **params) if params else _(error.message_id)
    log.info("refused", code=error.code, status=error.status, **({"reason": error.reason} if error.reason else {}))
    if _is_api():
        return make_response(jsonify(error=sentence, **error.facts), 400 if error.status == 422 else error.status)
    if isinstance(error, SignInNeeded):
        return seen_other(url_for("auth.signin", next=_same_again()))
    if isinstance(error, ProofNeeded):
        return seen_other(url_for("auth.ask_for_proof", next=g.get("leads_to") or _same_again()))
    if isinstance(error, LinkSpent):
        return make_response(render_template("auth/link_spent.html", sentence=sentence), error.status)
    if wants_fragment():
        return _notice(sentence, error.status)
    if request.method == "POST" and not isinstance(error, NotFound | NotAllowed | Malformed | GoogleSignInLost):
        flash(sentence, "bad")
        return seen_other(back())
    return _page(error.status, sentence)


def _worded(value: object) -> object:
    return format_money(value, settings().currency) if isinstance(value, Money) else value


def refuse_request(error: HTTPException) -> Response:
    """Flask or a front said no."""
    if error.response is not None:
        return make_response(error.response)
    status = error.code or 500
    sentence = _sentence(status, error)
    response = (
        make_response(jsonify(error=sentence, **_wait(error)), status)
        if _is_api()
        else _notice(sentence, status)
        if wants_fragment()
        else _page(status, sentence, retry_after=_retry_after(error))
    )
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(_retry_after(error))
    if error_headers := [pair for pair in error.get_headers() if pair[0] == "Allow"]:
        response.headers.extend(error_headers)
    return response


def database_failed(error: DBAPIError) -> Response:
    """PostgreSQL said no to one of many who wanted the same at once, or it is not there. Or we asked it nonsense."""
    if db.code_of(error) in _BUSY:
        return busy(error)
    if not db.has_failed(error):
        return broken(error)
    db.release()
    log.error("database_failed", why=type(error.orig).__name__)
    return _plain_failure(503)


def busy(error: DBAPIError | NoConnectionLeft) -> Response:
    """A lock that was not had in time, a collision that came twice, no connection left: the next try may well work."""
    db.release()
    log.warning("busy", why=type(getattr(error, "orig", error)).__name__)
    sentence = _("Too many are at the same thing in this moment, and yours had to wait too long. Please try again.")
    response = _plain_answer(503, sentence, "errors/busy.html", again=_same_again())
    response.headers["Retry-After"] = str(BUSY_FOR_S)
    return response


def broken(error: Exception) -> Response:
    db.release()
    log.exception("broken", why=type(error).__name__)
    return _plain_failure(500)


def _plain_failure(status: int) -> Response:
    sentence = _("It is our fault, not yours. Your cart is safe. Please try again in a minute.")
    return _plain_answer(status, sentence, "errors/500.html", request_id=g.get("request_id", ""))


def _plain_answer(status: int, sentence: str, template: str, **values: str) -> Response:
    """An answer that needs neither database nor Redis."""
    if _is_api():
        return make_response(jsonify(error=sentence), status)
    if wants_fragment():
        return _notice(sentence, status)
    return make_response(render_template(template, status=status, message=sentence, **values), status)


def _same_again() -> str:
    """The address that was asked for; for a form, the page it is on."""
    return local_path(request.full_path.rstrip("?")) if request.method == "GET" else back()


def _page(status: int, sentence: str, *, retry_after: int = 0) -> Response:
    try:
        page = render_template(
            _template(status),
            status=status,
            title=_titles().get(status, _("That did not work")),
            message=sentence,
            retry_after=retry_after,
            request_id=g.get("request_id", ""),
            leads_to=g.get("leads_to"),
        )
    except DBAPIError as error:  # what surrounds the sentence is read; and of a handler that fails, Flask asks no other
        return database_failed(error)
    except NoConnectionLeft as error:
        return busy(error)
    return make_response(page, status)


def _template(status: int) -> str:
    blueprint = request.blueprint or ""
    if status in _OWN_PAGE:
        return f"errors/{status}.html"
    if blueprint.startswith("admin") and (who := identity()) and who.is_staff:
        return "errors/desk.html"
    if blueprint in _ABOUT_ORDERS and status == 404:
        return "errors/no_order.html"
    return "errors/no_sign_in.html" if blueprint == "google" else "errors/error.html"


def _notice(sentence: str, status: int) -> Response:
    response = make_response(render_template("components/_notice.html", message=sentence), status)
    response.headers["HX-Retarget"] = "#flash"
    response.headers["HX-Reswap"] = "outerHTML show:top"
    return response


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _retry_after(error: HTTPException) -> int:
    return seconds_to_wait() if isinstance(error, TooManyRequests) else 0


def _wait(error: HTTPException) -> dict[str, int]:
    return {"retryAfter": _retry_after(error)} if isinstance(error, TooManyRequests) else {}


def _titles() -> dict[int, str]:
    return {
        400: _("That request could not be read"),
        403: _("Not for you, or not from here"),
        404: _("No part with that number"),
        405: _("That cannot be done here"),
        410: _("This part is no longer made"),
        413: _("That was too much at once"),
        422: _("Please check what you entered"),
        429: _("A little slower, please"),
    }


def _sentence(status: int, error: HTTPException) -> str:
    sentences = {
        400: _("Something in the address or the form could not be read. Nothing has changed."),
        403: _(NotAllowed.message),
        404: _("The page may have been renamed, or the part is out of the catalogue."),
        405: _("This address does not take that kind of request."),
        413: _("What you sent is larger than this shop accepts. Nothing has changed."),
        415: _("This address does not take that kind of data."),
        429: _("Too many tries in a short time. Please wait a moment."),
    }
    if isinstance(error, CrossSite):
        return _("This request did not come from a page of this shop. Please go back and try again.")
    return sentences.get(status) or _("That did not work.")

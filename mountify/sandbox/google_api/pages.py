"""What a person sees of Google: which account to go on with, and why not."""

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from mountify.sandbox import faults
from mountify.sandbox.context import the_sandbox

from . import codes
from .people import Errors, find_person, invent, list_people
from .rules import CLIENT_ID, CLIENT_SECRET, GoogleError, SignIn, check_sign_in

_LARGEST = 64 * 1024


def create_blueprint() -> Blueprint:
    """Put the pages together."""
    bp = Blueprint("pages", __name__)
    bp.register_error_handler(GoogleError, _with_page)
    bp.add_url_rule("/google/o/oauth2/v2/auth", "show", _show, methods=["GET"])
    # Beside /google, so that another site's form is refused here as on every page of the sandbox.
    bp.add_url_rule("/google-accounts/choice", "choose", _choose, methods=["POST"])
    bp.add_url_rule("/google-accounts", "index", _index, methods=["GET"])
    return bp


def _show() -> BaseResponse:
    """Show the accounts, whatever `prompt` says: nobody is ever signed in here already."""
    faults.pause()
    sign_in = _asked()
    if sign_in.prompt == "none":
        return redirect(_back(sign_in, error="interaction_required"), 302)
    return _page(sign_in, {"email": sign_in.login_hint if "@" in sign_in.login_hint else "", "verified": "1"}, {})


def _choose() -> BaseResponse:
    """Take a ready account, or the one the form invents, back to the shop."""
    request.max_content_length = _LARGEST
    sign_in = _asked()
    if request.form.get("person"):
        person, errors = find_person(request.form["person"]), {"person": "Choose one of these accounts."}
    else:
        person, errors = invent(request.form.to_dict())
    if person is None:
        return _page(sign_in, request.form.to_dict(), errors, 422)
    extra = {"code": codes.issue(sign_in, person), "scope": sign_in.scope, "authuser": "0"}
    if "hd" in person:
        extra["hd"] = person["hd"]
    return redirect(_back(sign_in, **extra, prompt=sign_in.prompt or "none"), 303)


def _index() -> str:
    return render_template(
        "google_people.html",
        people=list_people(),
        sign_ins=codes.list_sign_ins(50),
        client={"id": CLIENT_ID, "secret": CLIENT_SECRET, "redirects": the_sandbox().google_redirects},
        issuer=codes.issuer(the_sandbox()),
    )


def _asked() -> SignIn:
    return check_sign_in(request.args, the_sandbox().google_redirects)


def _page(sign_in: SignIn, values: dict[str, str], errors: Errors, status: int = 200) -> Response:
    people = [one for one in list_people() if sign_in.hd in ("", one.get("hd")) or (sign_in.hd == "*" and "hd" in one)]
    people.sort(key=lambda one: sign_in.login_hint not in (one["email"], one["id"]))
    shop = urlsplit(sign_in.redirect_uri)
    # Browsers hold a form's redirect to form-action too.
    g.form_action = f"{shop.scheme}://{shop.netloc}"
    html = render_template(
        "google_choose.html",
        people=people,
        form={"typed": {"name": "", "email": "", "sub": "", **values}, "errors": errors},
        shop=shop.netloc,
        query=urlencode(request.args),
        cancel_url=_back(sign_in, error="access_denied"),
    )
    return make_response(html, status)


def _back(sign_in: SignIn, **answer: str) -> str:
    """Return where the browser goes on: with the state it came with, and who is speaking (RFC 9207)."""
    state = {"state": sign_in.state} if sign_in.state else {}
    joint = "&" if urlsplit(sign_in.redirect_uri).query else "?"
    return sign_in.redirect_uri + joint + urlencode({**state, "iss": codes.issuer(the_sandbox()), **answer})


def _with_page(error: GoogleError) -> tuple[str, int]:
    return render_template("google_error.html", error=error), error.status

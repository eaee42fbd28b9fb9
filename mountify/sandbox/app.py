"""Put the sandbox together."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, render_template, request
from werkzeug.exceptions import HTTPException

from . import (
    checkout,
    cloudinary_api,
    control,
    dashboard,
    faults,
    google_api,
    hosted_page,
    mailbox,
    parcels,
    picture_list,
    refusals,
    resend_api,
    stripe_api,
    track17,
)
from .clock import Clock
from .context import Sandbox
from .ids import new_id
from .money import format_amount
from .moving_window import MovingWindow
from .store import Store
from .stripe_webhooks import StripeDestination
from .track17.webhooks import Track17Destination
from .webhooks import Webhooks

LARGEST_BYTES = 20 * 1024 * 1024  # of a request
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def create_sandbox(
    data_dir: str | Path,
    webhook_url: str,
    webhook_secret: str,
    public_url: str,
    *,
    google_redirects: Sequence[str] = (),
    track17_webhook_url: str = "",
    track17_key: str = track17.KEY,
) -> Flask:
    """Make the sandbox; what `webhooks_of(app)` returns is to be started and stopped."""
    app = Flask(__name__)
    store = Store(Path(data_dir) / "sandbox.sqlite3")
    clock = Clock(store)

    def expire_due() -> None:
        checkout.expire_due(app.extensions["sandbox"])

    webhooks = {
        "stripe": Webhooks(store, StripeDestination(webhook_url, webhook_secret), before_round=expire_due),
        "17track": Webhooks(store, Track17Destination(track17_webhook_url, track17_key)),
    }
    app.extensions["sandbox"] = Sandbox(
        store,
        clock,
        webhooks,
        public_url.rstrip("/"),
        Path(data_dir),
        google_redirects=tuple(google_redirects),
        track17_key=track17_key,
        track17_calls=MovingWindow(),
    )
    app.secret_key = new_id("flash")
    app.url_map.merge_slashes = False  # an empty id is an unknown address, not a redirect
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BYTES,
        MAX_FORM_MEMORY_SIZE=LARGEST_BYTES,
        SESSION_COOKIE_NAME="sandbox",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.jinja_env.filters["money"] = format_amount
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.before_request(_only_loopback)
    app.before_request(_refuse_cross_site)
    app.before_request(faults.apply_before)
    app.before_request(lambda: expire_due() if faults.service_of(request.path) == "stripe" else None)
    app.after_request(_with_policy)
    app.after_request(faults.apply_after)
    app.register_error_handler(HTTPException, _with_page)
    vendors = (stripe_api, resend_api, cloudinary_api, track17, google_api)
    for module in (*vendors, mailbox, picture_list, parcels, hosted_page, dashboard, control):
        app.register_blueprint(module.create_blueprint())
    return app


def webhooks_of(app: Flask) -> list[Webhooks]:
    """Return the app's webhook deliveries, to start and stop them."""
    sandbox: Sandbox = app.extensions["sandbox"]
    return list(sandbox.webhooks.values())


def _only_loopback() -> None:
    """Refuse other host names, so that no page elsewhere can reach the sandbox by rebinding its own name."""
    if urlsplit(f"//{request.host}").hostname not in _LOOPBACK:
        abort(403, "The sandbox answers on localhost only.")


def _refuse_cross_site() -> None:
    """Refuse what another site's page posts; the vendors' APIs ask for a key instead."""
    if request.method in ("GET", "HEAD", "OPTIONS") or faults.service_of(request.path):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = site not in ("same-origin", "none") if site else bool(origin) and origin != request.host_url.rstrip("/")
    if foreign:
        abort(403, "This came from another site.")


def _with_policy(response: Response) -> Response:
    form_action = f"'self' {g.get('form_action', '')}".strip()
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action {form_action}",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _with_page(error: HTTPException) -> Response | tuple[str, int]:
    answer = refusals.in_the_vendors_shape(error)
    return answer if answer is not None else (render_template("error.html", error=error), error.code or 500)

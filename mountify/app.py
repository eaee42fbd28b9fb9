"""Put the parts together."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from mountify import db
from mountify.blueprints import (
    account_data,
    addresses,
    admin,
    api,
    auth,
    cart,
    checkout,
    content,
    email_change,
    find_order,
    google,
    health,
    home,
    orders,
    password_reset,
    products,
    registration,
    robots,
    search,
    settings,
    theme,
    webhooks,
)
from mountify.config import Config
from mountify.gateways import Gateways, from_config
from mountify.store import Store
from mountify.web.assets import init_assets
from mountify.web.auth import init_auth
from mountify.web.converters import HashConverter, IdConverter
from mountify.web.csrf import init_csrf
from mountify.web.errors import init_errors
from mountify.web.headers import init_headers
from mountify.web.hosts import init_hosts
from mountify.web.limits import init_limits
from mountify.web.page_cache import init_page_cache
from mountify.web.request_log import init_request_ids
from mountify.web.sessions import init_sessions
from mountify.web.signing_in import init_signing_in
from mountify.web.templating import init_templating

_FRONTS = (
    home,
    products,
    search,
    cart,
    checkout,
    orders,
    find_order,
    addresses,
    content,
    auth,
    registration,
    password_reset,
    settings,
    email_change,
    account_data,
    google,
    theme,
    webhooks,
    robots,
    health,
    api,
    admin,
)
MOST_BODY_BYTES = 256 * 1024  # a view that takes more says so itself


def create_app(config: Config, gateways: Gateways | None = None) -> Flask:
    """Make the web application. The database must be connected already (db.connect)."""
    app = Flask("mountify")
    app.config.update(
        SECRET_KEY=config.secret_key,
        SHOP=config,
        STATIC_URL=config.static_url,
        MAX_CONTENT_LENGTH=MOST_BODY_BYTES,
        MAX_FORM_PARTS=1000,
    )
    if config.trusted_proxies:
        count = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]
    app.extensions["gateways"] = gateways or from_config(config)
    app.url_map.converters.update(id=IdConverter, hash=HashConverter)
    app.extensions["store"] = store = Store(config.redis_url)
    init_request_ids(app)
    init_sessions(app, store, config)
    init_hosts(app, config)
    init_auth(app)
    init_headers(app, config)
    init_page_cache(app, store)
    init_csrf(app)
    init_limits(app, config)
    init_signing_in(app)
    init_templating(app, config)
    init_assets(app)
    init_errors(app)
    for front in _FRONTS:
        app.register_blueprint(front.bp)
    app.teardown_appcontext(lambda _error: db.release())
    return app

"""What every answer carries: a strict policy, and who may keep it."""

from __future__ import annotations

from flask import Flask, Response, current_app, g, request

from mountify.config import Config
from mountify.web.auth import CART_COOKIE, CART_COOKIE_S
from mountify.web.notices import NOTICE_COOKIE

THEME_COOKIE = "theme"


def init_headers(app: Flask, config: Config) -> None:
    policy = content_security_policy(config)
    app.config["PERSONAL_COOKIES"] = {app.session_interface.cookie_name, CART_COOKIE, THEME_COOKIE, NOTICE_COOKIE}  # type: ignore[attr-defined]

    @app.after_request
    def add(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if config.is_https:
            response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        _send_cart_cookie(response, config)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = _cache_control(response)
        if response.mimetype == "text/html":
            response.vary.update({"HX-Request", "Cookie"})
        return response


def carries_cookie() -> bool:
    """Say whether the request carries a cookie of ours: then the answer is for this reader alone."""
    return not current_app.config["PERSONAL_COOKIES"].isdisjoint(request.cookies)


def may_be_shared() -> bool:
    """Say whether what answers this request may be for everybody alike.

    Not when it carries a cookie of ours, and not when htmx asks: that is answered with a page or with a part of it by
    more headers than a cache tells apart.
    """
    return request.method in {"GET", "HEAD"} and not carries_cookie() and "HX-Request" not in request.headers


def _send_cart_cookie(response: Response, config: Config) -> None:
    token = g.get("cart_token")
    if token:
        response.set_cookie(
            CART_COOKIE, token, max_age=CART_COOKIE_S, secure=config.is_https, httponly=True, samesite="Lax"
        )
    elif token == "":
        response.delete_cookie(CART_COOKIE, secure=config.is_https, httponly=True)


def content_security_policy(config: Config) -> str:
    static = f" {config.static_origin}" if config.static_origin else ""
    google = f" {config.google_origin}" if config.google_origin else ""
    images = f" {config.image_origin}" if config.image_origin else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{static}",
            f"style-src 'self'{static}",
            f"img-src 'self' data:{static}{images}",
            "connect-src 'self'",
            f"form-action 'self' {' '.join(config.checkout_origins)}{google}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def _cache_control(response: Response) -> str:
    """A page is shared when it was read without a cookie of ours, and gives none."""
    shared = (
        g.get("is_shared", False)
        and may_be_shared()
        and response.status_code in {200, 304}
        and "Set-Cookie" not in response.headers
    )
    return "public, max-age=0, s-maxage=60" if shared else "private, no-store"

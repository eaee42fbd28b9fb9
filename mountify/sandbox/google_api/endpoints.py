"""What a client asks Google for itself: discovery, keys, tokens, userinfo.

https://developers.google.com/identity/openid-connect/reference
"""

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from mountify.sandbox import faults
from mountify.sandbox.context import the_sandbox

from . import codes, tokens
from .people import claims_of, find_person
from .rules import GoogleError, check_exchange, invalid

_LARGEST = 64 * 1024
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_blueprint() -> Blueprint:
    """Put the endpoints together."""
    bp = Blueprint("endpoints", __name__, url_prefix="/google")
    bp.before_request(_limit)
    bp.register_error_handler(GoogleError, _with_error)
    bp.register_error_handler(HTTPException, _with_http_error)
    for path, (view, methods) in _ENDPOINTS.items():
        bp.add_url_rule(f"/{path}", view.__name__.strip("_"), view, methods=methods)
    bp.add_url_rule("/<path:rest>", "unknown", _unknown, methods=_METHODS)
    return bp


def _limit() -> None:
    request.max_content_length = _LARGEST
    faults.pause()


def _discovery() -> Response:
    """Google's members; the lists name what is played, which is less than Google can."""
    base = codes.issuer(the_sandbox())
    response = jsonify(
        issuer=base,
        authorization_endpoint=f"{base}/o/oauth2/v2/auth",
        device_authorization_endpoint=f"{base}/device/code",
        token_endpoint=f"{base}/token",
        userinfo_endpoint=f"{base}/v1/userinfo",
        revocation_endpoint=f"{base}/revoke",
        jwks_uri=f"{base}/oauth2/v3/certs",
        response_types_supported=["code"],
        response_modes_supported=["query"],
        authorization_response_iss_parameter_supported=True,
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["RS256"],
        scopes_supported=["openid", "email", "profile"],
        token_endpoint_auth_methods_supported=["client_secret_post", "client_secret_basic"],
        claims_supported=[
            *("aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "picture"),
            "sub",
        ],
        code_challenge_methods_supported=["plain", "S256"],
        grant_types_supported=["authorization_code"],
    )
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _certs() -> Response:
    response = jsonify(tokens.public_keys(the_sandbox()))
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _token() -> Response:
    response = jsonify(codes.redeem(check_exchange(request.form, request.authorization)))
    response.headers["Cache-Control"] = "no-cache, no-store, max-age=0, must-revalidate"
    return response


def _userinfo() -> Response:
    header = request.authorization
    if header is None or header.type != "bearer" or not header.token:
        raise GoogleError(401, "invalid_request", "Request is missing required authentication credential.")
    token = codes.find_token(header.token)
    person = find_person(token["sub"]) if token else None
    if token is None or person is None:
        raise GoogleError(401, "invalid_request", "Invalid Credentials")
    return jsonify(claims_of(person, token["scope"], the_sandbox().public_url))


def _revoke() -> Response:
    """https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke"""
    token = request.values.get("token", "")
    if not token:
        raise invalid("Missing required parameter: token")
    if not codes.revoke(token):
        raise GoogleError(400, "invalid_token", "Token expired or revoked")
    return jsonify({})


def _device() -> Response:
    """The flow of televisions, which Google refuses to a web client such as every shop's."""
    raise GoogleError(
        401,
        "invalid_client",
        "Only clients of type 'TVs and Limited Input devices' can use the OAuth 2.0 flow for TV and Limited-Input "
        "Device Applications. Please create and use an appropriate client.",
    )


def _unknown(rest: str) -> Response:
    if rest in _ENDPOINTS or rest == "o/oauth2/v2/auth":
        raise MethodNotAllowed(_ENDPOINTS[rest][1] if rest in _ENDPOINTS else ["GET"])
    raise NotFound


def _with_error(error: GoogleError) -> Response:
    response = jsonify(error.body())
    response.status_code = error.status
    if error.status == 401:
        is_bearer = request.path.endswith("/userinfo")
        response.headers["WWW-Authenticate"] = (
            'Bearer realm="https://accounts.google.com/", error="invalid_token"'
            if is_bearer
            else 'Basic realm="https://accounts.google.com/"'
        )
    return response


def _with_http_error(error: HTTPException) -> Response:
    response = _with_error(GoogleError(error.code or 500, "invalid_request", error.name))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


_ENDPOINTS = {
    ".well-known/openid-configuration": (_discovery, ["GET"]),
    "oauth2/v3/certs": (_certs, ["GET"]),
    "token": (_token, ["POST"]),
    "v1/userinfo": (_userinfo, ["GET", "POST"]),
    "revoke": (_revoke, ["POST"]),
    "device/code": (_device, ["POST"]),
}

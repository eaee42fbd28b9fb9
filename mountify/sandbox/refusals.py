"""Refuse in the vendor's own shape what no vendor code ever sees: wrong methods, unknown addresses, huge bodies."""

from collections.abc import Callable

from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from . import faults
from .cloudinary_account import CloudinaryError, with_cloudinary_error
from .resend_api import with_resend_error
from .resend_errors import ResendError
from .stripe_api.endpoint import unrecognized_url, with_stripe_error
from .stripe_errors import StripeError


def in_the_vendors_shape(error: HTTPException) -> Response | None:
    """Return the vendor's answer, JSON for the levers, or None where a page is asked for."""
    shape = _SHAPES.get(faults.service_of(request.path) or "")
    if shape is not None:
        response = shape(error)
    elif request.path.startswith("/_"):
        response = jsonify(error=error.description or error.name)
        response.status_code = error.code or 500
    else:
        return None
    for name, value in error.get_headers(request.environ):
        if name == "Allow":
            response.headers[name] = value
    return response


def _stripe(error: HTTPException) -> Response:
    status = error.code or 500
    if status in (404, 405):
        return with_stripe_error(unrecognized_url(status))
    kind = "api_error" if status >= 500 else "invalid_request_error"
    return with_stripe_error(StripeError(status, f"{error.name}.", kind=kind))


def _resend(error: HTTPException) -> Response:
    """https://resend.com/docs/api-reference/errors"""
    status = error.code or 500
    name, message = {
        404: ("not_found", "The requested endpoint does not exist."),
        405: ("method_not_allowed", "Method is not allowed for the requested path."),
    }.get(status, ("internal_server_error" if status >= 500 else "validation_error", f"{error.name}."))
    return with_resend_error(ResendError(status, name, message))


def _cloudinary(error: HTTPException) -> Response:
    return with_cloudinary_error(CloudinaryError(error.code or 500, error.name))


_SHAPES: dict[str, Callable[[HTTPException], Response]] = {
    "stripe": _stripe,
    "resend": _resend,
    "cloudinary": _cloudinary,
}

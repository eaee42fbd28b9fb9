"""Google as an OpenID provider, as far as one sign-in needs it: one web client, the code flow, PKCE.

The protocol is written out here in Google's own refusals, so that Authlib, which the shop uses, can be its judge; only
tokens and their keys are a library's (decision 11). https://developers.google.com/identity/openid-connect/openid-connect
"""

from flask import Blueprint

from . import endpoints, pages


def create_blueprint() -> Blueprint:
    """Put endpoints and pages together."""
    bp = Blueprint("google", __name__)
    bp.register_blueprint(endpoints.create_blueprint())
    bp.register_blueprint(pages.create_blueprint())
    return bp

"""Checkout Sessions: create, retrieve, list, expire, line items."""

from flask import Blueprint

from mountify.sandbox import checkout
from mountify.sandbox.context import the_sandbox
from mountify.sandbox.store import Doc
from mountify.sandbox.stripe_errors import ParamError, StripeError
from mountify.sandbox.stripe_params import Choice, Email, Params, Struct, Text, Unsupported

from .endpoint import api_version, endpoint
from .listing import EXPAND, PAGING, Created, created_in, expanded, get, page
from .schemas import ENDIVE, OLD_SESSION, SESSION
from .session_rules import check_rules

_LIST = {
    **PAGING,
    "created": Created(),
    "customer": Unsupported(),
    "customer_account": Unsupported(),
    "customer_details": Struct({"email": Email()}, required=("email",)),
    "payment_intent": Text(),
    "payment_link": Unsupported(),
    "status": Choice(("complete", "expired", "open")),
    "subscription": Unsupported(),
}
_LIST_ITEMS = {name: kind for name, kind in PAGING.items() if name != "ending_before"}


def add_routes(bp: Blueprint) -> None:
    """Add the session routes."""
    bp.add_url_rule("/checkout/sessions", "create_session", _create, methods=["POST"])
    bp.add_url_rule("/checkout/sessions", "list_sessions", _list, methods=["GET"])
    bp.add_url_rule("/checkout/sessions/<session_id>", "retrieve_session", _retrieve, methods=["GET"])
    bp.add_url_rule("/checkout/sessions/<session_id>/expire", "expire_session", _expire, methods=["POST"])
    bp.add_url_rule("/checkout/sessions/<session_id>/line_items", "session_line_items", _line_items, methods=["GET"])


class _AnyVersion:
    """The parameters of the caller's API version."""

    def check(self, value: Params, path: str) -> Params:
        """Check against the version's own schema."""
        schema = SESSION if api_version() >= ENDIVE else OLD_SESSION
        return Struct(schema, required=("mode",)).check(value, path)


def _create_session(params: Params) -> Doc:
    sandbox = the_sandbox()
    check_rules(params, sandbox.clock.now())
    return expanded(checkout.create(sandbox, params), params)


_create = endpoint(_AnyVersion())(_create_session)


@endpoint(EXPAND)
def _retrieve(params: Params, session_id: str) -> Doc:
    checkout.expire_due(the_sandbox())
    return expanded(get("checkout.session", session_id, "session"), params)


@endpoint(_LIST)
def _list(params: Params) -> Doc:
    checkout.expire_due(the_sandbox())
    where = created_in(params.get("created", {}))
    for name in ("payment_intent", "status"):
        if name in params:
            where.append((f"json_extract(doc, '$.{name}') = ?", (params[name],)))
    if "customer_details" in params:
        where.append(("json_extract(doc, '$.customer_details.email') = ?", (params["customer_details"]["email"],)))
    return page("checkout.session", "/v1/checkout/sessions", params, where)


@endpoint(EXPAND)
def _expire(params: Params, session_id: str) -> Doc:
    sandbox = the_sandbox()
    session = get("checkout.session", session_id, "session")
    if session["status"] != "open":
        raise StripeError(
            400,
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`.",
        )
    return expanded(checkout.expire(sandbox, session), params)


@endpoint(_LIST_ITEMS)
def _line_items(params: Params, session_id: str) -> Doc:
    items: list[Doc] = get("checkout.session", session_id, "session")["_line_items"]
    start = 0
    if "starting_after" in params:
        ids = [item["id"] for item in items]
        if params["starting_after"] not in ids:
            raise ParamError(f"No such line item: '{params['starting_after']}'", "starting_after", "resource_missing")
        start = ids.index(params["starting_after"]) + 1
    limit = params.get("limit", 10)
    return expanded(
        {
            "object": "list",
            "data": items[start : start + limit],
            "has_more": len(items) > start + limit,
            "url": f"/v1/checkout/sessions/{session_id}/line_items",
        },
        params,
    )

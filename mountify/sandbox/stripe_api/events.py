"""Events: list, retrieve."""

from flask import Blueprint

from mountify.sandbox.store import Doc
from mountify.sandbox.stripe_errors import ParamError
from mountify.sandbox.stripe_params import Boolean, ListOf, Params, Text

from .endpoint import endpoint
from .listing import EXPAND, PAGING, Created, created_in, expanded, get, page

_LIST = {
    **PAGING,
    "created": Created(),
    "delivery_success": Boolean(),
    "type": Text(),
    "types": ListOf(Text(), most=20),
}


def add_routes(bp: Blueprint) -> None:
    """Add the event routes."""
    bp.add_url_rule("/events", "list_events", _list, methods=["GET"])
    bp.add_url_rule("/events/<event_id>", "retrieve_event", _retrieve, methods=["GET"])


@endpoint(_LIST)
def _list(params: Params) -> Doc:
    if "type" in params and "types" in params:
        raise ParamError("You may only specify one of these parameters: type, types.", "types")
    where = created_in(params.get("created", {}))
    types = params.get("types") or ([params["type"]] if "type" in params else [])
    if types:
        patterns = [name.replace("*", "%") for name in types]
        where.append((" OR ".join("json_extract(doc, '$.type') LIKE ?" for _ in patterns), patterns))
    if "delivery_success" in params:
        waiting = 0 if params["delivery_success"] else 1
        where.append(("json_extract(doc, '$.pending_webhooks') = ?", (waiting,)))
    return page("event", "/v1/events", params, where)


@endpoint(EXPAND)
def _retrieve(params: Params, event_id: str) -> Doc:
    return expanded(get("event", event_id, "id"), params)

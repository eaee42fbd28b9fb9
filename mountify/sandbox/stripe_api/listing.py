"""Lists with cursors, and `expand`."""

from collections.abc import Callable, Sequence
from typing import Any

from mountify.sandbox.context import the_sandbox
from mountify.sandbox.store import Doc
from mountify.sandbox.stripe_errors import ParamError, missing
from mountify.sandbox.stripe_params import Field, Integer, ListOf, Params, Struct, Text

from .endpoint import plain

EXPAND: dict[str, Field] = {"expand": ListOf(Text(500))}
PAGING: dict[str, Field] = {
    "limit": Integer(1, 100),
    "starting_after": Text(),
    "ending_before": Text(),
    **EXPAND,
}
BY_PAYMENT = ("charge", "payment_intent")
_NUMBER = Integer(0, 99_999_999_999)


class Created:
    """A moment, or a range of moments."""

    _range = Struct({"gt": _NUMBER, "gte": _NUMBER, "lt": _NUMBER, "lte": _NUMBER})

    def check(self, value: Any, path: str) -> Params:
        """Return the bounds."""
        return self._range.check(value, path) if isinstance(value, dict) else {"is": _NUMBER.check(value, path)}


OF_A_PAYMENT: dict[str, Field] = {**PAGING, "created": Created(), **{name: Text() for name in BY_PAYMENT}}
Condition = tuple[str, Sequence[object]]
_OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "is": "="}


def created_in(bounds: Params) -> list[Condition]:
    """Return the conditions of a `created` filter."""
    return [(f"json_extract(doc, '$.created') {_OPERATORS[name]} ?", (bound,)) for name, bound in bounds.items()]


def page_of_a_payment(kind: str, url: str, params: Params) -> Doc:
    """Return one page of what belongs to a payment, of one or of all."""
    asked = [name for name in BY_PAYMENT if name in params]
    of_it: list[Condition] = [(f"json_extract(doc, '$.{name}') = ?", (params[name],)) for name in asked]
    return page(kind, url, params, created_in(params.get("created", {})) + of_it)


def page(kind: str, url: str, params: Params, where: Sequence[Condition] = ()) -> Doc:
    """Return one page of a kind, newest first, as Stripe's list object."""
    store = the_sandbox().store
    limit = params.get("limit", 10)
    conditions = list(where)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise ParamError("You can only provide one of starting_after and ending_before.", "ending_before")
    cursor = after or before
    if cursor is not None:
        place = store.position(kind, cursor)
        if place is None:
            raise missing(kind, cursor, "starting_after" if after else "ending_before")
        conditions.append(("seq < ?" if after else "seq > ?", (place,)))
    found = store.select(kind, conditions, limit + 1, oldest_first=bool(before))
    data = found[:limit]
    if before:
        data.reverse()
    listed: Doc = {"object": "list", "data": data, "has_more": len(found) > limit, "url": url}
    return expanded(listed, params)


def expanded(doc: Doc, params: Params) -> Doc:
    """Return the public document with the asked-for parts in full."""
    for position, path in enumerate(params.get("expand", ())):
        parts = path.split(".")
        if len(parts) > 4 + (doc["object"] == "list"):
            raise ParamError(f"You cannot expand more than 4 levels of a property ({path}).", f"expand[{position}]")
        _expand(doc, parts, path, position)
    public: Doc = plain(doc)
    return public


def _expand(doc: Doc, parts: list[str], path: str, position: int) -> None:
    name, rest = parts[0], parts[1:]
    if doc.get("object") == "list" and name == "data":
        for item in doc["data"]:
            if rest:
                _expand(item, rest, path, position)
        return
    if name in _CONTAINERS.get(doc.get("object", ""), ()):
        if doc[name] is not None and rest:
            _expand(doc[name], rest, path, position)
        return
    fill = _EXPANDABLE.get((doc.get("object", ""), name))
    if fill is None:
        raise ParamError(f"This property cannot be expanded ({path}).", f"expand[{position}]")
    if not isinstance(doc.get(name), dict):
        doc[name] = fill(doc)
    if rest and doc[name] is not None:
        _expand(doc[name], rest, path, position)


def _stored(kind: str, name: str) -> Callable[[Doc], Doc | None]:
    def fill(doc: Doc) -> Doc | None:
        return the_sandbox().store.find(kind, doc[name]) if doc.get(name) else None

    return fill


def _line_items(session: Doc) -> Doc:
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return {"object": "list", "data": session["_line_items"], "has_more": False, "url": url}


def _charge_refunds(charge: Doc) -> Doc:
    store = the_sandbox().store
    found = store.select("refund", [("json_extract(doc, '$.charge') = ?", (charge["id"],))])
    return {"object": "list", "data": found, "has_more": False, "url": f"/v1/charges/{charge['id']}/refunds"}


# Sub-objects that are always there in full, through which an expand path may lead.
_CONTAINERS: dict[str, tuple[str, ...]] = {"checkout.session": ("shipping_cost",), "item": ("price",)}
_EXPANDABLE: dict[tuple[str, str], Callable[[Doc], Doc | None]] = {
    ("checkout.session", "payment_intent"): _stored("payment_intent", "payment_intent"),
    ("checkout.session", "line_items"): _line_items,
    ("checkout.session", "customer"): lambda doc: None,
    ("", "shipping_rate"): _stored("shipping_rate", "shipping_rate"),
    ("price", "product"): _stored("product", "product"),
    ("payment_intent", "latest_charge"): _stored("charge", "latest_charge"),
    ("payment_intent", "customer"): lambda doc: None,
    ("charge", "payment_intent"): _stored("payment_intent", "payment_intent"),
    ("charge", "refunds"): _charge_refunds,
    ("dispute", "charge"): _stored("charge", "charge"),
    ("dispute", "payment_intent"): _stored("payment_intent", "payment_intent"),
    ("refund", "charge"): _stored("charge", "charge"),
    ("refund", "payment_intent"): _stored("payment_intent", "payment_intent"),
}


def get(kind: str, doc_id: str, param: str) -> Doc:
    """Return a document or raise Stripe's 404."""
    found = the_sandbox().store.find(kind, doc_id)
    if found is None:
        raise missing(kind, doc_id, param)
    return found

"""Judge answers and parameters by the types in Stripe's own SDK, which are generated from its OpenAPI description."""

from __future__ import annotations

import importlib
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import stripe

from mountify.sandbox.stripe_params import Field, ListOf, Struct

_OBJECTS = {
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "item": stripe.LineItem,
    "payment_intent": stripe.PaymentIntent,
    "price": stripe.Price,
    "product": stripe.Product,
    "refund": stripe.Refund,
    "shipping_rate": stripe.ShippingRate,
}


def disagreements(answer: Mapping[str, Any], cls: type | None = None, place: str = "") -> list[str]:
    """Say where an object is not what the SDK declares: invented, missing or mistyped fields."""
    cls = cls or _OBJECTS[answer["object"]]
    place = place or cls.__name__
    declared = inspect.get_annotations(cls)
    found = [f"{place}.{name} is invented" for name in answer if name not in declared]
    for name, kind in declared.items():
        if name.startswith("_") or name == "OBJECT_NAME":
            continue
        if name not in answer:
            if not _may_be_absent(kind):
                found.append(f"{place}.{name} is missing")
            continue
        found += _judge_value(answer[name], kind, getattr(cls, "_inner_class_types", {}).get(name), f"{place}.{name}")
    return found


def _judge_value(value: Any, kind: Any, inner: type | None, place: str) -> list[str]:
    if value is None:
        return [] if _may_be_absent(kind) else [f"{place} is null"]
    if isinstance(value, dict):
        if inner is not None:
            return disagreements(value, inner, place)
        if value.get("object") == "list":
            return [each for item in value["data"] for each in disagreements(item)]
        return disagreements(value) if value.get("object") in _OBJECTS else []
    if isinstance(value, list):
        return [each for item in value for each in _judge_value(item, Any, inner, place)]
    words = [word for literal in _parts(kind) if get_origin(literal) is Literal for word in get_args(literal)]
    if words and value not in words:
        return [f"{place} = {value!r} is none of the words"]
    plain = [part for part in _parts(kind) if part in (bool, int, str, float)]
    if plain and not words and type(value) not in plain:
        return [f"{place} = {value!r} is no {plain}"]
    return []


def _may_be_absent(kind: Any) -> bool:
    return type(None) in _parts(kind)


def _parts(kind: Any) -> list[Any]:
    """Return what a union is made of, however deep."""
    if get_origin(kind) in (Union, types.UnionType):
        return [part for arg in get_args(kind) for part in _parts(arg)]
    return [kind]


def unlike_the_sdk(known: Mapping[str, Field], module: str, name: str) -> list[str]:
    """Say which parameters the SDK knows and the sandbox does not, and which the sandbox made up."""
    declared = getattr(importlib.import_module(f"stripe.params.{module}"), name)
    return _compare(known, declared, "")


def _compare(known: Mapping[str, Field], declared: type, place: str) -> list[str]:
    own = {name: hint for name, hint in declared.__annotations__.items() if name not in _OPTIONS}
    found = [f"{place}{name} is invented" for name in known if name not in own]
    found += [f"{place}{name} is unknown" for name in own if name not in known]
    names = vars(importlib.import_module(declared.__module__))
    for name, hint in own.items():
        field, nested = known.get(name), _typed_dict(hint, names)
        field = field.item if isinstance(field, ListOf) else field
        if isinstance(field, Struct) and nested is not None:
            found += _compare(field.fields, nested, f"{place}{name}.")
    return found


_OPTIONS = frozenset(stripe.RequestOptions.__annotations__)


def _typed_dict(hint: Any, names: dict[str, Any]) -> type | None:
    """Find the typed dictionary inside NotRequired, List and Union."""
    if isinstance(hint, ForwardRef):
        hint = eval(hint.__forward_arg__, names)
    if isinstance(hint, type) and typing.is_typeddict(hint):
        return hint
    return next((each for arg in get_args(hint) if (each := _typed_dict(arg, names))), None)

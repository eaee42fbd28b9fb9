"""Check parameters against a schema, with Stripe's own errors."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from .stripe_currencies import CURRENCIES
from .stripe_errors import ParamError

Params = dict[str, Any]
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>.]+(\.[^@\s<>.]+)+")


class Field(Protocol):
    """One kind of value."""

    def check(self, value: Any, path: str) -> Any:
        """Return the typed value or raise ParamError."""


@dataclass(frozen=True)
class Text:
    """A string that is not empty."""

    longest: int = 5000

    def check(self, value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise ParamError(f"Invalid string: {path}", path)
        if value == "":
            raise ParamError(
                f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
                f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty "
                "value.",
                path,
                "parameter_invalid_empty",
            )
        if len(value) > self.longest:
            raise ParamError(f"Invalid string: {value[:20]}…; must be at most {self.longest} characters", path)
        return value


@dataclass(frozen=True)
class Integer:
    """A whole number between bounds."""

    least: int = 0
    most: int = 99_999_999

    def check(self, value: Any, path: str) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            raise ParamError(f"Invalid integer: {_short(value)}", path, "parameter_invalid_integer")
        number = int(value)
        if number < self.least:
            message = f"This value must be greater than or equal to {self.least}."
            raise ParamError(message, path, "parameter_invalid_integer")
        if number > self.most:
            message = f"This value must be less than or equal to {self.most}."
            raise ParamError(message, path, "parameter_invalid_integer")
        return number


@dataclass(frozen=True)
class Boolean:
    """true or false."""

    def check(self, value: Any, path: str) -> bool:
        if value not in ("true", "false"):
            raise ParamError(f"Invalid boolean: {_short(value)}", path)
        return bool(value == "true")


@dataclass(frozen=True)
class Choice:
    """One of some words; those in `unsupported` are Stripe's but not the sandbox's."""

    values: tuple[str, ...]
    unsupported: tuple[str, ...] = ()

    def check(self, value: Any, path: str) -> str:
        if value in self.unsupported:
            raise unsupported(path, f"the value {value}")
        if value not in self.values:
            known = [*self.values, *self.unsupported]
            listed = known[0] if len(known) == 1 else f"one of {', '.join(known[:-1])}, or {known[-1]}"
            raise ParamError(f"Invalid {path}: must be {listed}", path)
        return str(value)


@dataclass(frozen=True)
class Currency:
    """A three-letter currency code, answered in lower case."""

    def check(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or value.lower() not in CURRENCIES:
            raise ParamError(
                f"Invalid currency: {_short(value)}. Stripe currently supports these currencies: "
                f"{', '.join(sorted(CURRENCIES))}",
                path,
            )
        return value.lower()


@dataclass(frozen=True)
class Email:
    """An e-mail address."""

    def check(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or len(value) > 800 or not _EMAIL.fullmatch(value):
            raise ParamError(f"Invalid email address: {_short(value)}", path, "email_invalid")
        return value


@dataclass(frozen=True)
class Url:
    """An absolute http(s) address."""

    longest: int = 5000

    def check(self, value: Any, path: str) -> str:
        text = Text(self.longest).check(value, path)
        try:
            parts = urlsplit(text)
            if not parts.scheme:
                message = "Invalid URL: An explicit scheme (such as https) must be provided."
                raise ParamError(message, path, "url_invalid")
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text)
        except ValueError:
            good = False
        if not good:
            raise ParamError("Not a valid URL", path, "url_invalid")
        return text


@dataclass(frozen=True)
class Metadata:
    """Up to 50 keys of 40 characters with values of 500; an empty value unsets its key."""

    def check(self, value: Any, path: str) -> dict[str, str]:
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise ParamError("Invalid object", path)
        if len(value) > 50:
            raise ParamError(f"You can have up to 50 metadata keys, but you passed {len(value)}.", path)
        for key, text in value.items():
            place = f"{path}[{key}]"
            if not isinstance(text, str):
                raise ParamError("Metadata values must be strings", place)
            if not key or len(key) > 40:
                raise ParamError(f"Metadata keys can have up to 40 characters, but you passed {_short(key)}.", path)
            if len(text) > 500:
                message = f"Metadata values can have up to 500 characters, but you passed in a value of {len(text)}."
                raise ParamError(f"{message} Invalid value: {text[:20]}…", place)
        return {key: text for key, text in value.items() if text}


@dataclass(frozen=True)
class ListOf:
    """A list of one kind of value."""

    item: Field
    most: int = 100

    def check(self, value: Any, path: str) -> list[Any]:
        if not isinstance(value, dict) or not all(re.fullmatch(r"[0-9]{1,9}", key) for key in value):
            raise ParamError("Invalid array", path)
        ordered = sorted(value.items(), key=lambda pair: int(pair[0]))
        if len(ordered) > self.most:
            raise ParamError(f"Array too long: {path} can have at most {self.most} items.", path)
        return [self.item.check(item, f"{path}[{position}]") for position, (_, item) in enumerate(ordered)]


@dataclass(frozen=True)
class Struct:
    """Named values, some required; any other name is refused."""

    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()

    def check(self, value: Any, path: str) -> Params:
        if not isinstance(value, dict):
            raise ParamError("Invalid object", path)
        refuse_unknown(value, self.fields, path)
        for name in self.required:
            if name not in value:
                place = _join(path, name)
                raise ParamError(f"Missing required param: {place}.", place, "parameter_missing")
        return {name: self.fields[name].check(item, _join(path, name)) for name, item in value.items()}


@dataclass(frozen=True)
class Unsupported:
    """A parameter Stripe knows and the sandbox does not play; values in `harmless` pass."""

    harmless: tuple[Any, ...] = field(default=())

    def check(self, value: Any, path: str) -> None:
        if value not in self.harmless:
            raise unsupported(path, "this parameter")


def unsupported(path: str, what: str) -> ParamError:
    """Return the refusal for what Stripe can do and the sandbox cannot."""
    return ParamError(f"The sandbox does not play {what} ({path}).", path, "sandbox_unsupported")


def refuse_unknown(value: Params, known: Mapping[str, Field], path: str = "") -> None:
    """Refuse misspelt names as Stripe does."""
    unknown = [name for name in value if name not in known]
    if not unknown:
        return
    places = [_join(path, name) for name in unknown]
    close = difflib.get_close_matches(unknown[0], list(known), n=1, cutoff=0.8)
    hint = f". Did you mean {_join(path, close[0])}?" if close and len(unknown) == 1 else ""
    plural = "s" if len(places) > 1 else ""
    raise ParamError(f"Received unknown parameter{plural}: {', '.join(places)}{hint}", places[0], "parameter_unknown")


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _short(value: object) -> str:
    return str(value)[:40]

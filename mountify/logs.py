"""Structured logs: one line an event, in JSON, to standard error, and neither an e-mail address nor a key in it."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_KEY = re.compile(r"Key \([^)]*\)=\(.*?\)")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]+")


def configure(to: TextIO | None = None, *, least: int = logging.INFO) -> None:
    """Set up our logs, from the level `least` upwards; the standard library's loggers join in from warnings upwards."""
    to = to or sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _as_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(to),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(to)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class Lines(logging.Formatter):
    """What others log, in lines like ours."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "event": record.name, "text": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _line(line)


def _as_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return _line(event)


def _line(event: MutableMapping[str, Any]) -> str:
    return json.dumps({name: _without_addresses(value) for name, value in event.items()}, ensure_ascii=False)


def _without_addresses(value: Any) -> Any:
    """Errors quote what was typed: PostgreSQL's say which key exists already, a queue's what a job is about."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(name): _without_addresses(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_addresses(each) for each in value]
    return _ADDRESS.sub("(address)", _KEY.sub("Key (…)", value if isinstance(value, str) else repr(value)))

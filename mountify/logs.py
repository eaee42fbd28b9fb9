"""Structured logs: one line an event, in JSON, to standard error."""

from __future__ import annotations

import logging
import sys

import structlog


def configure() -> None:
    """Set up our logs; the standard library's loggers join in from warnings upwards."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=logging.WARNING, format='{"level": "%(levelname)s", "event": "%(name)s", "text": "%(message)r"}'
    )

"""What every command begins with."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

import click

from mountify.config import Config, ConfigError, load


def connected(*, logs_from: int = logging.ERROR) -> Config:
    """Read the configuration, or a running `make run`'s, and connect; a wrong one ends with its one sentence.

    A person reads what is logged beside what the command says: so only errors are, to standard error.
    """
    from mountify import db, logs
    from mountify.store import Store, share
    from mountify.supervisor.house import recall

    running = recall(os.environ)
    try:
        config = load({**running, **os.environ})
    except ConfigError as error:
        raise click.ClickException(f"{error}{hint(running)}") from error
    logs.configure(least=logs_from)
    db.connect(config.database_url)
    share(Store(config.redis_url))
    return config


def hint(running: Mapping[str, str]) -> str:
    """Say what else may be missing where nothing is configured: the demo shop, which tells commands what they need."""
    if running or os.environ.get("DATABASE_URL"):
        return ""
    return " Or is it the demo shop? It does not run; make run starts it."

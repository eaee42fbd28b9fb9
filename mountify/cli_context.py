"""What every command begins with."""

from __future__ import annotations

import os

import click

from mountify.config import Config, ConfigError, load


def connected() -> Config:
    """Read the configuration, or a running `make run`'s, and connect; a wrong one ends with its one sentence."""
    from mountify import db
    from mountify.store import Store, share
    from mountify.supervisor.house import recall

    try:
        config = load({**recall(os.environ), **os.environ})
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    db.connect(config.database_url)
    share(Store(config.redis_url))
    return config

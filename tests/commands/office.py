"""A terminal at which somebody runs the shop."""

from __future__ import annotations

import structlog
from click.testing import CliRunner
from sqlalchemy import Connection, Engine

from mountify import db, store
from mountify.cli import main


class Office:
    """A terminal whose commands run here, not in a process of their own, which takes a second to start."""

    def __init__(self, engine: Engine, environment: dict[str, str]) -> None:
        self.engine, self.environment = engine, environment

    def run(self, *words: str, code: int = 0) -> str:
        db.release()
        redis = store.shared()
        told = CliRunner().invoke(main, words, env=self.environment)
        self._part_from(db.session.get_bind())
        if redis is not None:
            store.share(redis)
        assert told.exit_code == code and isinstance(told.exception, SystemExit | None), told.output
        assert code or not told.stderr
        return told.output

    def _part_from(self, its_own: Engine | Connection) -> None:
        """A process would end here: its connections, and where it logs to."""
        db.bind(self.engine)
        if isinstance(its_own, Engine) and its_own is not self.engine:
            its_own.dispose()
        structlog.reset_defaults()

"""Real PostgreSQL and Redis from the wheels, for `make run` and the tests. Nothing of Mountify is known here."""

from mountify.embedded.postgres import EmbeddedPostgres
from mountify.embedded.processes import EmbeddedError
from mountify.embedded.redis import EmbeddedRedis

__all__ = ["EmbeddedError", "EmbeddedPostgres", "EmbeddedRedis"]

"""What a command is told by its environment."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import Engine

from mountify.config import Config
from tests.factories import make_shop
from tests.sandbox.conftest import sandbox, sandbox_of_the_run, shop, shop_of_the_run
from tests.sandbox.support import Running

from .office import Office

__all__ = ["sandbox", "sandbox_of_the_run", "shop", "shop_of_the_run"]


@pytest.fixture
def environment(config: Config) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "MOUNTIFY_VAR": "/nowhere",
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "SECRET_KEY": config.secret_key,
        "STRIPE_SECRET_KEY": "sk_test_only",
        "STRIPE_WEBHOOK_SECRET": "whsec_only_for_the_tests",
        "STRIPE_API_BASE": "http://127.0.0.1:1",
        "RESEND_API_KEY": "re_only",
        "RESEND_API_URL": "http://127.0.0.1:1",
        "PORT": "1",
    }


@pytest.fixture
def office(engine: Engine, database: None, environment: dict[str, str], sandbox: Running) -> Office:
    make_shop()
    return Office(engine, {**environment, "STRIPE_API_BASE": sandbox.url})

"""Crashes are judged by the same sandbox process as the sandbox's own tests use."""

from tests.sandbox.conftest import sandbox, sandbox_of_the_run, shop, shop_of_the_run

__all__ = ["sandbox", "sandbox_of_the_run", "shop", "shop_of_the_run"]

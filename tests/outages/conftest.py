"""Outages of the vendors are played by the same sandbox process as in the sandbox's own tests."""

from tests.commands.conftest import environment
from tests.outages.support import stripe
from tests.sandbox.conftest import sandbox, sandbox_of_the_run, shop, shop_of_the_run

__all__ = ["environment", "sandbox", "sandbox_of_the_run", "shop", "shop_of_the_run", "stripe"]

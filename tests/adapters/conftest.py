"""The adapters talk to the same sandbox process as the sandbox's own tests."""

from tests.sandbox.conftest import client, sandbox, sandbox_of_the_run, shop, shop_of_the_run

__all__ = ["client", "sandbox", "sandbox_of_the_run", "shop", "shop_of_the_run"]

"""The adapters talk to the same sandbox process as the sandbox's own tests."""

from tests.sandbox.conftest import sandbox, sandbox_of_the_run, shop, shop_of_the_run

__all__ = ["sandbox", "sandbox_of_the_run", "shop", "shop_of_the_run"]

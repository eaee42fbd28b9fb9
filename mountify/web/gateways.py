"""The outside services this app was made with."""

from __future__ import annotations

from typing import cast

from flask import current_app

from mountify.gateways import Gateways


def gateways() -> Gateways:
    return cast(Gateways, current_app.extensions["gateways"])

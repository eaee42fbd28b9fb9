"""The parts every request works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import current_app

from .clock import Clock
from .moving_window import MovingWindow
from .store import Store
from .webhooks import Webhooks


@dataclass(frozen=True)
class Sandbox:
    """What one sandbox is made of."""

    store: Store
    clock: Clock
    webhooks: Mapping[str, Webhooks]  # by vendor
    public_url: str
    data_dir: Path
    google_redirects: tuple[str, ...]
    track17_key: str
    track17_calls: MovingWindow


def the_sandbox() -> Sandbox:
    """Return the sandbox of the app that serves this request."""
    return cast(Sandbox, current_app.extensions["sandbox"])

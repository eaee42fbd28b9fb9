"""`python -m tests.chaos`: ORDERS, KILLS and SEED say how many and which; ends with 1 when something is off.

Whatever tells it to end, all that it has started ends with it.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from mountify import logs

from .estate import Estate
from .run import SOAK, run


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    logs.configure(least=logging.ERROR)  # what is repaired after the storm is counted, not told
    asked = os.environ
    seed = asked.get("SEED") or secrets.token_hex(4)
    profile = replace(SOAK, orders=int(asked.get("ORDERS") or SOAK.orders), kills=int(asked.get("KILLS") or SOAK.kills))
    print(f"{profile.orders} orders and {profile.kills} kills; SEED={seed} draws the same again", flush=True)
    with tempfile.TemporaryDirectory(prefix="mountify-chaos-") as folder:
        estate = Estate(Path(folder), seed)
        try:
            result = run(estate, profile, seed)
            print(result, flush=True)
            if result.off:
                print(estate.last_words(), file=sys.stderr)
        finally:
            estate.close()
    return 1 if result.off else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

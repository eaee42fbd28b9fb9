"""What an account may register, https://asset.17track.net/api/document/v2.2_en/index.html (getquota)."""

import json
from datetime import UTC, datetime

from mountify.sandbox import track17_errors as errors
from mountify.sandbox.context import Sandbox
from mountify.sandbox.store import Doc
from mountify.sandbox.track17_errors import Rejected

TOTAL = 1_000
_SETTING = "track17_quota"


def spend(sandbox: Sandbox, units: int) -> None:
    """Take units for a registration, inside the caller's transaction."""
    used, day, today = _used(sandbox)
    if used + units > TOTAL:
        raise Rejected(errors.QUOTA_USED_UP)
    sandbox.store.set_setting(_SETTING, json.dumps([used + units, day, today + units]))


def told(sandbox: Sandbox) -> Doc:
    """Return what is left."""
    used, _, today = _used(sandbox)
    return {
        "quota_total": TOTAL,
        "quota_used": used,
        "quota_remain": TOTAL - used,
        "today_used": today,
        "max_track_daily": TOTAL,
        "free_email_quota": 0,
        "free_email_quotaused": 0,
    }


def _used(sandbox: Sandbox) -> tuple[int, str, int]:
    """Return the units used at all, the day it is, and those used on it."""
    today = datetime.fromtimestamp(sandbox.clock.now(), UTC).date().isoformat()
    used, day, on_day = json.loads(sandbox.store.setting(_SETTING, '[0, "", 0]'))
    return used, today, on_day if day == today else 0

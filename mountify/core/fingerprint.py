"""What stands for a record as it was seen, so that whoever changes it can say what they have changed it from."""

import hashlib
import json


def fingerprint(*values: object) -> str:
    """Tell values from all others, in 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(values, default=str, sort_keys=True).encode()).hexdigest()

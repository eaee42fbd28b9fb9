"""17TRACK's refusals: of a whole request (`data.errors`) or of one number in it (`data.rejected`).

https://help.17track.net/hc/en-us/articles/37570440168473-Error-Codes-and-Troubleshooting
"""

from mountify.sandbox.store import Doc

INVALID_KEY = -18010002
INTERNAL = -18010003
MISSING = -18010010
BAD_FORMAT = -18010012
BAD_BODY = -18010013
TOO_MANY = -18010014
BAD_VALUE = -18010015
LAST_MILE_NOT_POSTAL = -18010016
NO_WEBHOOK_URL = -18010204
CARRIER_AMBIGUOUS = -18019801
NEW_CARRIER_WRONG = -18019802
CARRIER_UNCHANGED = -18019803
NEW_CARRIER_MISSING = -18019804
OLD_CARRIER_WRONG = -18019805
CARRIER_OF_STOPPED = -18019806
CARRIER_CHANGED_TOO_OFTEN = -18019807
RESULT_PENDING = -18019808
CARRIER_DUPLICATE = -18019809
NUMBER_AMBIGUOUS = -18019810
NOTHING_TO_CHANGE = -18019811
ALREADY_REGISTERED = -18019901
NOT_REGISTERED = -18019902
CARRIER_UNDETECTED = -18019903
NOT_STOPPED = -18019904
RETRACKED_BEFORE = -18019905
NOT_TRACKED = -18019906
QUOTA_USED_UP = -18019908
NO_INFO_YET = -18019909
CARRIER_WRONG = -18019910

_WORDS = {
    INVALID_KEY: "Invalid security key.",
    INTERNAL: "Internal service error. Please try again later.",
    MISSING: "Please provide the data '{}'.",
    BAD_FORMAT: "The format of '{}' is invalid.",
    BAD_BODY: "Invalid submitted data.",
    TOO_MANY: "Tracking numbers exceed 40 limit.",
    BAD_VALUE: "The value '{}' of the field '{}' is invalid.",
    LAST_MILE_NOT_POSTAL: "Last-mile carrier can only be set for postal services.",
    NO_WEBHOOK_URL: "Webhook URL not set, can't push data.",
    CARRIER_AMBIGUOUS: "The tracking number is registered with multiple carriers, please specify carrier_old.",
    NEW_CARRIER_WRONG: "The parameter carrier_new '{}' is incorrect.",
    CARRIER_UNCHANGED: "The carrier code to be changed can not be the same as the current one.",
    NEW_CARRIER_MISSING: "The carrier code to be changed must be specified to carrier_new or final_carrier_new.",
    OLD_CARRIER_WRONG: "The tracking number '{}' is not registered with the carrier '{}'.",
    CARRIER_OF_STOPPED: "Carrier can not be changed for stopped numbers, please retrack the number first.",
    CARRIER_CHANGED_TOO_OFTEN: "The times for changing carrier exceed limit.",
    RESULT_PENDING: "The tracking result has not been returned after the latest registration or modification.",
    CARRIER_DUPLICATE: "The registration information with the carrier '{}' already exists.",
    NUMBER_AMBIGUOUS: "Data that meet the update condition are not unique.",
    NOTHING_TO_CHANGE: "The data need to be changed is not valid.",
    ALREADY_REGISTERED: "The tracking number '{}' has been registered, don't need to repeat registration.",
    NOT_REGISTERED: "The tracking number '{}' does not register, please register first.",
    CARRIER_UNDETECTED: "Carrier cannot be detected.",
    NOT_STOPPED: "Retrack is not allowed. You can only retrack stopped number.",
    RETRACKED_BEFORE: "Retrack is not allowed. You can only retrack each number once.",
    NOT_TRACKED: "Stop tracking is not allowed. You can only stop numbers that are being tracked.",
    QUOTA_USED_UP: "Quota is not enough for use.",
    NO_INFO_YET: "No tracking information at this time.",
    CARRIER_WRONG: "The carrier value '{}' is not correct.",
}
_HTTP_WORDS = {404: "Not found.", 405: "Method not allowed.", 413: "Request too large.", 429: "Too many requests."}


class Rejected(Exception):
    """One number of a request is refused, the others are not."""

    def __init__(self, code: int, *values: object) -> None:
        super().__init__(code)
        self.code = code
        self.message = _WORDS[code].format(*values)

    def body(self) -> Doc:
        """Return what stands beside the number."""
        return {"code": self.code, "message": self.message}


class Track17Error(Exception):
    """A whole request is refused; HTTP's own trouble has HTTP's number as its code."""

    def __init__(self, status: int, code: int = 0) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code or status

    def body(self) -> Doc:
        """Return the envelope."""
        message = _WORDS.get(self.code) or _HTTP_WORDS.get(self.code, "The request was refused.")
        return {"code": self.code, "data": {"errors": [{"code": self.code, "message": message}]}}


def of_fault(status: int) -> Doc:
    """Return what a vendor in trouble says with a status."""
    code = {401: INVALID_KEY, 429: 429}.get(status, INTERNAL if status >= 500 else BAD_BODY)
    return Track17Error(status, code).body()

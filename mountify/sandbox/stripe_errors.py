"""Stripe's error shape."""

from typing import Any


class StripeError(Exception):
    """A refusal in Stripe's words; `stored` says whether an idempotency key remembers it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        stored: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.stored = stored

    def body(self) -> dict[str, Any]:
        """Return the JSON Stripe sends."""
        error: dict[str, Any] = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        error["type"] = self.kind
        return {"error": error}


class ParamError(StripeError):
    """A parameter Stripe would refuse before doing anything: never stored under an idempotency key."""

    def __init__(self, message: str, param: str, code: str | None = None) -> None:
        super().__init__(400, message, param=param, code=code, stored=False)


def missing(kind: str, doc_id: str, param: str) -> StripeError:
    """Return the 404 for an id nobody has."""
    return StripeError(404, f"No such {kind}: '{doc_id}'", code="resource_missing", param=param)

"""Resend's error shape."""


class ResendError(Exception):
    """A refusal in Resend's words."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message

    def body(self) -> dict[str, object]:
        """Return the JSON Resend sends."""
        return {"statusCode": self.status, "name": self.name, "message": self.message}


def invalid(message: str) -> ResendError:
    """Return the refusal of a bad value."""
    return ResendError(422, "validation_error", message)

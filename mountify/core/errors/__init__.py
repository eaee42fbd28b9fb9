"""Every refusal is one ShopError: a message id with parameters, translated and shown at the front."""

from __future__ import annotations

from typing import ClassVar


def N_(message: str) -> str:
    """Mark a message for translation without translating it here."""
    return message


class ShopError(Exception):
    """A rule said no. `status` is the HTTP status the fronts answer with, `code` names the rule.

    `facts` are told to the API beside the sentence, `reason` to the log alone.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    message: ClassVar[str] = N_("That did not work.")
    reason: str | None = None

    def __init__(self, message: str | None = None, **params: object) -> None:
        self.facts: dict[str, object] = {}
        self.message_id = message or self.message
        self.params = params
        super().__init__(self.message_id % params if params else self.message_id)


class NotFound(ShopError):
    status = 404
    code = "not_found"
    message = N_("We could not find that.")


class Gone(NotFound):
    status = 410
    code = "gone"
    message = N_("It is out of the catalogue. Others may do the job.")


class InvalidInput(ShopError):
    code = "invalid"
    message = N_("Please check what you entered.")


class Malformed(InvalidInput):
    """What was typed does not have the shape that was asked for: shown beside its field, on the page of the form."""

    status = 422
    code = "bad_form"

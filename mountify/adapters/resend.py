"""Resend. Sends one mail under one key; the same key never sends twice within a day."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mountify.core.errors.outside import MailRefused, MailUnavailable
from mountify.core.outside import Answer
from mountify.core.senders import under_name

READ_S = 10
# Answers that a repeat may turn into a success, once the key or the domain is right: https://resend.com/docs/api-reference/errors
_WORTH_A_RETRY = frozenset({401, 403, 408, 425, 429, 500, 502, 503, 504})
_NO_ANSWER = "HttpClientError"  # the SDK's own word
_SENDS_ONLY = "restricted_api_key"
# And: the try before this one, whose answer we did not wait for, still goes on.
_PASSING = frozenset({_NO_ANSWER, "concurrent_idempotent_requests"})
_settings = threading.Lock()


class ResendMailer:
    def __init__(
        self, key: str, sender: str, *, api_url: str | None = None, before_call: Callable[[], None] = lambda: None
    ) -> None:
        self._key, self._sender, self._api_url = key, sender, api_url
        self._before_call = before_call

    def send(self, *, sender_name: str = "", to: str, subject: str, html: str, text: str, idempotency_key: str) -> str:
        """Give the mail to Resend and return its id. Raises MailUnavailable (try again) or MailRefused (do not).

        It comes from the installation's address, which is verified at Resend, under this name when there is one.
        https://resend.com/docs/api-reference/emails/send-email
        """
        import resend
        from resend.exceptions import ResendError

        self._set_up()
        try:
            answer = resend.Emails.send(
                {"from": self._from(sender_name), "to": [to], "subject": subject, "html": html, "text": text},
                {"idempotency_key": idempotency_key},
            )
        except ResendError as error:
            if error.error_type in _PASSING or _status(error.code) in _WORTH_A_RETRY:
                raise MailUnavailable from error
            raise MailRefused from error
        return str(answer["id"])

    def ping(self) -> Answer:
        """https://resend.com/docs/api-reference/domains/list-domains; a key that may only send is as good."""
        import resend
        from resend.exceptions import ResendError

        self._set_up()
        try:
            resend.Domains.list()
        except ResendError as error:
            if error.error_type == _SENDS_ONLY:
                return Answer.WELL
            if error.error_type == _NO_ANSWER:
                return Answer.NONE
            return Answer.REFUSED if _status(error.code) in (401, 403) else Answer.FAILED
        return Answer.WELL

    def _from(self, name: str) -> str:
        return under_name(self._sender, name) if name else self._sender

    def _set_up(self) -> None:
        """The SDK keeps its settings in module globals."""
        import resend

        self._before_call()
        with _settings:
            resend.api_key = self._key
            if self._api_url:
                resend.api_url = self._api_url
            resend.default_http_client = resend.RequestsClient(timeout=READ_S)


def _status(code: object) -> int:
    text = str(code)
    return int(text) if text.isdigit() else 500

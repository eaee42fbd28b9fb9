"""Messages for the next page while the session cannot keep them (Redis is down): in a signed cookie, for a minute."""

from __future__ import annotations

from typing import Any, cast

from flask import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from mountify.config import Config

NOTICE_COOKIE = "notice"
LASTS_S = 60
_MOST_BYTES = 2000  # a cookie holds 4,096


class Notices:
    def __init__(self, config: Config) -> None:
        self._signer = URLSafeTimedSerializer(config.secret_key, salt="notice")
        self._is_https = config.is_https

    def lend(self, response: Response, flashes: list[Any]) -> None:
        """Give messages to the browser; when there are too many, the newest."""
        value = self._signer.dumps(flashes)
        if len(value) > _MOST_BYTES:
            value = self._signer.dumps(flashes[-1:])
        response.set_cookie(
            NOTICE_COOKIE, str(value), max_age=LASTS_S, secure=self._is_https, httponly=True, samesite="Lax"
        )

    def borrow(self, request: Request) -> list[Any]:
        """Take back what the browser was given; nothing when it is older than a minute, or not from us."""
        value = request.cookies.get(NOTICE_COOKIE)
        if value is None:
            return []
        try:
            return cast(list[Any], self._signer.loads(value, max_age=LASTS_S))
        except BadSignature:
            return []

    def forget(self, response: Response) -> None:
        response.delete_cookie(NOTICE_COOKIE, secure=self._is_https, httponly=True)

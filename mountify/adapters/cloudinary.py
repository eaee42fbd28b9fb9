"""Cloudinary. Keeps pictures; what it keeps is fetched by the browser, not by us."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from mountify.core.errors.pictures import ImageRefused, ImagesUnavailable
from mountify.core.outside import Answer
from mountify.core.pictures import StoredPicture

TIMEOUT_S = 10
PING_S = 3  # the SDK tries four times, while a person waits


class CloudinaryImages:
    def __init__(self, url: str, *, before_call: Callable[[], None] = lambda: None) -> None:
        parts = urlsplit(url)
        self._account: dict[str, Any] = {
            "api_key": unquote(parts.username or ""),
            "api_secret": unquote(parts.password or ""),
            "cloud_name": url.rpartition("@")[2].split("?")[0].strip("/"),  # hostname would lose its capitals
            "timeout": TIMEOUT_S,
        }
        if prefix := parse_qs(parts.query).get("upload_prefix"):
            self._account["upload_prefix"] = prefix[0]
        self._before_call = before_call

    def upload(self, content: bytes, public_id: str) -> StoredPicture:
        """Give a picture to Cloudinary under a name of ours. Raises ImageRefused or ImagesUnavailable (try again).

        https://cloudinary.com/documentation/image_upload_api_reference#upload
        """
        answer = self._ask("upload", io.BytesIO(content), public_id=public_id, overwrite=True)
        return StoredPicture(answer["secure_url"], answer["public_id"], int(answer["width"]), int(answer["height"]))

    def destroy(self, public_id: str) -> None:
        """Let a picture go; one that is gone already is no error. Raises ImagesUnavailable (try again)."""
        self._ask("destroy", public_id, invalidate=True)

    def ping(self) -> Answer:
        """https://cloudinary.com/documentation/admin_api#ping_cloudinary_servers"""
        import cloudinary.api
        from cloudinary.exceptions import AuthorizationRequired, NotAllowed
        from urllib3.exceptions import HTTPError

        self._before_call()
        try:
            cloudinary.api.ping(**self._account | {"timeout": PING_S})
        except (AuthorizationRequired, NotAllowed):
            return Answer.REFUSED
        except Exception as error:  # of no class of its own for a status that the SDK does not know
            return Answer.NONE if isinstance(error.__context__, OSError | HTTPError) else Answer.FAILED
        return Answer.WELL

    def _ask(self, method: str, thing: object, **options: Any) -> dict[str, Any]:
        import cloudinary.uploader
        from cloudinary.exceptions import BadRequest, Error

        self._before_call()
        try:
            return dict(getattr(cloudinary.uploader, method)(thing, **self._account, **options))
        except BadRequest as error:
            raise ImageRefused from error
        except Error as error:
            raise ImagesUnavailable from error

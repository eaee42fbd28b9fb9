"""What Resend asks of an e-mail, from https://resend.com/docs/api-reference/emails/send-email."""

import base64
import binascii
import re
from typing import Any

from .resend_errors import ResendError, invalid
from .resend_schedule import scheduled_at, written
from .store import Doc

_ADDRESS = r"[^\s@<>,;\"]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_MAILBOX = re.compile(rf"(?:{_ADDRESS}|[^<>\r\n]*<{_ADDRESS}>)")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_HEADER = re.compile(r"[!-9;-~]+")  # RFC 5322: visible, and no colon
_MOST_RECIPIENTS = 50
_FIELD_NAMES = """
from to subject html text cc bcc reply_to headers tags attachments scheduled_at template topic_id
"""
_FIELDS = frozenset(_FIELD_NAMES.split())
_UNPLAYED = ("template", "topic_id")


def check_email(body: Any, now: int, *, in_batch: bool = False) -> Doc:
    """Return the e-mail to keep or raise ResendError."""
    if not isinstance(body, dict):
        raise invalid("The request body must be a JSON object.")
    _check_names(body, in_batch=in_batch)
    for name in ("from", "to", "subject"):
        if body.get(name) in (None, "", []):
            raise ResendError(422, "missing_required_field", f"Missing `{name}` field.")
    sender, subject = body["from"], body["subject"]
    if not isinstance(sender, str) or not _MAILBOX.fullmatch(sender):
        raise _bad_address("from")
    if not isinstance(subject, str) or "\n" in subject or "\r" in subject:
        raise invalid("Invalid `subject` field. It must be a single line of text.")
    if not body.get("html") and not body.get("text"):
        raise ResendError(422, "missing_required_field", "Missing `html` or `text` field.")
    for name in ("html", "text"):
        if not isinstance(body.get(name, ""), str | None):
            raise invalid(f"Invalid `{name}` field. It must be a string.")
    send_at = scheduled_at(body.get("scheduled_at"), now)
    return {
        "from": sender,
        "to": _addresses(body, "to"),
        "cc": _addresses(body, "cc"),
        "bcc": _addresses(body, "bcc"),
        "reply_to": _addresses(body, "reply_to"),
        "subject": subject,
        "html": body.get("html"),
        "text": body.get("text"),
        "headers": _headers(body.get("headers")),
        "tags": _tags(body.get("tags")),
        "attachments": _attachments(body.get("attachments")),
        "scheduled_at": written(send_at),
        "send_at": send_at,
    }


def _check_names(body: Doc, *, in_batch: bool) -> None:
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise invalid(f"Unknown field `{unknown[0]}`.")
    for name in _UNPLAYED:
        if body.get(name) is not None:
            raise invalid(f"The sandbox does not play the `{name}` field.")
    for name in ("attachments", "scheduled_at") if in_batch else ():
        if body.get(name):
            raise invalid(f"The `{name}` field is not supported in a batch.")


def _bad_address(name: str) -> ResendError:
    return invalid(
        f"Invalid `{name}` field. The email address needs to follow the `email@example.com` or "
        "`Name <email@example.com>` format."
    )


def _addresses(body: Doc, name: str) -> list[str]:
    value = body.get(name) or []
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) and _MAILBOX.fullmatch(one) for one in listed):
        raise _bad_address(name)
    if len(listed) > _MOST_RECIPIENTS:
        raise invalid(f"The `{name}` field must have at most {_MOST_RECIPIENTS} addresses.")
    return listed


def _headers(value: Any) -> dict[str, str]:
    headers = value or {}
    if not isinstance(headers, dict) or not all(isinstance(text, str) for text in headers.values()):
        raise invalid("Invalid `headers` field. It must be an object of strings.")
    if not all(_HEADER.fullmatch(name) and not re.search(r"[\r\n]", text) for name, text in headers.items()):
        raise invalid("Invalid `headers` field. Names are visible characters, values single lines.")
    return headers


def _tags(value: Any) -> list[dict[str, str]]:
    tags = value or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise invalid("Invalid `tags` field. It must be a list of objects.")
    for tag in tags:
        for part in ("name", "value"):
            if not isinstance(tag.get(part), str) or not _TAG.fullmatch(tag[part]):
                raise invalid("Tags should only contain ASCII letters, numbers, underscores, or dashes.")
    return [{"name": tag["name"], "value": tag["value"]} for tag in tags]


def _attachments(value: Any) -> list[Doc]:
    attachments = value or []
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise invalid("Invalid `attachments` field. It must be a list of objects.")
    for one in attachments:
        content, path = one.get("content"), one.get("path")
        if not content and not path:
            message = "Attachment must have either a `content` or `path`."
            raise ResendError(422, "invalid_attachment", message)
        if content and not _is_file(content):
            raise ResendError(422, "invalid_attachment", "The `content` of an attachment must be Base64 or a buffer.")
        if path and not (isinstance(path, str) and re.match(r"https?://\S+$", path)):
            raise ResendError(422, "invalid_attachment", "The `path` of an attachment must be an address.")
        if not isinstance(one.get("filename", ""), str | None):
            raise ResendError(422, "invalid_attachment", "The `filename` of an attachment must be a string.")
    return attachments


def _is_file(content: Any) -> bool:
    """Say whether this is Base64, or the list of bytes that the SDKs make of a buffer."""
    if isinstance(content, list):
        return all(type(byte) is int and 0 <= byte <= 255 for byte in content)
    try:
        return isinstance(content, str) and bool(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        return False

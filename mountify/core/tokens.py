"""Secrets that travel: made here, stored as SHA-256 only, compared in constant time."""

import hashlib
import hmac
import re
import secrets

SHAPE = r"[A-Za-z0-9_-]{43}"  # what new_token() draws


def new_token() -> str:
    """Draw 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Say whether a text looks like a token of ours."""
    return re.fullmatch(SHAPE, text) is not None


def hash_token(token: str) -> str:
    """SHA-256 in hex: what is stored and looked up instead of the token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def sign(secret: str, purpose: str, value: str) -> str:
    """Sign a value for one purpose; the same value signed for another purpose differs."""
    return hmac.new(secret.encode(), f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()


def is_signed(secret: str, purpose: str, value: str, signature: str) -> bool:
    return hmac.compare_digest(sign(secret, purpose, value).encode(), signature.encode("utf-8", "surrogatepass"))

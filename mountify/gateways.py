"""The outside services, chosen once from the configuration; tests pass fakes to create_app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from mountify import db
from mountify.adapters.cloudinary import CloudinaryImages
from mountify.adapters.google import GoogleIdentities
from mountify.adapters.resend import ResendMailer
from mountify.adapters.stripe import StripePayments
from mountify.config import Config
from mountify.core.google_account import GoogleAccount
from mountify.core.outside import Answer
from mountify.core.payment_dispute import PaymentDispute
from mountify.core.payment_refund import PaymentRefund
from mountify.core.payment_session import PaymentSession
from mountify.core.pictures import StoredPicture


class Outside(Protocol):
    def ping(self) -> Answer: ...


class Payments(Outside, Protocol):
    def create_session(self, params: Mapping[str, Any], idempotency_key: str) -> PaymentSession: ...
    def get_session(self, session_id: str) -> PaymentSession: ...
    def find_session(self, payment_intent: str) -> PaymentSession | None: ...
    def list_sessions(self, since: datetime) -> list[PaymentSession]: ...
    def expire_session(self, session_id: str) -> PaymentSession: ...
    def create_refund(self, payment_intent: str, amount: int, idempotency_key: str) -> PaymentRefund: ...
    def list_refunds(self, payment_intent: str) -> list[PaymentRefund]: ...
    def list_refunds_since(self, since: datetime) -> list[PaymentRefund]: ...
    def get_dispute(self, dispute_id: str) -> PaymentDispute: ...
    def list_disputes(self, since: datetime) -> list[PaymentDispute]: ...
    def read_webhook(self, payload: bytes, signature: str | None) -> dict[str, Any]: ...


class Mailer(Outside, Protocol):
    def send(
        self, *, sender_name: str = "", to: str, subject: str, html: str, text: str, idempotency_key: str
    ) -> str: ...


class Images(Outside, Protocol):
    def upload(self, content: bytes, public_id: str) -> StoredPicture: ...
    def destroy(self, public_id: str) -> None: ...


class Identities(Outside, Protocol):
    def authorization_url(
        self, *, state: str, nonce: str, verifier: str, redirect_uri: str, subject: str | None = None
    ) -> str: ...
    def identify(
        self, answer: Mapping[str, str], *, nonce: str, verifier: str, redirect_uri: str, now: datetime
    ) -> GoogleAccount: ...


@dataclass(frozen=True)
class Gateways:
    payments: Payments
    mailer: Mailer
    images: Images | None = None  # None: pictures lie in the shop's own static folder
    google: Identities | None = None  # None: nobody signs in with Google


def from_config(config: Config) -> Gateways:
    """Build the real adapters. Each refuses to be called while a database transaction is open."""
    return Gateways(
        payments=StripePayments(
            config.stripe_secret_key,
            config.stripe_webhook_secrets,
            api_base=config.stripe_api_base,
            before_call=db.assert_no_connection,
        ),
        mailer=ResendMailer(
            config.resend_api_key,
            config.mail_from,
            api_url=config.resend_api_url,
            before_call=db.assert_no_connection,
        ),
        images=CloudinaryImages(config.cloudinary_url, before_call=db.assert_no_connection)
        if config.cloudinary_url
        else None,
        google=GoogleIdentities(
            config.google_client_id,
            config.google_client_secret,
            config.google_issuer,
            before_call=db.assert_no_connection,
        )
        if config.google_client_id
        else None,
    )

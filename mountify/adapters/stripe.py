"""Stripe Checkout. The only place that knows Stripe's words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from mountify.core import strict_json
from mountify.core.errors.payments import (
    BadSignature,
    PaymentRefused,
    PaymentsBusy,
    PaymentsUnavailable,
    UnknownSession,
)
from mountify.core.outside import Answer
from mountify.core.payment_dispute import PaymentDispute
from mountify.core.payment_refund import PaymentRefund, RefundOutcome
from mountify.core.payment_session import Delivery, PaymentSession, SessionOutcome

if TYPE_CHECKING:
    from stripe import ListObject, StripeClient

T = TypeVar("T")

CONNECT_S, READ_S, RETRIES = 3, 10, 2
TOLERANCE_S = 300
MOST_A_PAGE = 100
_KEY = "refund_key"
_EXPANDED = ["payment_intent"]  # says whether a delayed payment is on its way or has failed
_EXPANDED_IN_LIST = [f"data.{name}" for name in _EXPANDED]


class StripePayments:
    """Raises PaymentsUnavailable when it is unclear what Stripe did, PaymentRefused when Stripe said no.

    PaymentsBusy says why it is unclear: Stripe still does it. A key that Stripe does not take says nothing about a
    request, so it counts as unclear.
    """

    def __init__(
        self,
        key: str,
        webhook_secrets: tuple[str, ...],
        *,
        api_base: str | None = None,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        before_call: Callable[[], None] = lambda: None,
    ) -> None:
        self._key, self._api_base = key, api_base
        self._patience_s = connect_s, read_s
        self._webhook_secrets = webhook_secrets
        self._before_call = before_call
        self._client: StripeClient | None = None
        self._is_live = key.startswith(("sk_live_", "rk_live_"))

    def create_session(self, params: Mapping[str, Any], idempotency_key: str) -> PaymentSession:
        """https://docs.stripe.com/api/checkout/sessions/create"""
        return self._ask_session(
            lambda client: client.v1.checkout.sessions.create(
                params,  # type: ignore[arg-type]
                {"idempotency_key": idempotency_key},
            )
        )

    def get_session(self, session_id: str) -> PaymentSession:
        """https://docs.stripe.com/api/checkout/sessions/retrieve. Raises UnknownSession."""
        return self._ask_session(lambda client: client.v1.checkout.sessions.retrieve(session_id, {"expand": _EXPANDED}))

    def find_session(self, payment_intent: str) -> PaymentSession | None:
        """Find what a payment was made in, if in a checkout. https://docs.stripe.com/api/checkout/sessions/list"""
        asked: Any = {"payment_intent": payment_intent, "limit": 1, "expand": _EXPANDED_IN_LIST}
        found = self._ask(lambda client: client.v1.checkout.sessions.list(asked).data)
        return _read_session(found[0].to_dict()) if found else None

    def list_sessions(self, since: datetime) -> list[PaymentSession]:
        """Every one made since, oldest first. https://docs.stripe.com/api/checkout/sessions/list"""
        asked: Any = _made_since(since) | {"expand": _EXPANDED_IN_LIST}
        listed = self._ask(lambda client: _every(client.v1.checkout.sessions.list(asked)))
        return [_read_session(session) for session in reversed(listed)]

    def expire_session(self, session_id: str) -> PaymentSession:
        """https://docs.stripe.com/api/checkout/sessions/expire. A session that is not open is given back as it is."""
        try:
            return self._ask_session(
                lambda client: client.v1.checkout.sessions.expire(session_id, {"expand": _EXPANDED})
            )
        except PaymentRefused:
            return self.get_session(session_id)

    def create_refund(self, payment_intent: str, amount: int, idempotency_key: str) -> PaymentRefund:
        """Send `amount` (minor units) back. https://docs.stripe.com/api/refunds/create. Raises UnknownSession.

        The key is kept in the metadata, too: Stripe forgets keys after a day, and then the refund must still be found.
        """
        return self._ask(
            lambda client: _read_refund(
                client.v1.refunds.create(
                    {"payment_intent": payment_intent, "amount": amount, "metadata": {_KEY: idempotency_key}},
                    {"idempotency_key": idempotency_key},
                ).to_dict()
            )
        )

    def list_refunds(self, payment_intent: str) -> list[PaymentRefund]:
        """Oldest first. https://docs.stripe.com/api/refunds/list. Raises UnknownSession."""
        listed = self._ask(
            lambda client: _every(client.v1.refunds.list({"payment_intent": payment_intent, "limit": MOST_A_PAGE}))
        )
        return [_read_refund(refund) for refund in reversed(listed)]

    def list_refunds_since(self, since: datetime) -> list[PaymentRefund]:
        """Every one made since, of whatever payment, oldest first. https://docs.stripe.com/api/refunds/list"""
        listed = self._ask(lambda client: _every(client.v1.refunds.list(_made_since(since))))
        return [_read_refund(refund) for refund in reversed(listed)]

    def get_dispute(self, dispute_id: str) -> PaymentDispute:
        """https://docs.stripe.com/api/disputes/retrieve. Raises UnknownSession."""
        return _read_dispute(self._ask(lambda client: client.v1.disputes.retrieve(dispute_id).to_dict()))

    def list_disputes(self, since: datetime) -> list[PaymentDispute]:
        """Every one that has begun since, oldest first. https://docs.stripe.com/api/disputes/list"""
        listed = self._ask(lambda client: _every(client.v1.disputes.list(_made_since(since))))
        return [_read_dispute(dispute) for dispute in reversed(listed)]

    def ping(self) -> Answer:
        """Ask for what the shop may see anyway, once: a person waits. https://docs.stripe.com/api/checkout/sessions/list"""
        import stripe

        self._before_call()
        try:
            self._connected().v1.checkout.sessions.list({"limit": 1}, {"max_network_retries": 0})
        except (stripe.AuthenticationError, stripe.PermissionError):
            return Answer.REFUSED
        except stripe.APIConnectionError:
            return Answer.NONE
        except stripe.StripeError:
            return Answer.FAILED
        return Answer.WELL

    def read_webhook(self, payload: bytes, signature: str | None) -> dict[str, Any]:
        """Verify a delivery and give the event. Raises BadSignature for anything that Stripe would not send.

        https://docs.stripe.com/webhooks#verify-manually
        """
        from stripe import SignatureVerificationError, WebhookSignature

        if signature is None or not signature.isascii():  # which the SDK cannot compare
            raise BadSignature
        try:
            text = payload.decode("utf-8")
            for secret in self._webhook_secrets:
                try:
                    WebhookSignature.verify_header(text, signature, secret, TOLERANCE_S)
                    break
                except SignatureVerificationError:
                    continue
            else:
                raise BadSignature
            event = strict_json.loads(text)
            signed_at = int(next(part[2:] for part in signature.split(",") if part.startswith("t=")))
        except (ValueError, AttributeError, IndexError, StopIteration) as error:
            raise BadSignature from error
        if signed_at > time.time() + TOLERANCE_S or not _is_event(event) or event.get("livemode") is not self._is_live:
            raise BadSignature
        return event

    def _ask_session(self, call: Callable[[StripeClient], Any]) -> PaymentSession:
        return self._ask(lambda client: _read_session(call(client).to_dict()))

    def _ask(self, call: Callable[[StripeClient], T]) -> T:
        import stripe

        self._before_call()
        try:
            return call(self._connected())
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing" or error.http_status == 404:
                raise UnknownSession from error
            raise PaymentRefused from error
        except stripe.StripeError as error:
            # https://docs.stripe.com/error-codes#idempotency-key-in-use
            raise (PaymentsBusy if error.http_status == 409 else PaymentsUnavailable) from error

    def _connected(self) -> StripeClient:
        import stripe

        if self._client is None:
            self._client = stripe.StripeClient(
                self._key,
                base_addresses={"api": self._api_base} if self._api_base else None,
                http_client=stripe.RequestsClient(timeout=self._patience_s),
                max_network_retries=RETRIES,
            )
        return self._client


def _made_since(since: datetime) -> Any:
    """What every list takes. https://docs.stripe.com/api/pagination"""
    return {"created": {"gte": int(since.timestamp())}, "limit": MOST_A_PAGE}


def _every(page: ListObject[Any]) -> list[dict[str, Any]]:
    """Give what is on a page and on all that follow it, as Stripe lists it: newest first."""
    return [thing.to_dict() for thing in page.auto_paging_iter()]


_LONGEST = {"id": 255, "type": 100}


def _is_event(event: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(event, dict)
        and all(isinstance(event.get(name), str) and 0 < len(event[name]) <= most for name, most in _LONGEST.items())
        and isinstance(event.get("data"), dict)
        and isinstance(event["data"].get("object"), dict)
    )


def _read_session(session: dict[str, Any]) -> PaymentSession:
    reference = session.get("client_reference_id") or ""
    customer = session.get("customer_details") or {}
    return PaymentSession(
        id=session["id"],
        url=session.get("url"),
        outcome=_outcome(session),
        amount_total=session["amount_total"],
        currency=session["currency"],
        order_id=int(reference) if re.fullmatch(r"[0-9]{1,18}", reference) else None,  # as long as a BIGINT surely is
        attempt=(session.get("metadata") or {}).get("attempt"),
        payment_intent=_id_of(session.get("payment_intent")),
        email=customer.get("email") or session.get("customer_email"),
        delivery=_delivery(session),
        leads_to=session.get("success_url") or "",
    )


# Of a completed session: https://docs.stripe.com/payments/paymentintents/lifecycle
_FAILED = frozenset({"requires_payment_method", "canceled"})


def _outcome(session: dict[str, Any]) -> SessionOutcome:
    """https://docs.stripe.com/api/checkout/sessions/object: status and payment_status."""
    if session["status"] == "expired":
        return SessionOutcome.CLOSED
    if session["status"] == "open":
        return SessionOutcome.OPEN
    if session["payment_status"] in ("paid", "no_payment_required"):
        return SessionOutcome.PAID
    intent = session.get("payment_intent")
    has_failed = isinstance(intent, dict) and intent.get("status") in _FAILED
    return SessionOutcome.FAILED if has_failed else SessionOutcome.PROCESSING


# https://docs.stripe.com/api/refunds/object: status; null is one that is not done yet
_REFUND_OUTCOMES = {
    "succeeded": RefundOutcome.SUCCEEDED,
    "failed": RefundOutcome.FAILED,
    "canceled": RefundOutcome.FAILED,
}


def _read_refund(refund: dict[str, Any]) -> PaymentRefund:
    return PaymentRefund(
        id=refund["id"],
        amount=refund["amount"],
        currency=refund["currency"],
        outcome=_REFUND_OUTCOMES.get(refund["status"], RefundOutcome.PENDING),
        key=(refund.get("metadata") or {}).get(_KEY),
        payment_intent=_id_of(refund.get("payment_intent")),
    )


def _read_dispute(dispute: dict[str, Any]) -> PaymentDispute:
    due_s = (dispute.get("evidence_details") or {}).get("due_by")
    return PaymentDispute(
        id=dispute["id"],
        payment_intent=_id_of(dispute.get("payment_intent")),
        amount=dispute["amount"],
        currency=dispute["currency"],
        reason=dispute["reason"],
        status=dispute["status"],
        due_by=datetime.fromtimestamp(due_s, UTC) if due_s else None,  # 0: the bank hears of no answer
    )


def _delivery(session: dict[str, Any]) -> Delivery | None:
    """`collected_information.shipping_details` is where to ship; `customer_details.address` is the billing address.

    Where no address was asked for, it is the one that the shop has given with the payment.
    """
    intent = session.get("payment_intent")
    given = intent.get("shipping") if isinstance(intent, dict) else None
    details = (session.get("collected_information") or {}).get("shipping_details") or given
    if not details or not details.get("address"):
        return None
    address = details["address"]
    return Delivery(
        name=details.get("name") or "",
        phone=details.get("phone") or (session.get("customer_details") or {}).get("phone") or "",
        address={
            name: address.get(name) or "" for name in ("line1", "line2", "city", "state", "postal_code", "country")
        },
    )


def _id_of(thing: dict[str, Any] | str | None) -> str | None:
    return str(thing["id"]) if isinstance(thing, dict) else thing

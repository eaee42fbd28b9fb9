"""The outside services as the desk sees them: which are set up, and a test call to each."""

from __future__ import annotations

from datetime import datetime

from mountify import db
from mountify.core.errors.outside import NotSetUp
from mountify.core.outside import Answer
from mountify.gateways import Gateways, Outside
from mountify.services import audit_log
from mountify.services.audit_log import Actor
from mountify.transaction import transaction

SERVICES = ("stripe", "resend", "cloudinary", "google")


def list_set_up(gateways: Gateways) -> list[str]:
    """Name those that this shop talks to."""
    return [name for name, service in _by_name(gateways).items() if service is not None]


def call(by: Actor, name: str, *, gateways: Gateways, now: datetime) -> Answer:
    """Make one call that changes nothing, and write down what came of it. Raises NotSetUp."""
    service = _by_name(gateways)[name]
    if service is None:
        raise NotSetUp
    db.release()
    answer = service.ping()
    with transaction() as session:
        audit_log.record(session, by, "service.tested", ("services", name), now=now, answer=(None, answer))
    return answer


def _by_name(gateways: Gateways) -> dict[str, Outside | None]:
    known = gateways.payments, gateways.mailer, gateways.images, gateways.google
    return dict(zip(SERVICES, known, strict=True))

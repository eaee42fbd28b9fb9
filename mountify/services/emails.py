"""The outbox: a mail is written in the transaction it belongs to and sent by a job, under one key, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors import N_, NotFound, ShopError
from mountify.core.errors.outside import MailRefused, MailUnavailable
from mountify.gateways import Mailer
from mountify.models.email import Email, EmailState
from mountify.models.order import NOBODY
from mountify.queue import OVERDUE_AFTER, defer, requeue
from mountify.services.mail_templates import Rendered
from mountify.services.settings import get_shop
from mountify.transaction import transaction

log = structlog.get_logger()

# Resend forgets a key after 24 hours: https://resend.com/docs/dashboard/emails/idempotency-keys
RETRIED_FOR = timedelta(hours=23)
_AGAIN = ":again:"  # in the key of a copy of a mail that was sent before
# What opens an account is kept no longer than it takes to send it.
WITH_SECRET = frozenset({"confirm_address", "reset_password", "new_address", "good_bye"})


def store(
    session: Session,
    kind: str,
    mail: Rendered,
    *,
    key: str,
    recipient: str,
    now: datetime,
    order_id: int | None = None,
    user_id: int | None = None,
    sender_name: str | None = None,
) -> None:
    """Store a mail and queue its sending, in the caller's transaction; nothing when there is one with this key.

    It comes from who the shop is today, unless told otherwise.
    """
    is_for_nobody = recipient == NOBODY  # a closed account's: kept, since an order has its mails, and sent nowhere
    row = insert(Email).values(
        state=EmailState.SENT if is_for_nobody else EmailState.QUEUED,
        sent_at=now if is_for_nobody else None,
        order_id=order_id,
        user_id=user_id,
        kind=kind,
        sender_name=get_shop().sender_name if sender_name is None else sender_name,
        recipient=recipient,
        subject=mail.subject,
        html=mail.html,
        text=mail.text,
        idempotency_key=key,
        created_at=now,
    )
    email_id = session.scalar(row.on_conflict_do_nothing(index_elements=[Email.idempotency_key]).returning(Email.id))
    if email_id is not None and not is_for_nobody:
        defer(session, "send_email", email_id=email_id)


def deliver(email_id: int, *, mailer: Mailer, now: datetime) -> None:
    """Send a stored mail unless it is sent. Raises MailUnavailable when it should be tried again."""
    with transaction() as session:
        email = session.get(Email, email_id, with_for_update=True, populate_existing=True)
        if email is None or email.state is not EmailState.QUEUED:
            return
        if email.first_tried_at is not None and now - email.first_tried_at > RETRIED_FOR:
            _fail(email, f"not accepted within 23 hours; last: {email.error}")
            return
        email.first_tried_at, email.tried_at = email.first_tried_at or now, now
        email.attempts += 1
        letter = {
            "sender_name": email.sender_name,
            "to": email.recipient,
            "subject": email.subject,
            "html": email.html,
            "text": email.text,
            "idempotency_key": _provider_key(email),
        }
    reached("email.before_send")
    try:
        provider_id = mailer.send(**letter)
    except MailUnavailable as error:
        _note(email_id, error, is_final=False)
        raise
    except MailRefused as error:
        _note(email_id, error, is_final=True)
        return
    reached("email.sent")
    with transaction() as session:
        email = session.get_one(Email, email_id, with_for_update=True, populate_existing=True)
        email.state, email.provider_id, email.sent_at, email.error = EmailState.SENT, provider_id, now, None
        if email.kind in WITH_SECRET:
            email.html = email.text = ""
        if email.kind == "good_bye":
            email.recipient = NOBODY
    log.info("email_sent", email_id=email_id)


def _note(email_id: int, error: ShopError, *, is_final: bool) -> None:
    """Keep what the mail service said last, unless another job has sent the mail meanwhile."""
    why = str(error.__cause__ or error)[:500]
    with transaction() as session:
        email = session.get_one(Email, email_id, with_for_update=True, populate_existing=True)
        if email.state is not EmailState.QUEUED:
            return
        email.error = why
        if is_final:
            _fail(email, why)


def requeue_overdue(*, now: datetime) -> int:
    """Queue again what is due and should have been sent by now."""
    overdue = Email.state == EmailState.QUEUED, Email.created_at < now - OVERDUE_AFTER
    with transaction() as session:
        return requeue(session, "send_email", "email_id", Email.id, *overdue)


def list_unsent(*, most: int = 100) -> Sequence[Email]:
    """List what failed, and what waits, oldest first."""
    unsent = select(Email).where(Email.state != EmailState.SENT).order_by(Email.state, Email.id)
    return db.session.scalars(unsent.limit(most)).all()


def resend(email_id: int, *, now: datetime) -> bool:
    """Try a mail that failed for another 23 hours from now, or one that waits at once; False for one that was sent.

    One that failed goes out under a new key: whoever asks for this has looked whether it arrived. Raises NotFound.
    """
    with transaction() as session:
        email = session.get(Email, email_id, with_for_update=True)
        if email is None:
            raise NotFound(N_("There is no mail %(id)s."), id=email_id)
        return _try_again(session, email, now)


def send_again(session: Session, order_id: int, email_id: int, *, copy: int, now: datetime) -> Email | None:
    """Send a mail about a locked order once more, in the caller's transaction; None when there is nothing to send.

    One that has not been sent is tried again, as resend() does. Of one that was sent, a copy of the same bytes goes to
    the same address: `copy` says which one it is, counted from 1, and only the next one is made. Whoever sends the same
    form twice asks for the same copy twice, and it is sent once. Raises NotFound.
    """
    email = session.get(Email, email_id, with_for_update=True, populate_existing=True)
    if email is None or email.order_id != order_id:
        raise NotFound(N_("There is no mail %(id)s."), id=email_id)
    if email.state is not EmailState.SENT:
        return email if _try_again(session, email, now) else None
    mails = session.scalars(select(Email).where(Email.order_id == order_id)).all()
    if email.recipient == NOBODY or copy != count_copies(email, mails) + 1:
        return None
    key = f"{_first_key(email)}{_AGAIN}{copy}"
    mail = Rendered(email.subject, email.html, email.text)
    store(
        session,
        email.kind,
        mail,
        key=key,
        recipient=email.recipient,
        order_id=order_id,
        sender_name=email.sender_name,
        now=now,
    )
    return email


def count_copies(email: Email, mails: Sequence[Email]) -> int:
    """Say how often a mail has been sent again, given all mails about its order."""
    begin = f"{_first_key(email)}{_AGAIN}"
    return sum(other.idempotency_key.startswith(begin) for other in mails)


def _first_key(email: Email) -> str:
    return email.idempotency_key.partition(_AGAIN)[0]


def _try_again(session: Session, email: Email, now: datetime) -> bool:
    if email.state is EmailState.SENT or email.recipient == NOBODY:
        return False
    if email.state is EmailState.FAILED:
        email.state, email.attempts, email.error, email.created_at = EmailState.QUEUED, 0, None, now
        email.first_tried_at = email.tried_at = None
    defer(session, "send_email", email_id=email.id)
    return True


def _provider_key(email: Email) -> str:
    """Our key is unique in this database only; the day it was written makes it so at Resend, too."""
    return f"{email.idempotency_key}:{int(email.created_at.timestamp())}"


def _fail(email: Email, why: str) -> None:
    email.state, email.error = EmailState.FAILED, why
    log.error("email_failed", email_id=email.id, why=why)

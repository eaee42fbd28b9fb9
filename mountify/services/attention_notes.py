"""Writing down what a person has to look at; services/attention.py lists it beside what other rows tell."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Text, cast, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mountify.core.errors import N_, NotFound
from mountify.models.attention import AttentionKind, AttentionNote
from mountify.models.base import is_one_of
from mountify.models.payment import Payment, PaymentAttempt, Refund, RefundState
from mountify.services.orders import lock_order
from mountify.transaction import transaction


def note(
    session: Session, kind: AttentionKind, about: str, what: str, *, order_id: int | None = None, now: datetime
) -> None:
    """Ask a person to look at something, once for each thing and kind, in the caller's transaction."""
    row = insert(AttentionNote).values(kind=kind, about=about, what=what, order_id=order_id, created_at=now)
    session.execute(row.on_conflict_do_nothing(index_elements=[AttentionNote.kind, AttentionNote.about]))


def note_anew(
    session: Session, kind: AttentionKind, about: str, what: str, *, order_id: int | None = None, now: datetime
) -> None:
    """Ask a person to look again: what is to be known has changed, whatever was said and done about it before."""
    _write(session, kind, about, what, order_id, now)


def note_news(
    session: Session, kind: AttentionKind, about: str, what: str, *, order_id: int | None = None, now: datetime
) -> None:
    """Ask a person to look at what is found again every hour: again only when there is something else to say of it."""
    _write(session, kind, about, what, order_id, now, only_if=AttentionNote.what != what)


def _write(
    session: Session,
    kind: AttentionKind,
    about: str,
    what: str,
    order_id: int | None,
    now: datetime,
    *,
    only_if: ColumnElement[bool] | None = None,
) -> None:
    row = insert(AttentionNote).values(kind=kind, about=about, what=what, order_id=order_id, created_at=now)
    told = {"what": what, "created_at": now, "resolved_at": None}
    key = [AttentionNote.kind, AttentionNote.about]
    session.execute(row.on_conflict_do_update(index_elements=key, set_=told, where=only_if))


def resolve_about(session: Session, kind: AttentionKind, *abouts: str, now: datetime) -> None:
    """It has come right by itself: nobody needs to look any more."""
    mine = (AttentionNote.kind == kind, AttentionNote.about.in_(abouts), AttentionNote.resolved_at.is_(None))
    session.execute(update(AttentionNote).where(*mine).values(resolved_at=now))


def forget(session: Session, kind: AttentionKind, *abouts: str) -> None:
    """It is not so any more, whoever was done with it: should it ever be so again, that is to be told again."""
    session.execute(delete(AttentionNote).where(AttentionNote.kind == kind, is_one_of(AttentionNote.about, abouts)))


def is_resolved(session: Session, kind: AttentionKind, about: str) -> bool:
    """Say whether somebody has looked at it and called it done."""
    mine = select(AttentionNote.resolved_at).where(AttentionNote.kind == kind, AttentionNote.about == about)
    return session.scalar(mine) is not None


def is_made_good() -> ColumnElement[bool]:
    """A condition on refunds: a person has paid it in another way."""
    about = AttentionNote.about == cast(Refund.id, Text)
    return exists().where(AttentionNote.kind == AttentionKind.REFUND, about)


def resolve(note_id: int, *, now: datetime) -> None:
    """A person has looked at it and done what was to be done. Raises NotFound."""
    with transaction() as session:
        found = session.scalars(select(AttentionNote).where(AttentionNote.id == note_id).with_for_update())
        noted = found.one_or_none()
        if noted is None:
            raise NotFound(N_("There is no note %(id)s. A refund that failed is done with by --refund."), id=note_id)
        noted.resolved_at = noted.resolved_at or now


def resolve_refund(refund_id: int, *, now: datetime) -> None:
    """A person has made good a refund that failed, in a way that Stripe knows nothing of. Raises NotFound.

    https://docs.stripe.com/refunds#failed-refunds: the buyer's account may be closed, so that none will ever arrive.
    """
    with transaction() as session:
        failed = select(PaymentAttempt.order_id).join(Payment).join(Refund)
        order_id = session.scalar(failed.where(Refund.id == refund_id, Refund.state == RefundState.FAILED))
        if order_id is None:
            raise NotFound(N_("There is no refund %(id)s that failed."), id=refund_id)
        lock_order(session, order_id)  # it may be about to be made again
        about = str(refund_id)
        note(session, AttentionKind.REFUND, about, "Paid in another way.", order_id=order_id, now=now)
        resolve_about(session, AttentionKind.REFUND, about, now=now)

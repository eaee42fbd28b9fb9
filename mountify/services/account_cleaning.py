"""What is kept of accounts no longer than it is needed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from mountify.models.account import EmailToken, PasswordResetToken, User, UserSession
from mountify.transaction import transaction

NEVER_OPENED_FOR = timedelta(days=7)
LINKS_KEPT_FOR = timedelta(days=1)
SESSIONS_KEPT_FOR = timedelta(days=30)  # after their end: whoever looks into a theft asks for no older ones


def purge(*, now: datetime) -> int:
    """Let accounts go that nobody has opened within a week, and say how many; links and sessions that are over, too."""
    with transaction() as session:
        for token in (EmailToken, PasswordResetToken):
            session.execute(delete(token).where(token.expires_at < now - LINKS_KEPT_FOR))
        over = now - SESSIONS_KEPT_FOR
        session.execute(delete(UserSession).where((UserSession.expires_at < over) | (UserSession.revoked_at < over)))
        never = User.email_confirmed_at.is_(None), User.disabled_at.is_(None), User.created_at < now - NEVER_OPENED_FOR
        return len(session.scalars(delete(User).where(*never).returning(User.id)).all())

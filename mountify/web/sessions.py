"""Our own SessionInterface: a random id in a cookie, JSON in Redis, a row in PostgreSQL for every sign-in.

Redis answers who is asking. The row is asked again once a minute, when Redis has forgotten, when Redis is down, once
after it was, and while Redis knows that a session was ended; that one stays dead because its row says so and because
changes are written with XX only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import structlog
from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import CallbackDict

from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.tokens import hash_token, is_token, new_token, sign
from mountify.models.account import Role
from mountify.services import sign_ins
from mountify.services.accounts import Identity
from mountify.store import Store, StoreDown
from mountify.web.notices import NOTICE_COOKIE, Notices

RECHECK_S = 60
ANONYMOUS_S = 3600
COOKIE_S = 30 * 24 * 3600
CSRF = "csrf_token"
FLASHES = "_flashes"  # where Flask keeps what flash() was told
_WITHOUT_SESSION = ("/static/", "/healthz", "/readyz", "/metrics", "/api/webhooks/")  # the same for whoever asks


class ShopSession(CallbackDict[str, Any], SessionMixin):
    """What is remembered between two requests. Nothing is stored, and no cookie sent, while it is empty."""

    def __init__(self, values: dict[str, Any] | None = None, *, token: str | None = None, sent: bool = False) -> None:
        def changed(_: object) -> None:
            self.modified = True

        super().__init__(values or {}, changed)
        self.modified = False
        self.new = token is None
        self.token = token
        self.cookie_sent = sent
        self.identity: Identity | None = None
        self.checked_at = 0.0
        self.replaced: str | None = None
        self.has_notice = False
        self.trouble: SQLAlchemyError | None = None  # why nobody knows whose session this is

    def sign_in(self, who: Identity, request: Request, secret: str) -> None:
        """Begin a new session under a new id; whatever the old one held is gone."""
        now = utcnow()
        self.sign_out()
        self.token = new_token()
        sign_ins.begin(
            who,
            hash_token(self.token),
            user_agent=request.headers.get("User-Agent", ""),
            address=request.remote_addr or "",
            now=now,
        )
        self.identity, self.checked_at = replace(who, proved_at=now.timestamp()), now.timestamp()
        self[CSRF] = sign(secret, "csrf", self.token)

    def now_known_as(self, who: Identity) -> None:
        """Show another name from now on: the session stays, and when its owner last showed who they are."""
        if self.identity is not None:
            self.identity = replace(who, proved_at=self.identity.proved_at)
            self.modified = True

    def sign_out(self) -> None:
        """End the session for good."""
        if self.token is not None and self.identity is not None:
            sign_ins.end(hash_token(self.token), now=utcnow())
        self.replaced, self.token, self.identity = self.token, None, None
        self.clear()


def init_sessions(app: Flask, store: Store, config: Config) -> None:
    app.session_interface = ShopSessionInterface(store, config)

    @app.before_request
    def insist_on_knowing() -> None:
        """Nobody is taken for a guest because neither Redis nor PostgreSQL can say who it is."""
        if isinstance(session, ShopSession) and session.trouble is not None:
            raise session.trouble
        if isinstance(session, ShopSession) and session.identity is not None:
            structlog.contextvars.bind_contextvars(user_id=session.identity.id)


class ShopSessionInterface(SessionInterface):
    def __init__(self, store: Store, config: Config) -> None:
        self._store, self._config = store, config
        self.cookie_name = "__Host-mountify" if config.is_https else "mountify"
        self._notices = Notices(config)

    def open_session(self, app: Flask, request: Request) -> ShopSession:
        if request.path.startswith(_WITHOUT_SESSION):
            return ShopSession()
        session = self._open(request)
        if NOTICE_COOKIE in request.cookies:
            session.has_notice = True
            if lent := self._notices.borrow(request):
                session[FLASHES] = [*session.get(FLASHES, []), *lent]
        return session

    def _open(self, request: Request) -> ShopSession:
        token = request.cookies.get(self.cookie_name)
        if token is None:
            return ShopSession()
        if not is_token(token):
            return ShopSession(sent=True)
        session = self._load(token)
        if session.identity is not None:
            dict.__setitem__(session, CSRF, sign(self._config.secret_key, "csrf", token))
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, ShopSession) or session.trouble is not None:
            return
        if session.replaced is not None:
            self._forget(session.replaced)
        content = {key: value for key, value in session.items() if key != CSRF}
        if session.has_notice:
            self._notices.forget(response)
        if session.identity is None and not content:
            if session.token is not None and session.modified:
                self._forget(session.token)
            if session.cookie_sent and (session.modified or session.token is None):
                response.delete_cookie(self.cookie_name, path="/", secure=self._config.is_https, httponly=True)
            return
        if not session.modified:
            return
        fresh = session.token is None or session.replaced is not None or session.new
        if session.token is None:
            session.token = new_token()
        stored = self._write(session, content, fresh=fresh)
        if not stored and FLASHES in content:
            self._notices.lend(response, content[FLASHES])
        if fresh and (stored or session.identity is not None):
            response.set_cookie(
                self.cookie_name,
                session.token,
                max_age=COOKIE_S if session.identity else None,
                path="/",
                secure=self._config.is_https,
                httponly=True,
                samesite="Lax",
            )

    def _load(self, token: str) -> ShopSession:
        id_hash = hash_token(token)
        try:
            keys = sign_ins.live_key(id_hash), sign_ins.ended_key(id_hash)
            (stored, ended), doubted = self._store.recall(*keys)
        except StoreDown:
            stored, ended, doubted = None, None, 0
        session = ShopSession(token=token, sent=True)
        if stored is not None:
            record = json.loads(stored)
            session = ShopSession(record["content"], token=token, sent=True)
            session.identity = _identity(record["who"])
            session.checked_at = record["checked_at"]
            if session.identity is None:
                return session
        now = utcnow()
        believed_from = max(now.timestamp() - RECHECK_S, doubted / 1e9)
        if stored is None or ended is not None or session.checked_at < believed_from:
            try:
                session.identity = sign_ins.check(id_hash, now=now)
            except SQLAlchemyError as error:
                session.trouble = error
                return session
            session.checked_at = now.timestamp()
            if session.identity is None:
                self._forget(token)
                return ShopSession(sent=True)
            self._write(session, dict(session), fresh=stored is None)
        return session

    def _write(self, session: ShopSession, content: dict[str, Any], *, fresh: bool) -> bool:
        """Store a session: a new one only where there is none, a known one only where it still is."""
        who = session.identity
        lasts = ANONYMOUS_S if who is None else int(sign_ins.idle_limit(who.role).total_seconds())
        value = json.dumps({"content": content, "who": who and asdict(who), "checked_at": session.checked_at})
        key = sign_ins.live_key(hash_token(session.token or ""))
        try:
            return bool(self._store.ask(lambda redis: redis.set(key, value, ex=lasts, nx=fresh, xx=not fresh)))
        except StoreDown:
            return False

    def _forget(self, token: str) -> None:
        try:
            self._store.ask(lambda redis: redis.delete(sign_ins.live_key(hash_token(token))))
        except StoreDown:
            return


def _identity(who: dict[str, Any] | None) -> Identity | None:
    return Identity(**{**who, "role": Role(who["role"])}) if who else None

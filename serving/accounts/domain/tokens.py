"""Sessions and their tokens.

A session begins with signing in and is a row. Every access token names it, so that revoking the session ends its tokens
at once. An access token is a JWT of ten minutes. A refresh token is random, kept as a SHA-256, and good for one use: the
service exchanges it for the next. A token that is used again was copied, and its session is revoked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

import jwt
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import Client, RefreshToken, Session, User
from serving.accounts.domain import problems
from serving.accounts.domain.access import Principal
from serving.accounts.domain.schemas.accounts import SignedInSession
from serving.publications.times import format_time
from serving.web.problems import ProblemError

ACCESS_SECONDS: Final = 600
SESSION_SECONDS: Final = 30 * 86_400
_ISSUER: Final = "marquee-accounts"
_ALGORITHM: Final = "HS256"


@dataclass(frozen=True)
class Tokens:
    """The tokens of a signing-in or a refresh.

    Clients get no refresh token: they sign in again.
    """

    access_token: str
    refresh_token: str | None
    user_id: int | None


def sha256(text: str) -> str:
    """Return the SHA-256 of a random token or secret, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class TokenMaker:
    """Makes and checks tokens with one secret."""

    def __init__(self, secret: str) -> None:
        """Take the service's secret.

        Raises AccountsError if it is shorter than 32 characters.
        """
        if len(secret) < 32:
            raise AccountsError(
                "MARQUEE_ACCOUNTS_SECRET is shorter than 32 characters. Give a random text of 32 or more."
            )
        self._key = hmac.digest(secret.encode(), b"access tokens", "sha256")

    def access_token(self, session: Session) -> str:
        """Return a JWT for a session; it ends with the session at the latest."""
        issued = now()
        claims = {
            "iss": _ISSUER,
            "aud": _ISSUER,
            "sub": str(session.user_id) if session.user_id is not None else f"client:{session.client_id}",
            "sid": session.session_id,
            "iat": issued,
            "exp": min(issued + ACCESS_SECONDS, session.expires_at),
        }
        return jwt.encode(claims, self._key, _ALGORITHM)

    def session_of(self, access_token: str) -> str | None:
        """Return the session that a token names.

        None if the token is expired or not one of this service.
        """
        required = ["iss", "aud", "sub", "sid", "iat", "exp"]
        try:
            claims: dict[str, Any] = jwt.decode(
                access_token,
                self._key,
                [_ALGORITHM],
                audience=_ISSUER,
                issuer=_ISSUER,
                options={"require": required},
            )
        except jwt.InvalidTokenError:
            return None
        return str(claims["sid"])

    def begin_for_user(self, database: DatabaseSession, user: User) -> Tokens:
        """Begin a user's session."""
        session = _began(database, Session(user_id=user.user_id), SESSION_SECONDS)
        refresh_token = _add_refresh_token(database, session.session_id)
        return Tokens(self.access_token(session), refresh_token, session.user_id)

    def begin_for_client(self, database: DatabaseSession, client: Client, scopes: str) -> Tokens:
        """Begin a client's session with these scopes.

        It lives as long as its one access token.
        """
        session = _began(database, Session(client_id=client.client_id, scopes=scopes), ACCESS_SECONDS)
        return Tokens(self.access_token(session), None, None)

    def refresh(self, factory: Transactions, refresh_token: str) -> Tokens:
        """Exchange a refresh token for the next tokens.

        Raises the problem bad-refresh-token. A token that was used before is known to two: its session is revoked.
        """
        digest = sha256(refresh_token)
        with factory.begin() as database:
            # One statement decides which request uses the token: if two come at once, one finds it used.
            unused = update(RefreshToken).where(RefreshToken.sha256 == digest, RefreshToken.used_at.is_(None))
            session_id = database.scalar(unused.values(used_at=now()).returning(RefreshToken.session_id))
            if session_id is None:
                copied = database.get(RefreshToken, digest)
                if copied is not None:
                    revoke_session(database, copied.session_id)
            elif principal_of(database, session_id) is not None:
                session = database.get_one(Session, session_id)
                following = _add_refresh_token(database, session_id)
                return Tokens(self.access_token(session), following, session.user_id)
        raise ProblemError(problems.BAD_REFRESH_TOKEN, problems.BAD_REFRESH_TOKEN.meaning)

    def revoke(self, factory: Transactions, token: str) -> None:
        """Revoke the session of an access or refresh token; an unknown token is ignored."""
        with factory.begin() as database:
            kept = database.get(RefreshToken, sha256(token))
            session_id = kept.session_id if kept else self.session_of(token)
            if session_id is not None:
                revoke_session(database, session_id)


def begin_for_browser(database: DatabaseSession, user: User) -> str:
    """Begin a session that a browser's signed cookie names; return its id."""
    return _began(database, Session(user_id=user.user_id), SESSION_SECONDS).session_id


def _began(database: DatabaseSession, session: Session, seconds: int) -> Session:
    """Return a new session of so many seconds; expired sessions are deleted."""
    moment = now()
    database.execute(delete(Session).where(Session.expires_at < moment))
    session.session_id = secrets.token_hex(16)
    session.created_at, session.expires_at = moment, moment + seconds
    database.add(session)
    database.flush()
    return session


def _add_refresh_token(database: DatabaseSession, session_id: str) -> str:
    token = secrets.token_urlsafe(32)
    database.add(RefreshToken(sha256=sha256(token), session_id=session_id))
    return token


def principal_of(database: DatabaseSession, session_id: str) -> Principal | None:
    """Return the user or client of a session.

    None if the session is revoked or over, or if its account or client is gone.
    """
    query = (
        select(Session, User.role)
        .outerjoin(User, User.user_id == Session.user_id)
        .where(Session.session_id == session_id, Session.revoked_at.is_(None), Session.expires_at > now())
    )
    row = database.execute(query).one_or_none()
    if row is None:
        return None
    session, role = row
    return Principal(session.session_id, session.user_id, role, frozenset(session.scopes.split()))


def user_of_session(factory: Transactions, session_id: str) -> User | None:
    """Return the user of a session, or None where `principal_of` finds no user."""
    with factory() as database:
        who = principal_of(database, session_id)
        return None if who is None or who.user_id is None else database.get(User, who.user_id)


def open_sessions(database: DatabaseSession, user_id: int, current: str | None) -> list[SignedInSession]:
    """Return a user's sessions that have not ended, the latest first.

    `current` is the session of this request.
    """
    query = select(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > now())
    return [
        SignedInSession(
            session_id=session.session_id,
            created_at=format_time(session.created_at) or "",
            expires_at=format_time(session.expires_at) or "",
            current=session.session_id == current,
        )
        for session in database.scalars(query.order_by(Session.created_at.desc(), Session.session_id))
    ]


def revoke_session(database: DatabaseSession, session_id: str) -> None:
    """End a session: its tokens are no longer accepted."""
    database.execute(
        update(Session).where(Session.session_id == session_id, Session.revoked_at.is_(None)).values(revoked_at=now())
    )


def revoke_sessions(database: DatabaseSession, user_id: int, keep: str | None = None) -> None:
    """End all sessions of a user, but for one to keep."""
    query = update(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None))
    if keep is not None:
        query = query.where(Session.session_id != keep)
    database.execute(query.values(revoked_at=now()))

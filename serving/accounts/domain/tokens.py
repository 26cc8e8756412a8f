"""Sessions and their tokens.

A session begins with signing in and is a row. Every access token names it, so that revoking the session ends its tokens
at once. An access token is a JWT of ten minutes. A refresh token is kept as a SHA-256 and good for one use: the service
exchanges it for the next. For GRACE_SECONDS the same client gets the same next token again, since an answer may be lost
and tabs of a browser refresh at once. Otherwise a token that is used again was copied, and its session is revoked.

The next token is a keyed digest of the one before, so the service can give it twice and keep neither of them. The first
one is random.
"""

from __future__ import annotations

import base64
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
# As long as a browser or a program waits for an answer and asks again.
GRACE_SECONDS: Final = 30
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
        self._next_key = hmac.digest(secret.encode(), b"refresh tokens", "sha256")
        self._client_key = hmac.digest(secret.encode(), b"client secrets", "sha256")
        self._digest_key = hmac.digest(secret.encode(), b"digests", "sha256")

    def digest(self, *texts: str) -> str:
        """Return a keyed digest of texts, in hexadecimal.

        Without the service's secret nobody can try texts against it.
        """
        return hmac.new(self._digest_key, "\0".join(texts).encode(), "sha256").hexdigest()

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
        refresh_token = _first_refresh_token(database, session.session_id)
        return Tokens(self.access_token(session), refresh_token, session.user_id)

    def begin_for_client(self, database: DatabaseSession, client: Client, scopes: str) -> Tokens:
        """Begin a client's session with these scopes.

        It lives as long as its one access token.
        """
        session = _began(database, Session(client_id=client.client_id, scopes=scopes), ACCESS_SECONDS)
        return Tokens(self.access_token(session), None, None)

    def refresh(self, factory: Transactions, refresh_token: str, client: str) -> Tokens:
        """Exchange a refresh token for the next tokens.

        `client` says who asks. Raises the problem bad-refresh-token. A token that was used before is known to two, unless
        the same client asks again at once: its session is revoked.
        """
        used, used_by = sha256(refresh_token), self.digest("client", client)
        following = self._following(refresh_token)
        with factory.begin() as database:
            # One statement decides which request uses the token: others that come at once find it used.
            unused = update(RefreshToken).where(RefreshToken.sha256 == used, RefreshToken.used_at.is_(None))
            marked = unused.values(used_at=now(), used_by=used_by)
            session_id = database.scalar(marked.returning(RefreshToken.session_id))
            if session_id is not None:
                database.add(RefreshToken(sha256=sha256(following), session_id=session_id))
            elif (kept := database.get(RefreshToken, used)) is not None:
                if not _asks_again(database, kept, used_by, sha256(following)):
                    revoke_session(database, kept.session_id)
                session_id = kept.session_id
            if session_id is not None and principal_of(database, session_id) is not None:
                session = database.get_one(Session, session_id)
                return Tokens(self.access_token(session), following, session.user_id)
        raise ProblemError(problems.BAD_REFRESH_TOKEN, problems.BAD_REFRESH_TOKEN.meaning)

    def _following(self, refresh_token: str) -> str:
        """Return the refresh token that comes after another: as long and as hard to guess."""
        return _drawn_from(self._next_key, refresh_token)

    def client_secret(self, client_id: str) -> str:
        """Return the secret of a client whose registration has a key.

        Its retry gets the same, and nobody keeps it.
        """
        return _drawn_from(self._client_key, client_id)

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


def _drawn_from(key: bytes, text: str) -> str:
    """Return a token that only the key's owner can make from a text."""
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode()


def _first_refresh_token(database: DatabaseSession, session_id: str) -> str:
    token = secrets.token_urlsafe(32)
    database.add(RefreshToken(sha256=sha256(token), session_id=session_id))
    return token


def _asks_again(database: DatabaseSession, used: RefreshToken, used_by: str, following: str) -> bool:
    """Return whether a used token comes again for want of an answer.

    Then the client is the same, little time has passed, and the next token is not used: who used that has had the answer.
    """
    if used.used_by != used_by or used.used_at is None or now() > used.used_at + GRACE_SECONDS:
        return False
    after = database.get(RefreshToken, following)
    return after is not None and after.used_at is None


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
    scopes = frozenset(session.scopes.split())
    return Principal(session.session_id, session.user_id, role, scopes, session.client_id)


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

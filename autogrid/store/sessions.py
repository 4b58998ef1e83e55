"""Sign-ins: a session is a family of refresh tokens, each good for one use.

A refresh token that comes a second time has been copied. Nobody can tell which of the two is the thief, so the
whole session ends.
"""

import hashlib
import secrets
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.store.user_tables import app_user, refresh_token, session

#: With every request, so it is built once.
_CALLER = (
    sa.select(app_user.c.id, app_user.c.email, app_user.c.role)
    .join(session, session.c.user_id == app_user.c.id)
    .where(app_user.c.id == sa.bindparam("user"), app_user.c.active)
    .where(session.c.id == sa.bindparam("session"), session.c.revoked_at.is_(None))
)


class Refreshed(NamedTuple):
    """What became of a refresh token."""

    #: None: the token is unknown, expired, revoked or was used before.
    token: str | None
    session_id: UUID | None
    user_id: int | None
    #: It was used before; the session has been revoked now.
    reused: bool


def start(connection: Connection, user_id: int, expires_at: datetime) -> tuple[UUID, str]:
    """A new session and its first refresh token."""
    session_id: UUID = connection.execute(
        sa.insert(session).values(user_id=user_id).returning(session.c.id)
    ).scalar_one()
    return session_id, _issue(connection, session_id, expires_at)


def refresh(connection: Connection, token: str, now: datetime, expires_at: datetime) -> Refreshed:
    """Trade a refresh token for the next one. Commit whatever the answer is: a re-use has to be remembered."""
    row = connection.execute(
        sa.select(refresh_token, session.c.user_id, session.c.revoked_at, app_user.c.active)
        .join(session, session.c.id == refresh_token.c.session_id)
        .join(app_user, app_user.c.id == session.c.user_id)
        .where(refresh_token.c.hash == digest(token))
        .with_for_update(of=refresh_token)
    ).one_or_none()
    if row is None or row.revoked_at is not None or not row.active or row.expires_at <= now:
        return Refreshed(None, None, None, False)
    if row.used_at is not None:
        revoke(connection, row.session_id, "reuse")
        return Refreshed(None, row.session_id, row.user_id, True)
    connection.execute(sa.update(refresh_token).where(refresh_token.c.hash == row.hash).values(used_at=now))
    return Refreshed(_issue(connection, row.session_id, expires_at), row.session_id, row.user_id, False)


def session_of(connection: Connection, token: str) -> UUID | None:
    """The session a refresh token belongs to, in whatever state."""
    query = sa.select(refresh_token.c.session_id).where(refresh_token.c.hash == digest(token))
    return connection.scalar(query)


def caller(connection: Connection, user_id: int, session_id: UUID) -> RowMapping | None:
    """id, email and role of a signed-in user; None once the session is revoked or the user switched off."""
    return connection.execute(_CALLER, {"user": user_id, "session": session_id}).mappings().one_or_none()


def revoke(connection: Connection, session_id: UUID, reason: str) -> None:
    """End a session; the reason of one that has ended stays."""
    alive = (session.c.id == session_id) & session.c.revoked_at.is_(None)
    connection.execute(sa.update(session).where(alive).values(revoked_at=sa.func.now(), reason=reason))


def revoke_all(connection: Connection, user_id: int, reason: str) -> None:
    """End all sessions of a user."""
    alive = (session.c.user_id == user_id) & session.c.revoked_at.is_(None)
    connection.execute(sa.update(session).where(alive).values(revoked_at=sa.func.now(), reason=reason))


def forget(connection: Connection, before: datetime) -> int:
    """Delete sessions whose last token expired before `before`; returns how many."""
    fresh = sa.exists().where(refresh_token.c.session_id == session.c.id, refresh_token.c.expires_at >= before)
    return connection.execute(sa.delete(session).where(session.c.created_at < before, ~fresh)).rowcount


def digest(secret: str) -> bytes:
    """What is kept of a random token: enough to recognise it, nothing to use it with."""
    return hashlib.sha256(secret.encode()).digest()


def _issue(connection: Connection, session_id: UUID, expires_at: datetime) -> str:
    token = f"agr_{secrets.token_urlsafe(32)}"
    connection.execute(
        sa.insert(refresh_token).values(hash=digest(token), session_id=session_id, expires_at=expires_at)
    )
    return token

"""Access tokens: JWT, short-lived, signed by this installation; and who an Authorization header stands for."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import jwt

from autogrid.errors import NotSignedIn
from autogrid.store import api_keys, sessions
from services.api.access import Caller, weaker

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

ACCESS = timedelta(minutes=15)
REFRESH = timedelta(days=30)
_ALGORITHM = "HS256"
_AUDIENCE = "autogrid-api"


def access_token(secret: str, user_id: int, session_id: UUID, now: datetime) -> str:
    """A token that stands for a user's session until ACCESS has passed."""
    claims = {"sub": str(user_id), "sid": str(session_id), "aud": _AUDIENCE, "iat": now, "exp": now + ACCESS}
    return jwt.encode(claims, secret, _ALGORITHM)


def identify(connection: "Connection", secret: str, authorization: str) -> Caller:
    """The caller of an Authorization header; NotSignedIn says what is wrong with it."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn("Authorization: expected Bearer and a token, found something else")
    if token.startswith("ag_"):
        return _by_key(connection, token)
    user_id, session_id = _read(secret, token)
    row = sessions.caller(connection, user_id, session_id)
    if row is None:
        raise NotSignedIn("the session has ended: sign in again")
    return Caller(row["id"], row["email"], row["role"], session_id)


def _by_key(connection: "Connection", key: str) -> Caller:
    row = api_keys.caller(connection, key)
    if row is None:
        raise NotSignedIn("the API key is unknown or was revoked: make a new one at /v1/api-keys")
    return Caller(row["id"], row["email"], weaker(row["role"], row["key_role"]), None)


def _read(secret: str, token: str) -> tuple[int, UUID]:
    try:
        claims = jwt.decode(
            token, secret, [_ALGORITHM], audience=_AUDIENCE, options={"require": ["sub", "sid", "exp", "iat"]}
        )
        return int(claims["sub"]), UUID(claims["sid"])
    except jwt.ExpiredSignatureError:
        raise NotSignedIn("the access token has expired: get a new one at /v1/auth/refresh") from None
    except (jwt.InvalidTokenError, ValueError):
        raise NotSignedIn("the access token is not one of ours: sign in again") from None

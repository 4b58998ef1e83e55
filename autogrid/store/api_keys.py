"""API keys of users: shown once, kept as a hash."""

import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.errors import InvalidInput, NotFound
from autogrid.store.paging import newest
from autogrid.store.sessions import digest
from autogrid.store.user_tables import ROLES, api_key, app_user

_SHOWN = [column for column in api_key.c if column.name not in ("hash", "user_id")]
_ALL = sa.select(*_SHOWN)


def add(connection: Connection, user_id: int, name: str, role: str) -> tuple[RowMapping, str]:
    """A new key that can do what `role` and its user may; the second value is the key itself, never seen again."""
    if role not in ROLES:
        raise InvalidInput(f"role: expected one of {', '.join(ROLES)}, found {role!r}")
    key = f"ag_{secrets.token_urlsafe(32)}"
    new = sa.insert(api_key).values(user_id=user_id, name=name, role=role, prefix=key[:9], hash=digest(key))
    return connection.execute(new.returning(*_SHOWN)).mappings().one(), key


def listing(connection: Connection, user_id: int, before: int | None = None, limit: int = 50) -> list[RowMapping]:
    """A user's keys, newest first."""
    return list(newest(connection, _ALL, api_key, before, limit, user_id=user_id).mappings())


def remove(connection: Connection, user_id: int, key_id: int) -> None:
    """Revoke a key."""
    gone = sa.delete(api_key).where(api_key.c.user_id == user_id, api_key.c.id == key_id)
    if not connection.execute(gone).rowcount:
        raise NotFound(f"you have no API key {key_id}")


def caller(connection: Connection, key: str) -> RowMapping | None:
    """id, email and role of the key's user and `key_role`; None for a key that is unknown or whose user is off."""
    query = (
        sa.select(app_user.c.id, app_user.c.email, app_user.c.role, api_key.c.role.label("key_role"))
        .join(api_key, api_key.c.user_id == app_user.c.id)
        .where(api_key.c.hash == digest(key), app_user.c.active)
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is not None:
        # To the minute: a write with every request would cost more than the request.
        stale = sa.func.coalesce(api_key.c.last_used_at < sa.func.now() - sa.text("interval '1 minute'"), sa.true())
        used = sa.update(api_key).where(api_key.c.hash == digest(key), stale)
        connection.execute(used.values(last_used_at=sa.func.now()))
    return row

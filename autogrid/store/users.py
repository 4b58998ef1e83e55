"""People who may use AutoGrid."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, RowMapping

from autogrid.errors import Conflict, InvalidInput, NotFound
from autogrid.store import sessions
from autogrid.store.paging import newest
from autogrid.store.user_tables import ROLES, alert_target, app_user

#: What is shown of a user.
SHOWN = (
    app_user.c.id,
    app_user.c.email,
    app_user.c.role,
    app_user.c.active,
    app_user.c.time_zone,
    app_user.c.created_at,
)
_ALL = sa.select(*SHOWN)


def add(connection: Connection, email: str, password_hash: str, role: str) -> RowMapping:
    """Create a user. Conflict if the e-mail address is taken, whatever its case."""
    _check_role(role)
    check_email(email)
    new = (
        postgresql.insert(app_user)
        .values(email=email, password_hash=password_hash, role=role)
        .on_conflict_do_nothing(index_elements=[sa.func.lower(app_user.c.email)])
        .returning(*SHOWN)
    )
    row = connection.execute(new).mappings().one_or_none()
    if row is None:
        raise Conflict(f"there is a user {email} already: sign in, or use another e-mail address")
    return row


def check_email(email: str) -> None:
    """InvalidInput for what cannot be an address."""
    if "@" not in email.strip("@ "):
        raise InvalidInput(f"e-mail address: expected something like ada@example.org, found {email!r}")


def by_email(connection: Connection, email: str) -> RowMapping | None:
    """The user of an e-mail address with `password_hash`, active or not."""
    query = sa.select(*SHOWN, app_user.c.password_hash).where(sa.func.lower(app_user.c.email) == sa.func.lower(email))
    return connection.execute(query).mappings().one_or_none()


def get(connection: Connection, user_id: int) -> RowMapping:
    """One user, with `password_hash`."""
    query = sa.select(*SHOWN, app_user.c.password_hash).where(app_user.c.id == user_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no user {user_id}")
    return row


def listing(connection: Connection, before: int | None = None, limit: int = 50) -> list[RowMapping]:
    """Users, newest first; `before` is the id to go on from."""
    return list(newest(connection, _ALL, app_user, before, limit).mappings())


def update(
    connection: Connection, user_id: int, *, role: str | None = None, active: bool | None = None,
    time_zone: str | None = None, password_hash: str | None = None,
) -> RowMapping:  # fmt: skip
    """Change what is not None. A new password, and switching a user off, end all of the user's sessions.

    Conflict if nobody would be left who is an active admin.
    """
    if role is not None:
        _check_role(role)
    given = {"role": role, "active": active, "time_zone": time_zone, "password_hash": password_hash}
    changes = {name: value for name, value in given.items() if value is not None}
    if (role is not None and role != "admin") or active is False:
        _require_another_admin(connection, user_id)
    if changes:
        connection.execute(sa.update(app_user).where(app_user.c.id == user_id).values(changes))
    if active is False or password_hash is not None:
        sessions.revoke_all(connection, user_id, "deactivated" if active is False else "password")
    return get(connection, user_id)


def admins(connection: Connection) -> list[int]:
    """Ids of the active admins."""
    query = sa.select(app_user.c.id).where(app_user.c.role == "admin", app_user.c.active).order_by(app_user.c.id)
    return list(connection.scalars(query))


def digests(connection: Connection) -> list[tuple[int, str, date | None]]:
    """(id, time zone, day of the last digest) of active users who want digests."""
    wants = sa.exists().where(
        alert_target.c.owner_id == app_user.c.id,
        alert_target.c.enabled,
        sa.literal("digest") == sa.any_(alert_target.c.kinds),
    )
    query = sa.select(app_user.c.id, app_user.c.time_zone, app_user.c.digest_on).where(app_user.c.active, wants)
    return [(row[0], row[1], row[2]) for row in connection.execute(query.order_by(app_user.c.id))]


def digest_written(connection: Connection, user_id: int, day: date) -> None:
    """Note the day of a user's last digest."""
    connection.execute(sa.update(app_user).where(app_user.c.id == user_id).values(digest_on=day))


def _require_another_admin(connection: Connection, user_id: int) -> None:
    # Locked, so that two admins cannot demote one another at once.
    query = sa.select(app_user.c.id).where(app_user.c.role == "admin", app_user.c.active).with_for_update()
    found = list(connection.scalars(query))
    if found == [user_id]:
        raise Conflict("this is the only active admin: make somebody else admin first (autogrid users promote EMAIL)")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InvalidInput(f"role: expected one of {', '.join(ROLES)}, found {role!r}")

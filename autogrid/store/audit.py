"""Who did what. Rows are only ever added."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.store.paging import newest
from autogrid.store.user_tables import app_user, audit

_ALL = sa.select(audit, app_user.c.email).outerjoin(app_user, app_user.c.id == audit.c.user_id)


def add(
    connection: Connection, user_id: int | None, action: str, target: str, outcome: int,
    *, ip: str | None = None, request_id: str = "",
) -> None:  # fmt: skip
    """Record an action on `target` and how it ended (an HTTP status; 0 and exit codes from the command line)."""
    row = {"user_id": user_id, "action": action, "object": target, "outcome": outcome}
    connection.execute(sa.insert(audit).values(row | {"ip": ip, "request_id": request_id}))


def listing(
    connection: Connection, user_id: int | None, before: int | None = None, limit: int = 50
) -> list[RowMapping]:
    """Actions of a user (None: of everybody) with the user's `email`, newest first."""
    return list(newest(connection, _ALL, audit, before, limit, user_id=user_id).mappings())

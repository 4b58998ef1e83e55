"""Where people want to be told, and what they were told."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.errors import NotFound
from autogrid.store.paging import newest
from autogrid.store.user_tables import alert_log, alert_target

#: All but the URL, which carries passwords and tokens.
_SHOWN = [column for column in alert_target.c if column.name != "url"]
_ALL, _TOLD = sa.select(*_SHOWN), sa.select(alert_log)


def add(connection: Connection, owner_id: int, values: dict[str, Any]) -> RowMapping:
    """A target; `url` is sealed."""
    new = sa.insert(alert_target).values(values | {"owner_id": owner_id}).returning(*_SHOWN)
    return connection.execute(new).mappings().one()


def get(connection: Connection, target_id: int, owner_id: int | None, *, with_url: bool = False) -> RowMapping:
    """One target, with its sealed `url` if asked for; of anybody if `owner_id` is None."""
    query = sa.select(*(alert_target.c if with_url else _SHOWN)).where(alert_target.c.id == target_id)
    if owner_id is not None:
        query = query.where(alert_target.c.owner_id == owner_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"you have no alert target {target_id}")
    return row


def listing(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50
) -> list[RowMapping]:
    """Targets, newest first."""
    return list(newest(connection, _ALL, alert_target, before, limit, owner_id=owner_id).mappings())


def update(connection: Connection, target_id: int, owner_id: int | None, changes: dict[str, Any]) -> RowMapping:
    """Change a target."""
    get(connection, target_id, owner_id)
    if changes:
        connection.execute(sa.update(alert_target).where(alert_target.c.id == target_id).values(changes))
    return get(connection, target_id, owner_id)


def remove(connection: Connection, target_id: int, owner_id: int | None) -> None:
    """Delete a target; the log of what it was told stays."""
    get(connection, target_id, owner_id)
    connection.execute(sa.delete(alert_target).where(alert_target.c.id == target_id))


def wanting(connection: Connection, owner_id: int, kind: str) -> list[RowMapping]:
    """A user's enabled targets for a kind of news, with their sealed URLs."""
    query = sa.select(alert_target).where(
        alert_target.c.owner_id == owner_id, alert_target.c.enabled, sa.literal(kind) == sa.any_(alert_target.c.kinds)
    )
    return list(connection.execute(query).mappings())


def told_since(connection: Connection, owner_id: int, subject: str, since: datetime) -> bool:
    """Whether this subject was news within a while."""
    found = sa.exists().where(
        alert_log.c.owner_id == owner_id,
        alert_log.c.subject == subject,
        alert_log.c.at >= since,
        alert_log.c.outcome != "repeated",
    )
    return bool(connection.scalar(sa.select(found)))


def log(connection: Connection, values: dict[str, Any]) -> int:
    """Write down news; returns its id."""
    return int(connection.execute(sa.insert(alert_log).values(values).returning(alert_log.c.id)).scalar_one())


def waiting(connection: Connection, after: int, limit: int = 1) -> list[RowMapping]:
    """News that is to be sent and has an id above `after`, oldest first, with its target's `url`, `quiet_start` ...

    Locked until the transaction ends; rows that others have locked are left out.
    """
    query = (
        sa.select(
            alert_log, alert_target.c.url, alert_target.c.quiet_start, alert_target.c.quiet_end,
            alert_target.c.time_zone,
        )
        .join(alert_target, alert_target.c.id == alert_log.c.target_id)
        .where(alert_log.c.id > after, alert_log.c.outcome.in_(("pending", "quiet")))
        .order_by(alert_log.c.id)
        .limit(limit)
        .with_for_update(of=alert_log, skip_locked=True)
    )  # fmt: skip
    return list(connection.execute(query).mappings())


def settle(connection: Connection, alert_id: int, outcome: str) -> None:
    """How an attempt to tell ended."""
    values = {"outcome": outcome, "attempts": alert_log.c.attempts + 1}
    connection.execute(sa.update(alert_log).where(alert_log.c.id == alert_id).values(values))


def hold_back(connection: Connection, alert_id: int) -> None:
    """It waits for the end of the quiet hours."""
    connection.execute(sa.update(alert_log).where(alert_log.c.id == alert_id).values(outcome="quiet"))


def told(connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50) -> list[RowMapping]:
    """What a user (None: everybody) was told, newest first."""
    return list(newest(connection, _TOLD, alert_log, before, limit, owner_id=owner_id).mappings())

"""Reports that come by themselves: a cron expression read in a time zone."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.errors import InvalidInput, NotFound
from autogrid.store.paging import newest
from autogrid.store.user_tables import report, schedule

_LAST = (
    sa.select(report.c.id)
    .where(report.c.schedule_id == schedule.c.id)
    .order_by(report.c.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("last_report_id")
)
_ALL = sa.select(schedule, _LAST)


def next_time(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first time after `after` at which a schedule is due. InvalidInput says what is wrong with the expression.

    Where clocks go forward a time that is skipped counts as the moment after; where they go back it counts once.
    """
    from cronsim import CronSim, CronSimError

    try:
        return next(CronSim(cron, after.astimezone(ZoneInfo(time_zone))))
    except (CronSimError, StopIteration) as error:
        raise InvalidInput(
            f'cron: expected five fields such as "0 8 * * 1-5" that name a time to come, found {cron!r} ({error})'
        ) from None
    except (KeyError, ValueError):
        raise InvalidInput(f"time_zone: expected a name such as Europe/Berlin, found {time_zone!r}") from None


def add(connection: Connection, owner_id: int, values: dict[str, Any], now: datetime) -> RowMapping:
    """A schedule of `template`, `params`, `cron`, `time_zone`, `enabled`."""
    row = values | {"owner_id": owner_id, "next_at": _next(values, now)}
    new = connection.execute(sa.insert(schedule).values(row).returning(schedule.c.id)).scalar_one()
    return get(connection, new, owner_id)


def get(connection: Connection, schedule_id: int, owner_id: int | None) -> RowMapping:
    """One schedule with `last_report_id`; of anybody if `owner_id` is None."""
    query = sa.select(schedule, _LAST).where(schedule.c.id == schedule_id)
    if owner_id is not None:
        query = query.where(schedule.c.owner_id == owner_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"you have no schedule {schedule_id}")
    return row


def listing(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50
) -> list[RowMapping]:
    """Schedules, newest first."""
    return list(newest(connection, _ALL, schedule, before, limit, owner_id=owner_id).mappings())


def update(
    connection: Connection, schedule_id: int, owner_id: int | None, changes: dict[str, Any], now: datetime
) -> RowMapping:
    """Change a schedule; it is next due after `now`."""
    merged = dict(get(connection, schedule_id, owner_id)) | changes
    values = changes | {"next_at": _next(merged, now)}
    connection.execute(sa.update(schedule).where(schedule.c.id == schedule_id).values(values))
    return get(connection, schedule_id, owner_id)


def remove(connection: Connection, schedule_id: int, owner_id: int | None) -> None:
    """Delete a schedule; its reports stay."""
    get(connection, schedule_id, owner_id)
    connection.execute(sa.delete(schedule).where(schedule.c.id == schedule_id))


def take_due(connection: Connection, now: datetime, limit: int = 100) -> list[int]:
    """Make a report of every schedule that is due and return the reports' ids; send them after the commit.

    Times that passed while nothing ran are made up for once, not once each. Two beats at once take different rows.
    """
    query = (
        sa.select(schedule)
        .where(schedule.c.next_at <= now, schedule.c.enabled)
        .order_by(schedule.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    made = []
    for row in connection.execute(query).mappings().all():
        values = {name: row[name] for name in ("owner_id", "template", "params")} | {"schedule_id": row["id"]}
        made.append(connection.execute(sa.insert(report).values(values).returning(report.c.id)).scalar_one())
        after = next_time(row["cron"], row["time_zone"], now)
        connection.execute(sa.update(schedule).where(schedule.c.id == row["id"]).values(next_at=after))
    return made


def _next(values: dict[str, Any], now: datetime) -> datetime | None:
    due = next_time(values["cron"], values["time_zone"], now)
    return due if values.get("enabled", True) else None

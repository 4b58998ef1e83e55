"""Counts and news across bots: what status pages and event streams read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from autogrid.store.live_tables import bot, bot_event, bot_fill


@dataclass(frozen=True)
class News:
    """An event of a bot and whose it is."""

    id: int
    bot_id: int
    owner_id: int | None
    ts: datetime
    level: str
    name: str
    data: dict[str, Any]


def bots_by_status(connection: Connection, owner_id: int | None) -> dict[str, int]:
    """How many bots are in which status."""
    query = sa.select(bot.c.status, sa.func.count()).group_by(bot.c.status).order_by(bot.c.status)
    if owner_id is not None:
        query = query.where(bot.c.owner_id == owner_id)
    return {status: int(count) for status, count in connection.execute(query)}


def newest(connection: Connection) -> tuple[int, int]:
    """Ids of the newest event and the newest fill; 0 where there is none."""
    events = sa.select(sa.func.coalesce(sa.func.max(bot_event.c.id), 0)).scalar_subquery()
    fills = sa.select(sa.func.coalesce(sa.func.max(bot_fill.c.id), 0)).scalar_subquery()
    row = connection.execute(sa.select(events, fills)).one()
    return int(row[0]), int(row[1])


def events_after(connection: Connection, after: int, owner_id: int | None = None, limit: int = 1000) -> list[News]:
    """Events with an id above `after`, in order; of all owners if `owner_id` is None."""
    c = bot_event.c
    query = (
        sa.select(c.id, c.bot_id, bot.c.owner_id, c.ts, c.level, c.name, c.data)
        .join(bot, bot.c.id == c.bot_id)
        .where(c.id > after)
        .order_by(c.id)
        .limit(limit)
    )
    if owner_id is not None:
        query = query.where(bot.c.owner_id == owner_id)
    return [News(*row) for row in connection.execute(query)]


def traded_after(connection: Connection, after: int) -> list[tuple[int, int | None, int]]:
    """(bot, owner, its newest fill) of bots with fills of an id above `after`."""
    c = bot_fill.c
    newest_of = sa.select(c.bot_id, sa.func.max(c.id).label("fill")).where(c.id > after).group_by(c.bot_id).subquery()
    query = sa.select(bot.c.id, bot.c.owner_id, newest_of.c.fill).join(newest_of, newest_of.c.bot_id == bot.c.id)
    return [(row[0], row[1], row[2]) for row in connection.execute(query.order_by(newest_of.c.fill))]


def server(connection: Connection) -> dict[str, Any]:
    """Facts about the database server: version, size in bytes, connections."""
    row = connection.execute(
        sa.text(
            "SELECT current_setting('server_version'), pg_database_size(current_database()), "
            "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
            "current_setting('max_connections')::int"
        )
    ).one()
    return {"version": row[0], "bytes": row[1], "connections": row[2], "connections_max": row[3]}

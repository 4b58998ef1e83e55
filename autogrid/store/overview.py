"""Counts and news across bots: what status pages and event streams read."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from autogrid.store.live_tables import bot, bot_event, bot_fill, twin


@dataclass(frozen=True)
class News:
    """An event of a bot and whose it is."""

    id: int
    bot_id: int
    bot_name: str
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
        sa.select(c.id, c.bot_id, bot.c.name, bot.c.owner_id, c.ts, c.level, c.name, c.data)
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


def settled_events(connection: Connection, after: int, now: datetime, limit: int = 500) -> list[News]:
    """As `events_after`, of all owners, without the last two seconds: what commits late has a lower id."""
    edge = now - timedelta(seconds=2)
    found = events_after(connection, after, limit=limit)
    young = next((i for i, event in enumerate(found) if event.ts > edge), len(found))
    return found[:young]


def stuck(connection: Connection, tries: int) -> list[tuple[int, int | None, str, str]]:
    """(bot, owner, name, first reason) of running bots with an order that was refused `tries` times in a row."""
    query = sa.text(
        "SELECT bot.id, owner_id, name, min(note ->> 2) FROM bot, jsonb_array_elements(notes) AS note "
        "WHERE status = 'running' AND (note ->> 4)::int >= :tries GROUP BY bot.id"
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query, {"tries": tries})]


@dataclass(frozen=True)
class Day:
    """What a bot did within a while."""

    bot_id: int
    fills: int
    #: Events that were warnings or worse.
    incidents: int
    #: Of the newest twin.
    divergence_bps: Decimal | None


def day(connection: Connection, owner_id: int, since: datetime) -> dict[int, Day]:
    """Bot -> what it did since a time, of all bots of an owner."""
    mine = sa.select(bot.c.id).where(bot.c.owner_id == owner_id)
    fills = _counts(connection, bot_fill, bot_fill.c.bot_id.in_(mine), bot_fill.c.ts >= since)
    bad = (bot_event.c.level != "info", bot_event.c.ts >= since)
    incidents = _counts(connection, bot_event, bot_event.c.bot_id.in_(mine), *bad)
    newest = sa.select(twin.c.bot_id, twin.c.divergence_bps).ext(postgresql.distinct_on(twin.c.bot_id))
    rows = connection.execute(newest.where(twin.c.bot_id.in_(mine)).order_by(twin.c.bot_id, twin.c.day.desc()))
    apart = {row[0]: row[1] for row in rows}
    ids = connection.scalars(mine)
    return {each: Day(each, fills.get(each, 0), incidents.get(each, 0), apart.get(each)) for each in ids}


def _counts(connection: Connection, table: sa.Table, *where: "sa.ColumnElement[bool]") -> dict[int, int]:
    query = sa.select(table.c.bot_id, sa.func.count()).where(*where).group_by(table.c.bot_id)
    return {row[0]: int(row[1]) for row in connection.execute(query)}

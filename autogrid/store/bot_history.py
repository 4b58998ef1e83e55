"""What a bot did: events, fills, orders, equity, twins; in pages, each served by an index."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Engine

from autogrid.core.bot import FillRow, Order
from autogrid.core.market import Market
from autogrid.core.orders import Key
from autogrid.errors import NotFound
from autogrid.store.accounts import PAPER
from autogrid.store.bot_rows import ORDER, order_of, unpack_market
from autogrid.store.coverage import to_ms, when
from autogrid.store.live_tables import account, bot, bot_equity, bot_event, bot_fill, bot_order, twin
from autogrid.store.paging import newest


@dataclass(frozen=True)
class EventRow:
    """An event with its place in the list."""

    id: int
    ts: datetime
    level: str
    name: str
    data: dict[str, Any]


@dataclass(frozen=True)
class OrderRow:
    """An order with its times."""

    order: Order
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class EquityRow:
    """What a bot was worth at the beginning of a minute. Money in quote."""

    ts: datetime
    equity: Decimal
    cash: Decimal
    base: Decimal
    price: Decimal


@dataclass(frozen=True)
class TwinRow:
    """One day against the replay of the same candles."""

    day: date
    #: Where the difference came from -> quote.
    parts: dict[str, Any]
    divergence_bps: Decimal


@dataclass(frozen=True)
class Subject:
    """What is needed of a bot to show its history."""

    market: Market
    #: Cash in quote and the price that the start order pays; None before the grid has started.
    start: tuple[Decimal, Decimal] | None


def subject(connection: Connection, bot_id: int, owner_id: int | None) -> Subject:
    """NotFound if there is no such bot, or it is another owner's; of anybody if `owner_id` is None."""
    row = connection.execute(_SUBJECT, {"bot_id": bot_id}).one_or_none()
    if row is None or owner_id not in (None, row[3]):
        raise NotFound(f"bot {bot_id} does not exist; autogrid bots list shows those that do")
    market = unpack_market(row[0])
    return Subject(market, None if row[1] is None else (market.money(row[1]), market.price(row[2])))


#: One look into the index for each point: reading all rows would take longer with every day.
_POINTS = sa.text(
    "SELECT point.* FROM generate_series(0, :points - 1) AS n, LATERAL (SELECT ts, equity, cash, base, price "
    "FROM bot_equity WHERE bot_id = :bot AND ts <= :last - n * :step AND ts > :last - (n + 1) * :step "
    "ORDER BY ts DESC LIMIT 1) AS point ORDER BY point.ts"
)
_SUBJECT = sa.select(
    bot.c.market,
    *(bot.c.plan[name].astext.cast(sa.BigInteger) for name in ("cash", "start_fill")),
    bot.c.owner_id,
).where(bot.c.id == sa.bindparam("bot_id"))
_EVENTS = sa.select(*(bot_event.c[name] for name in EventRow.__dataclass_fields__))
_ORDERS = sa.select(
    *(bot_order.c[name.strip()] for name in ORDER.split(",")), bot_order.c.created_at, bot_order.c.updated_at
)
_EQUITY = [bot_equity.c[name] for name in EquityRow.__dataclass_fields__]


def events(connection: Connection, bot_id: int, before: int | None = None, limit: int = 100) -> list[EventRow]:
    """Newest first; `before` is the id the page before ended with."""
    return [EventRow(*row) for row in newest(connection, _EVENTS, bot_event, before, limit, bot_id=bot_id)]


def statuses(connection: Connection, bot_id: int, names: Collection[str]) -> list[tuple[int, str]]:
    """(ms, status) of the bot's events of these names, oldest first; "" where an event tells no status."""
    c = bot_event.c
    status = sa.func.coalesce(c.data["status"].astext, "")
    query = sa.select(c.ts, status).where(c.bot_id == bot_id, c.name.in_(names)).order_by(c.id)
    return [(to_ms(row[0]), row[1]) for row in connection.execute(query)]


def named_events(connection: Connection, bot_id: int, names: Collection[str]) -> list[tuple[str, dict[str, Any]]]:
    """(name, data) of the bot's events of these names, oldest first."""
    c = bot_event.c
    query = sa.select(c.name, c.data).where(c.bot_id == bot_id, c.name.in_(names)).order_by(c.id)
    return [(row.name, row.data) for row in connection.execute(query)]


def orders(connection: Connection, bot_id: int, before: int | None = None, limit: int = 100) -> list[OrderRow]:
    """Newest first; `before` is the id the page before ended with."""
    rows = newest(connection, _ORDERS, bot_order, before, limit, bot_id=bot_id)
    return [OrderRow(order_of(row[:-2]), row[-2], row[-1]) for row in rows]


def fills(
    connection: Connection,
    bot_id: int,
    *,
    after: tuple[int, int] | None = None,
    start: int | None = None,
    end: int | None = None,
    limit: int | None = None,
) -> list[tuple[int, FillRow]]:
    """(id, fill) in order of happening, in [start, end) ms; `after` is (ts_ms, id) the page before ended with."""
    c = bot_fill.c
    query = sa.select(bot_fill).where(c.bot_id == bot_id).order_by(c.ts, c.id).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(c.ts, c.id) > sa.tuple_(sa.literal(when(after[0])), sa.literal(after[1])))
    if start is not None:
        query = query.where(c.ts >= when(start))
    if end is not None:
        query = query.where(c.ts < when(end))
    return [(row.id, _fill(row)) for row in connection.execute(query)]


def newest_fills(
    connection: Connection, bot_id: int, before: int | None = None, limit: int = 100
) -> list[tuple[int, FillRow]]:
    """(id, fill), the last one first; `before` is the id the page before ended with."""
    c = bot_fill.c
    query = sa.select(bot_fill).where(c.bot_id == bot_id).order_by(c.ts.desc(), c.id.desc()).limit(limit)
    if before is not None:
        edge = sa.select(c.ts, c.id).where(c.bot_id == bot_id, c.id == before).scalar_subquery()
        query = query.where(sa.tuple_(c.ts, c.id) < edge)
    return [(row.id, _fill(row)) for row in connection.execute(query)]


def _fill(row: sa.Row[Any]) -> FillRow:
    key = Key(row.kind, row.cell, row.cycle)
    who = (row.trade_id, row.exchange_id, row.client_id, to_ms(row.ts))
    return FillRow(*who, key, row.side, row.price, row.lots, row.fee, row.fee_asset)


def equity(
    connection: Connection, bot_id: int, start: datetime | None = None, end: datetime | None = None
) -> list[EquityRow]:
    """In order, in [start, end)."""
    c = bot_equity.c
    query = sa.select(*_EQUITY).where(*_within(bot_id, start, end)).order_by(c.ts)
    return [EquityRow(*row) for row in connection.execute(query).all()]


def equity_points(
    connection: Connection, bot_id: int, start: datetime | None, end: datetime | None, points: int
) -> list[EquityRow]:
    """As `equity`, or where that is longer than `points`: the last row of each of so many equal stretches of time."""
    ts, which = bot_equity.c.ts, _within(bot_id, start, end)
    some = sa.select(ts).where(*which).limit(points + 1).subquery()
    count = sa.select(sa.func.count()).select_from(some).scalar_subquery()
    first, last, found = connection.execute(sa.select(sa.func.min(ts), sa.func.max(ts), count).where(*which)).one()
    if found <= points:
        return equity(connection, bot_id, start, end)
    given = {"bot": bot_id, "last": last, "step": (last - first) / points, "points": points}
    return [EquityRow(*row) for row in connection.execute(_POINTS, given).all()]


def _within(bot_id: int, start: datetime | None, end: datetime | None) -> list["sa.ColumnElement[bool]"]:
    c = bot_equity.c
    edges = ((start, c.ts.__ge__), (end, c.ts.__lt__))
    return [c.bot_id == bot_id, *(compare(edge) for edge, compare in edges if edge is not None)]


def thin_equity(engine: Engine, bot_id: int, before: datetime) -> int:
    """Of minutes older than `before` keep the full hours; how many rows went. For a daily task."""
    c = bot_equity.c
    rest = sa.extract("minute", c.ts) != 0
    with engine.begin() as connection:
        return connection.execute(sa.delete(bot_equity).where(c.bot_id == bot_id, c.ts < before, rest)).rowcount


def save_twin(connection: Connection, bot_id: int, row: TwinRow) -> None:
    """Store a day's twin; again replaces it."""
    values = {"parts": row.parts, "divergence_bps": row.divergence_bps}
    insert = postgresql.insert(twin).values(bot_id=bot_id, day=row.day, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=["bot_id", "day"], set_=values))


def twins(connection: Connection, bot_id: int, days: int = 30) -> list[TwinRow]:
    """The twins of the last `days` days that have one, oldest first."""
    c = twin.c
    query = sa.select(c.day, c.parts, c.divergence_bps).where(c.bot_id == bot_id).order_by(c.day.desc()).limit(days)
    return [TwinRow(*row) for row in connection.execute(query)][::-1]


def worst_twins(connection: Connection, since: date) -> dict[str, float]:
    """Of "paper" and "live" -> largest distance of a bot from its newest twin since a day, basis points."""
    mode = sa.case((account.c.exchange == PAPER, "paper"), else_="live")
    newest = (
        sa.select(twin.c.bot_id, twin.c.divergence_bps, mode.label("mode"))
        .join(bot, bot.c.id == twin.c.bot_id)
        .join(account, account.c.id == bot.c.account_id)
        .where(twin.c.day >= since)
        .ext(postgresql.distinct_on(twin.c.bot_id))
        .order_by(twin.c.bot_id, twin.c.day.desc())
        .subquery()
    )
    query = sa.select(newest.c.mode, sa.func.max(sa.func.abs(newest.c.divergence_bps))).group_by(newest.c.mode)
    return {row[0]: float(row[1]) for row in connection.execute(query)}

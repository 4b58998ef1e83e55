"""Candles in small portions, for people who look at them; bulk reading is `autogrid.store.candles`."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.store import candles, coverage
from autogrid.store.coverage import Series, to_ms, when
from autogrid.store.paging import newest
from autogrid.store.tables import candle, market
from autogrid.store.tables import coverage as spans

#: ms, open, high, low, close, volume.
Row = tuple[int, float, float, float, float, float]
_MARKETS = sa.select(market)


@dataclass(frozen=True)
class Stored:
    """A market and what is stored of it."""

    row: RowMapping
    #: Timeframe in seconds, first and last ms (exclusive), candles.
    series: list[tuple[int, int, int, int]]


def markets(
    connection: Connection, exchange: str | None = None, before: int | None = None, limit: int = 50
) -> list[Stored]:
    """Markets, newest first, with their series."""
    rows = newest(connection, _MARKETS, market, before, limit, exchange=exchange).mappings().all()
    c = spans.c
    totals = (
        sa.select(c.market_id, c.timeframe_s, sa.func.min(c.start_ts), sa.func.max(c.end_ts), sa.func.sum(c.candles))
        .where(c.market_id.in_([row["id"] for row in rows]))
        .group_by(c.market_id, c.timeframe_s)
        .order_by(c.market_id, c.timeframe_s)
    )
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    for market_id, timeframe_s, start, end, count in connection.execute(totals):
        found.setdefault(market_id, []).append((timeframe_s, to_ms(start), to_ms(end), int(count)))
    return [Stored(row, found.get(row["id"], [])) for row in rows]


def source(connection: Connection, exchange: str, symbol: str, timeframe_s: int) -> Series | None:
    """The stored series candles of this timeframe come from: itself, else the coarsest it is a multiple of."""
    c = spans.c
    query = (
        sa.select(c.timeframe_s)
        .join(market, market.c.id == c.market_id)
        .where(market.c.exchange == exchange, market.c.symbol == symbol, c.timeframe_s <= timeframe_s)
        .where(timeframe_s % c.timeframe_s == 0)
        .order_by(c.timeframe_s.desc())
        .limit(1)
    )
    found = connection.scalar(query)
    return None if found is None else Series(exchange, symbol, found)


def page(
    connection: Connection, series: Series, timeframe_s: int, start: int, end: int, limit: int
) -> tuple[list[Row], int | None]:
    """Up to `limit` candles of [start, end) ms from `start` on, made from the series' where it is finer; and the ms
    to go on from, None at the end."""
    mine = _mine(connection, series)
    first = connection.scalar(
        sa.select(candle.c.ts).where(*mine, candle.c.ts >= when(start), candle.c.ts < when(end))
        .order_by(candle.c.ts).limit(1)
    )  # fmt: skip
    if first is None:
        return [], None
    if series.timeframe_s == timeframe_s:
        names = ("ts", "open", "high", "low", "close", "volume")
        query = sa.select(*(candle.c[name] for name in names)).where(
            *mine, candle.c.ts >= first, candle.c.ts < when(end)
        )
        rows = [(to_ms(r[0]), *r[1:]) for r in connection.execute(query.order_by(candle.c.ts).limit(limit))]
        return rows, rows[-1][0] + 1 if len(rows) == limit else None
    width = timeframe_s * 1000
    begin = max(start, to_ms(first) - to_ms(first) % width)
    after = begin + limit * width
    rows = candles.resample(connection, series, timeframe_s, begin, min(end, after))
    return rows, after if after < end else None


def last_close(connection: Connection, exchange: str, symbol: str) -> float | None:
    """The newest close stored of a market, whatever the timeframe."""
    query = (
        sa.select(candle.c.close)
        .join(market, market.c.id == candle.c.market_id)
        .where(market.c.exchange == exchange, market.c.symbol == symbol)
        .where(candle.c.timeframe_s == _finest(exchange, symbol))
        .order_by(candle.c.ts.desc())
        .limit(1)
    )
    return connection.scalar(query)


def _finest(exchange: str, symbol: str) -> "sa.ScalarSelect[int]":
    c = spans.c
    query = sa.select(sa.func.min(c.timeframe_s)).join(market, market.c.id == c.market_id)
    return query.where(market.c.exchange == exchange, market.c.symbol == symbol).scalar_subquery()


def _mine(connection: Connection, series: Series) -> tuple["sa.ColumnElement[bool]", "sa.ColumnElement[bool]"]:
    market_id = coverage.market_id(connection, series)
    return (candle.c.market_id == market_id, candle.c.timeframe_s == series.timeframe_s)

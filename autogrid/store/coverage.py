"""What is stored of each series: spans looked at, gaps inside them. Listing never scans candles."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.store.tables import coverage, gap, market

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def when(ms: int) -> datetime:
    """The time of a number of ms, exactly."""
    return _EPOCH + ms * _MS


def to_ms(time: datetime) -> int:
    """The ms of a time; exact for whole ms."""
    return (time - _EPOCH) // _MS


@dataclass(frozen=True)
class Series:
    """One line of candles."""

    exchange: str
    symbol: str
    timeframe_s: int


@dataclass(frozen=True)
class Span:
    """A half-open stretch [start, end) in ms that was imported or fetched, and how many candles it holds."""

    start: int
    end: int
    candles: int
    version: str


@dataclass(frozen=True)
class Gap:
    """A stretch [start, end) in ms inside coverage without candles."""

    start: int
    end: int
    candles: int
    reason: str


def listing(connection: Connection) -> list[tuple[Series, list[Span]]]:
    """Every series with its spans, in order."""
    rows = connection.execute(
        sa.select(market.c.exchange, market.c.symbol, coverage)
        .join(coverage, coverage.c.market_id == market.c.id)
        .order_by(market.c.exchange, market.c.symbol, coverage.c.timeframe_s, coverage.c.start_ts)
    ).mappings()
    found: dict[Series, list[Span]] = {}
    for row in rows:
        series = Series(row["exchange"], row["symbol"], row["timeframe_s"])
        found.setdefault(series, []).append(_span(row))
    return list(found.items())


def market_id(connection: Connection, series: Series) -> int | None:
    """The id of the series' market, None when it was never stored."""
    chosen = sa.select(market.c.id).where(market.c.exchange == series.exchange, market.c.symbol == series.symbol)
    return connection.scalar(chosen)


def spans(connection: Connection, series: Series) -> list[Span]:
    """The spans of one series, in order."""
    return [_span(row) for row in connection.execute(_of(coverage, series)).mappings()]


def covers(connection: Connection, series: Series, start: int, end: int) -> bool:
    """Whether all there is of [start, end) ms was fetched or imported."""
    around = _of(coverage, series).where(coverage.c.start_ts <= when(start), coverage.c.end_ts >= when(end))
    return connection.execute(around).first() is not None


def gaps(connection: Connection, series: Series) -> list[Gap]:
    """The recorded gaps of one series, in order."""
    rows = connection.execute(_of(gap, series)).mappings()
    return [Gap(to_ms(r["start_ts"]), to_ms(r["end_ts"]), r["candles"], r["reason"]) for r in rows]


def _of(table: sa.Table, series: Series) -> sa.Select[Any]:
    """The rows of one series, in order."""
    of_market = sa.select(table).join(market, table.c.market_id == market.c.id)
    return of_market.where(
        market.c.exchange == series.exchange,
        market.c.symbol == series.symbol,
        table.c.timeframe_s == series.timeframe_s,
    ).order_by(table.c.start_ts)


def _span(row: RowMapping) -> Span:
    return Span(to_ms(row["start_ts"]), to_ms(row["end_ts"]), row["candles"], row["version"])


def extend(
    connection: Connection, key: tuple[int, int], start: int, end: int, inserted: int, content: str | None
) -> None:
    """Cover [start, end), merged with the spans it touches.

    `content` identifies what was written, None when nothing was: then a span that is not extended keeps its
    version, and with it the validity of cached files.
    """
    mine = (coverage.c.market_id == key[0]) & (coverage.c.timeframe_s == key[1])
    near = mine & (coverage.c.start_ts <= when(end)) & (coverage.c.end_ts >= when(start))
    old = [_span(r) for r in connection.execute(sa.select(coverage).where(near)).mappings()]
    parts = sorted(span.version for span in old)
    if content is not None:
        parts.append(content)
    if not parts:
        parts = ["empty"]
    version = parts[0] if len(parts) == 1 else hashlib.sha256(" ".join(parts).encode()).hexdigest()
    connection.execute(sa.delete(coverage).where(near))
    connection.execute(
        sa.insert(coverage).values(
            market_id=key[0],
            timeframe_s=key[1],
            start_ts=when(min([start, *(span.start for span in old)])),
            end_ts=when(max([end, *(span.end for span in old)])),
            candles=inserted + sum(span.candles for span in old),
            version=version,
        )
    )


def touched(connection: Connection, key: tuple[int, int], start: int, end: int) -> tuple[int, int]:
    """[start, end) widened to the recorded gaps it meets, which are deleted: the caller records them anew."""
    mine = (gap.c.market_id == key[0]) & (gap.c.timeframe_s == key[1])
    near = mine & (gap.c.start_ts <= when(end)) & (gap.c.end_ts >= when(start))
    rows = connection.execute(sa.delete(gap).where(near).returning(gap.c.start_ts, gap.c.end_ts)).all()
    return (
        min([start, *(to_ms(row.start_ts) for row in rows)]),
        max([end, *(to_ms(row.end_ts) for row in rows)]),
    )


def record_gaps(connection: Connection, key: tuple[int, int], found: Sequence[tuple[int, int]], reason: str) -> None:
    """Store gaps, given as [start, end) in ms."""
    if found:
        connection.execute(
            sa.insert(gap),
            [
                {
                    "market_id": key[0],
                    "timeframe_s": key[1],
                    "start_ts": when(a),
                    "end_ts": when(b),
                    "candles": (b - a) // (key[1] * 1000),
                    "reason": reason,
                }
                for a, b in found
            ],
        )

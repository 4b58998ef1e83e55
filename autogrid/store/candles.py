"""Candles in by binary COPY, out by ADBC; one transaction per write, together with its bookkeeping."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Engine

from autogrid.store import coverage, timescale
from autogrid.store.coverage import Series
from autogrid.store.tables import import_log, market

Values = tuple[NDArray[np.float64], ...]

_COLUMNS = "market_id, timeframe_s, ts, open, high, low, close, volume"
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
#: PostgreSQL counts time from 2000-01-01, in us.
PG_EPOCH_MS = 946_684_800_000
#: One row of COPY BINARY: the number of fields, then each field's length and value, all big-endian.
_ROW = np.dtype(
    [("fields", ">i2"), ("n0", ">i4"), ("market", ">i4"), ("n1", ">i4"), ("timeframe", ">i4"), ("n2", ">i4")]
    + [("ts", ">i8")]
    + [(f"{kind}{i}", form) for i in range(5) for kind, form in (("m", ">i4"), ("v", ">f8"))]
)
_BLOCK = 65_536


@dataclass(frozen=True)
class Written:
    """What a write changed."""

    inserted: int
    changed: int


@dataclass(frozen=True)
class Batch:
    """Checked candles, ascending, that tell all there is in [start, end) ms."""

    ts: NDArray[np.int64]
    values: Values
    start: int
    end: int
    source: str
    sha256: str
    gap_reason: str = "missing"


def put(engine: Engine, series: Series, batch: Batch) -> Written:
    """Store a batch with its coverage, gaps and log entry in one transaction. Repeating it changes nothing.

    Candles already stored are replaced where the batch differs.
    """
    with engine.begin() as connection:
        key = (_market_id(connection, series), series.timeframe_s)
        # Two writers of one series would both see the old coverage and lose one another's extension.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:m, :t)"), {"m": key[0], "t": key[1]})
        start, end = coverage.touched(connection, key, batch.start, batch.end)
        alone = _count(connection, key, start, end) == 0
        written = _insert(connection, key, batch, alone)
        found = _gaps_of(batch, key[1], start, end) if alone else _gaps_in(connection, key, start, end)
        coverage.record_gaps(connection, key, found, batch.gap_reason)
        something = written.inserted + written.changed
        content = batch.sha256 if something else None
        coverage.extend(connection, key, batch.start, batch.end, written.inserted, content)
        if something:
            connection.execute(
                sa.insert(import_log).values(
                    market_id=key[0],
                    timeframe_s=key[1],
                    source=batch.source,
                    sha256=batch.sha256,
                    candles=len(batch.ts),
                    written=something,
                )
            )
    return written


def _market_id(connection: Connection, series: Series) -> int:
    found = coverage.market_id(connection, series)
    if found is not None:
        return found
    row = {"exchange": series.exchange, "symbol": series.symbol}
    connection.execute(postgresql.insert(market).values(row).on_conflict_do_nothing())
    created = coverage.market_id(connection, series)
    assert created is not None
    return created


def _range(key: tuple[int, int], start: int, end: int) -> dict[str, Any]:
    return {"m": key[0], "t": key[1], "a": coverage.when(start), "b": coverage.when(end)}


_WHERE = "market_id = :m AND timeframe_s = :t AND ts >= :a AND ts < :b"


def _count(connection: Connection, key: tuple[int, int], start: int, end: int) -> int:
    query = sa.text(f"SELECT count(*) FROM candle WHERE {_WHERE}")
    return int(connection.scalar(query, _range(key, start, end)) or 0)


def _insert(connection: Connection, key: tuple[int, int], batch: Batch, alone: bool) -> Written:
    if len(batch.ts) == 0:
        return Written(0, 0)
    if alone:  # nothing to conflict with: no staging table needed
        _copy(connection, "candle", key, batch)
        return Written(len(batch.ts), 0)
    before = _count(connection, key, batch.start, batch.end)
    connection.execute(sa.text("CREATE TEMP TABLE staging (LIKE candle) ON COMMIT DROP"))
    _copy(connection, "staging", key, batch)
    values = "open, high, low, close, volume"
    new = ", ".join(f"excluded.{name}" for name in values.split(", "))
    old = ", ".join(f"candle.{name}" for name in values.split(", "))
    upsert = connection.execute(
        sa.text(
            f"INSERT INTO candle ({_COLUMNS}) SELECT {_COLUMNS} FROM staging "
            f"ON CONFLICT (market_id, timeframe_s, ts) DO UPDATE SET ({values}) = ({new}) "
            f"WHERE ({old}) IS DISTINCT FROM ({new})"
        )
    )
    inserted = _count(connection, key, batch.start, batch.end) - before
    return Written(inserted, upsert.rowcount - inserted)


def _copy(connection: Connection, table: str, key: tuple[int, int], batch: Batch) -> None:
    driver: Any = connection.connection.dbapi_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table} ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.write(_HEADER)
        for first in range(0, len(batch.ts), _BLOCK):
            copy.write(_encode(key, batch, slice(first, first + _BLOCK)))
        copy.write(_TRAILER)


def _encode(key: tuple[int, int], batch: Batch, part: slice) -> bytes:
    ts = batch.ts[part]
    rows = np.empty(len(ts), dtype=_ROW)
    rows["fields"] = 8
    rows["n0"] = rows["n1"] = 4
    rows["n2"] = 8
    rows["market"], rows["timeframe"] = key
    rows["ts"] = (ts - PG_EPOCH_MS) * 1000
    for i, values in enumerate(batch.values):
        rows[f"m{i}"] = 8
        rows[f"v{i}"] = values[part]
    return rows.tobytes()


def _gaps_of(batch: Batch, timeframe_s: int, start: int, end: int) -> list[tuple[int, int]]:
    step = timeframe_s * 1000
    edges = np.concatenate(([start - step], batch.ts, [end]))
    wide = np.flatnonzero(np.diff(edges) > step)
    return [(int(edges[i]) + step, int(edges[i + 1])) for i in wide]


def _gaps_in(connection: Connection, key: tuple[int, int], start: int, end: int) -> list[tuple[int, int]]:
    step = key[1] * 1000
    query = sa.text(
        "WITH edges AS ("
        f"SELECT ts FROM candle WHERE {_WHERE} UNION ALL SELECT CAST(:before AS timestamptz)), "
        "pairs AS (SELECT ts, lead(ts, 1, :b) OVER (ORDER BY ts) AS after FROM edges) "
        "SELECT ts, after FROM pairs WHERE after > ts + make_interval(secs => :t) ORDER BY ts"
    )
    rows = connection.execute(query, _range(key, start, end) | {"before": coverage.when(start - step)})
    return [(coverage.to_ms(row.ts) + step, coverage.to_ms(row.after)) for row in rows]


def read(url: str, market_id: int, timeframe_s: int, start: int, end: int) -> tuple[NDArray[np.int64], Values]:
    """Candles of [start, end) ms in order, as arrays: ts in ms, then open, high, low, close, volume."""
    from adbc_driver_postgresql import dbapi

    # ADBC uses COPY, which takes no parameters: every value here is an integer or made from one. No ORDER BY:
    # rows almost always come back in the order they went in, and sorting here is needed only when not.
    query = (
        "SELECT ts, open, high, low, close, volume FROM candle "
        f"WHERE market_id = {int(market_id)} AND timeframe_s = {int(timeframe_s)} "
        f"AND ts >= '{coverage.when(start).isoformat()}' AND ts < '{coverage.when(end).isoformat()}'"
    )
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        table = cursor.fetch_arrow_table()
    ts = table.column("ts").to_numpy().view(np.int64) // 1000
    values = tuple(table.column(i).to_numpy() for i in range(1, 6))
    if np.any(ts[1:] <= ts[:-1]):
        order = np.argsort(ts, kind="stable")
        return ts[order], tuple(column[order] for column in values)
    return ts, values


def resample(
    connection: Connection, series: Series, timeframe_s: int, start: int, end: int
) -> list[tuple[int, float, float, float, float, float]]:
    """(ms, open, high, low, close, volume) of `timeframe_s` made from the series' candles in [start, end).

    On TimescaleDB's community edition 5m, 1h and 1d from 1m come from the continuous aggregates, otherwise
    from date_bin. Buckets begin at multiples of the timeframe; one with missing candles uses what there is.
    """
    params = _range((coverage.market_id(connection, series) or 0, series.timeframe_s), start, end)
    view = timescale.AGGREGATES.get(timeframe_s)
    if view is not None and series.timeframe_s == 60 and timescale.edition(connection) == "tsl":
        query = (
            f"SELECT ts, open, high, low, close, volume FROM {view} "
            "WHERE market_id = :m AND ts >= :a AND ts < :b ORDER BY ts"
        )
    else:
        query = (
            "SELECT date_bin(make_interval(secs => :width), ts, '1970-01-01T00:00:00Z') AS bin, "
            "(array_agg(open ORDER BY ts))[1], max(high), min(low), (array_agg(close ORDER BY ts DESC))[1], "
            f"sum(volume) FROM candle WHERE {_WHERE} GROUP BY bin ORDER BY bin"
        )
    rows = connection.execute(sa.text(query), params | {"width": timeframe_s})
    return [(coverage.to_ms(r[0]), r[1], r[2], r[3], r[4], r[5]) for r in rows]

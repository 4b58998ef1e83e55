"""The last candles before a moment: what strategies decide on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy.engine import Connection

from autogrid.store import coverage
from autogrid.store.candles import PG_EPOCH_MS, Values
from autogrid.store.coverage import Series

#: COPY BINARY: bytes before and behind the rows; of each row the number of fields, then each one's length and value.
_HEAD, _TAIL = 19, 2
_ROW = np.dtype(
    [("fields", ">i2"), ("n", ">i4"), ("ts", ">i8")]
    + [(f"{kind}{i}", form) for i in range(5) for kind, form in (("m", ">i4"), ("v", ">f8"))]
)
_COPY = sql.SQL(
    "COPY (SELECT ts, open, high, low, close, volume FROM candle WHERE market_id = {market} AND timeframe_s = {step} "
    "AND ts >= coalesce((SELECT max(ts) FROM candle WHERE market_id = {market} AND timeframe_s = {step} "
    "AND ts < {start}), {start}) AND ts < {end} ORDER BY ts) TO STDOUT (FORMAT BINARY)"
)


def window(connection: Connection, series: Series, start: int, end: int) -> tuple[NDArray[np.int64], Values]:
    """Stored candles of [start, end) ms and the one before them, if there is one, as `candles.read` gives them."""
    driver: Any = connection.connection.dbapi_connection
    query = _COPY.format(
        market=sql.Literal(coverage.market_id(connection, series)),
        step=sql.Literal(series.timeframe_s),
        start=sql.Literal(coverage.when(start)),
        end=sql.Literal(coverage.when(end)),
    )
    with driver.cursor() as cursor, cursor.copy(query) as copy:
        data = b"".join(bytes(block) for block in copy)
    rows = np.frombuffer(data[_HEAD:-_TAIL], _ROW)
    ts = rows["ts"].astype(np.int64) // 1000 + PG_EPOCH_MS
    return ts, tuple(rows[f"v{i}"].astype(np.float64) for i in range(5))

"""The last candles before a moment: what bots decide their grids on."""

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from autogrid.store import coverage
from autogrid.store.candles import Values
from autogrid.store.coverage import Series, when
from autogrid.store.tables import candle

_PARTS = ("open", "high", "low", "close", "volume")
_COLUMNS = (sa.cast(sa.extract("epoch", candle.c.ts) * 1000, sa.BigInteger), *(candle.c[name] for name in _PARTS))


def window(connection: Connection, series: Series, start: int, end: int) -> tuple[NDArray[np.int64], Values]:
    """Stored candles of [start, end) ms and the one before them, if there is one, as `candles.read` gives them."""
    mine = (
        candle.c.market_id == coverage.market_id(connection, series),
        candle.c.timeframe_s == series.timeframe_s,
    )
    before = sa.select(*_COLUMNS).where(*mine, candle.c.ts < when(start)).order_by(candle.c.ts.desc()).limit(1)
    inside = sa.select(*_COLUMNS).where(*mine, candle.c.ts >= when(start), candle.c.ts < when(end))
    rows = [*connection.execute(before), *connection.execute(inside.order_by(candle.c.ts))]
    ts = np.array([row[0] for row in rows], np.int64)
    return ts, tuple(np.array([row[k] for row in rows], np.float64) for k in range(1, 6))

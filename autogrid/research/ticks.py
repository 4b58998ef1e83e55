"""Candles in price ticks, once per candles and market, shared by every run on them."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from autogrid.core.market import Market
from autogrid.errors import InvalidInput
from autogrid.research.kernel_tree import Ints, build_tree

DAY_MS = 86_400_000
COLUMNS = ("open", "high", "low", "close")


@dataclass(frozen=True, eq=False)
class CandleTicks:
    """Consistent candles (low <= open, close <= high) in ticks; arrays of shape (candles,).

    Prices have four bytes where the highest fits, else eight.
    """

    #: Candle open times, milliseconds UTC.
    ts: npt.NDArray[np.int64]
    #: Candles and block extremes; see `kernel_tree.build_tree`.
    tree: Ints
    offset: npt.NDArray[np.int64]
    #: Index of the last candle of each UTC day.
    days: npt.NDArray[np.int64]
    #: No path through these candles is longer than this.
    travel: int

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def low(self) -> Ints:
        return self.tree[: len(self), 0]

    @property
    def high(self) -> Ints:
        return self.tree[: len(self), 1]

    @property
    def open(self) -> Ints:
        return self.tree[: len(self), 2]

    @property
    def close(self) -> Ints:
        return self.tree[: len(self), 3]


def to_ticks(prices: npt.NDArray[np.float64], market: Market) -> npt.NDArray[np.int64]:
    """Prices -> ticks exactly as `Market.price_ticks` rounds the shortest decimal that names each float.

    Floats are divided at once; the few that land near a tie are decided in decimal.
    """
    ratio = 1 / Fraction(market.tick)
    scaled = prices * float(ratio.numerator) / float(ratio.denominator)
    rounded = np.rint(scaled)
    unsure = 0.5 - np.abs(scaled - rounded) < scaled * 1e-14 + 1e-9
    ticks = rounded.astype(np.int64)
    for index in np.flatnonzero(unsure):
        ticks[index] = market.price_ticks(Decimal(repr(float(prices[index]))))
    return ticks


def candle_ticks(candles: pd.DataFrame, market: Market) -> CandleTicks:
    """`candles` (UTC DatetimeIndex, open high low close) made consistent and brought to ticks."""
    ts = _times(candles)
    missing = [name for name in COLUMNS if name not in candles.columns]
    if missing:
        raise InvalidInput(f"candles need the columns open, high, low, close; missing: {', '.join(missing)}")
    values = {name: candles[name].to_numpy(np.float64) for name in COLUMNS}
    for name, column in values.items():
        bad = np.flatnonzero(~(np.isfinite(column) & (column > 0)))
        if len(bad):
            raise InvalidInput(
                f"prices must be positive numbers, {name} was {column[bad[0]]} at {candles.index[bad[0]]}; "
                "import the candles again or drop that row"
            )
        if column.max() / float(market.tick) >= 2**52:
            raise InvalidInput(f"{name} {column.max()} is more than 2**52 ticks of {market.tick}; use a larger tick")
    open_, high, low, close = (to_ticks(values[name], market) for name in COLUMNS)
    high = np.maximum(high, np.maximum(open_, close))
    low = np.minimum(low, np.minimum(open_, close))
    if low.min() < 1:
        raise InvalidInput(f"every price must be at least one tick ({market.tick}); use a smaller tick")
    travel = 3 * int((high - low).sum()) + int(np.abs(open_[1:] - close[:-1]).sum())
    tree, offset = build_tree(open_, low, high, close)
    days = np.append(np.flatnonzero(np.diff(ts // DAY_MS)), len(ts) - 1).astype(np.int64)
    return CandleTicks(ts, tree, offset, days, travel)


def _times(candles: pd.DataFrame) -> npt.NDArray[np.int64]:
    index = candles.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise InvalidInput("candles need a UTC DatetimeIndex (candle open times); use ag.read_candles or tz_localize")
    if len(index) == 0:
        raise InvalidInput("candles are empty: at least one is needed; check the range asked for")
    ts: npt.NDArray[np.int64] = index.tz_convert("UTC").as_unit("ms").asi8
    backwards = np.flatnonzero(np.diff(ts) <= 0)
    if len(backwards):
        raise InvalidInput(
            f"candles must be in order without duplicates, row {backwards[0] + 1} ({index[backwards[0] + 1]}) "
            "is not after the one before; sort them and drop duplicates"
        )
    return ts

"""The strategy `atr`: a grid as wide as the market moves, made anew when that changes or the price has left."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from autogrid.core.decision import Decision, Keep, View
from autogrid.strategies.dynamic import Dynamic, around

if TYPE_CHECKING:
    import pandas as pd

#: A width is a fraction of the price with so many digits: a grid is the same on every machine.
_DIGITS = Decimal("0.0001")


@dataclass(frozen=True)
class AtrParams:
    """How the grid is made."""

    cells: int
    #: Half the grid's width in average true ranges of a candle.
    ranges: Decimal = Decimal(3)
    #: Candles over which the true range is averaged.
    length: int = 14
    #: How often it decides, and the candles whose range it is.
    every: str = "1d"
    #: The grid is made anew when the width has changed by more than this, a fraction.
    drift: Decimal = Decimal("0.5")
    spacing: str = "geometric"
    #: Share of the equity that is put into a new grid.
    share: Decimal = Decimal("0.999")


class Atr(Dynamic):
    """Average true range (Wilder 1978), as a plain mean of `length` candles."""

    Params = AtrParams
    params: AtrParams

    @property
    def cadence(self) -> str:
        return self.params.every

    @property
    def lookback(self) -> int:
        return self.params.length + 1

    def features(self, candles: "pd.DataFrame") -> "pd.DataFrame":
        """`close` and `atr`, the mean true range, in quote."""
        import numpy as np
        import pandas as pd

        # In numpy: pandas would take some milliseconds for the few candles of a decision.
        high, low, close = (candles[name].to_numpy(np.float64) for name in ("high", "low", "close"))
        atr, length = np.full(len(close), np.nan), self.params.length
        # The true range of the first candle is not known.
        ranges = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
        if len(ranges) >= length:
            atr[length:] = np.lib.stride_tricks.sliding_window_view(ranges, length).mean(axis=1)
        return pd.DataFrame({"close": close, "atr": atr}, index=candles.index)

    def decide(self, row: "pd.Series[Any]", view: View) -> Decision:
        """Where the price has left, or the width is no longer what the market does."""
        close = Decimal(repr(float(row["close"])))
        width = (Decimal(repr(float(row["atr"]))) * self.params.ranges / close).quantize(_DIGITS)
        width = min(max(width, _DIGITS), 1 - _DIGITS)
        grid = view.grid
        if grid is not None and grid.lower <= close <= grid.upper:
            now = (grid.upper - grid.lower) / (grid.upper + grid.lower)
            if abs(width - now) <= now * self.params.drift:
                return Keep()
        return around(view, width, self.params)

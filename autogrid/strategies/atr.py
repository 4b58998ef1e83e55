"""The strategy `atr`: a grid as wide as the market moves, made anew when that changes or the price has left."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from autogrid.core.decision import Decision, Keep, View
from autogrid.strategies.around import Around, AroundParams, Cells, Every, Share

if TYPE_CHECKING:
    import pandas as pd

#: A width is a fraction of the price with so many digits: a grid is the same on every machine.
_DIGITS = Decimal("0.0001")
#: Two years of minutes.
_MOST_CANDLES = 1_000_000


@dataclass(frozen=True)
class AtrParams(AroundParams):
    """How the grid is made."""

    cells: Cells
    #: Half the grid's width in average true ranges of a candle.
    ranges: Annotated[Decimal, Field(gt=0)] = Decimal(3)
    #: Candles over which the true range is averaged.
    length: Annotated[int, Field(ge=1, le=_MOST_CANDLES)] = 14
    every: Every = "1d"
    #: The grid is made anew when the width has changed by more than this, a fraction.
    drift: Annotated[Decimal, Field(ge=0)] = Decimal("0.5")
    spacing: str = "geometric"
    share: Share = Decimal("0.999")


class Atr(Around):
    """Average true range (Wilder 1978), as a plain mean of `length` candles."""

    Params = AtrParams
    params: AtrParams

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
        return self.params.grid(view, width)

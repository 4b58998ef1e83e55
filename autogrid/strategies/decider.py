"""When a strategy decides, and on which candles: the same in backtests, replays, paper and live."""

import numpy as np
import pandas as pd

from autogrid.core.decision import Decision, Keep, Stop, View
from autogrid.core.grid import Grid
from autogrid.errors import InvalidInput, shortened
from autogrid.strategies.dynamic import Dynamic, cadence_ms

#: How a candle of the cadence is made of shorter ones.
_PARTS = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
#: What a strategy's own mistakes raise. Anything else is not a strategy's doing.
_MISTAKES = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)


def resampled(candles: pd.DataFrame, length_ms: int) -> pd.DataFrame:
    """Candles of `length_ms`, indexed by their open; without those in which nothing traded."""
    kept = {name: how for name, how in _PARTS.items() if name in candles.columns}
    made = candles.groupby(pd.DatetimeIndex(candles.index).floor(f"{length_ms}ms")).agg(kept)
    made.index.name = "ts"
    made.attrs = {}  # copied deep by every operation
    return made


def decided(strategy: Dynamic, window: pd.DataFrame, view: View) -> Decision:
    """What the strategy decides on exactly its lookback of closed candles. InvalidInput where it fails."""
    name = type(strategy).__name__
    try:
        decision = strategy.decide(strategy.features(window).iloc[-1], view)
    except InvalidInput:
        raise
    except _MISTAKES as error:
        raise InvalidInput(f"strategy {name} failed to decide: {type(error).__name__}: {error}") from error
    if not isinstance(decision, Grid | Keep | Stop):
        raise InvalidInput(f"strategy {name} must decide a Grid, Keep() or Stop(), was {shortened(decision)}")
    return decision


class FrameDecider:
    """Decisions along one frame of candles."""

    def __init__(self, strategy: Dynamic, candles: pd.DataFrame) -> None:
        self.strategy, self.length_ms = strategy, cadence_ms(strategy)
        made = resampled(candles, self.length_ms)
        if len(made) and candles.index[0] != made.index[0]:
            made = made.iloc[1:]  # it began before the candles did
        self._made = made
        self._opens = _ms(made.index)

    @property
    def made(self) -> pd.DataFrame:
        """All candles of the cadence; the last may not be whole."""
        return self._made

    def window(self, at_ms: int) -> pd.DataFrame | None:
        """The lookback of candles closed at the boundary `at_ms`; None where one is missing."""
        end = int(np.searchsorted(self._opens, at_ms))
        first = end - self.strategy.lookback
        if first < 0 or self._opens[first] != at_ms - self.strategy.lookback * self.length_ms:
            return None
        return self._made.iloc[first:end]

    def moments(self, ts_ms: "list[int] | np.ndarray[tuple[int], np.dtype[np.int64]]") -> "list[tuple[int, int]]":
        """(index of the candle, boundary) of every candle of `ts_ms` at whose open there is something to decide."""
        opens = np.asarray(ts_ms, np.int64)
        boundaries = opens - opens % self.length_ms
        first = np.flatnonzero(np.diff(boundaries, prepend=boundaries[:1] - 1) > 0)
        found = [(int(t), int(boundaries[t])) for t in first]
        return [(t, at) for t, at in found if self.window(at) is not None]

    def decide(self, at_ms: int, view: View) -> Decision | None:
        """The decision at a boundary; None where candles are missing."""
        window = self.window(at_ms)
        return None if window is None else decided(self.strategy, window, view)


def _ms(index: pd.Index) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return pd.DatetimeIndex(index).as_unit("ms").asi8

"""Strategies that decide their grid anew as candles close.

One decides at most once per candle of its `cadence`, at the first trade after that candle's end, and is shown exactly
the `lookback` candles that have closed by then: there is no future it could look at. Backtests, replays, paper and live
bots show it the same candles, so that it decides the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from autogrid.core.decision import Decision, View
from autogrid.data.timeframe import parse_timeframe
from autogrid.errors import InvalidInput, shortened
from autogrid.strategies.params import read

if TYPE_CHECKING:
    import pandas as pd


_DAY_MS = 86_400_000
_LONGEST_MS = 100 * 366 * _DAY_MS


@dataclass(frozen=True)
class NoParams:
    """A strategy without parameters."""


class Dynamic(ABC):
    """Subclasses say `Params`, `cadence` and `lookback`, compute `features` and `decide`."""

    #: A frozen dataclass: a study's [strategy.params], validated by the annotations of its fields.
    Params: ClassVar[type] = NoParams
    params: Any

    def __init__(self, params: Mapping[str, Any]) -> None:
        """InvalidInput for parameters that do not fit, and where cadence or lookback can never work."""
        self.params = read(self.Params, params)
        _check(self)

    @property
    @abstractmethod
    def cadence(self) -> str:
        """How often it decides: a timeframe such as "1h" or "1d", which is also that of the candles it is shown."""

    @property
    @abstractmethod
    def lookback(self) -> int:
        """How many closed candles it needs. It decides nothing while one of them is missing."""

    @property
    def label(self) -> str:
        """The strategy in a few words."""
        said = ", ".join(f"{each.name} {getattr(self.params, each.name)}" for each in fields(self.params))
        return f"{type(self).__name__.lower()}{': ' if said else ''}{said}"

    def features(self, candles: "pd.DataFrame") -> "pd.DataFrame":
        """What it decides by, one row per candle, each from this candle and those before it alone.

        candles: as in `backtest`, of the cadence; (lookback, 5) when it decides, any length in a notebook.
        """
        return candles

    @abstractmethod
    def decide(self, row: "pd.Series[Any]", view: View) -> Decision:
        """A grid to be worked from now on, Keep or Stop; by the last row of `features` and the bot as it is now.

        Must be a pure function: it is asked again by backtests, replays, and after a crash. InvalidInput, and a grid
        that cannot work, leave everything as it is, with the reason in the bot's events.
        """


def cadence_ms(strategy: Dynamic) -> int:
    """Milliseconds between two decisions. InvalidInput for a cadence that does not divide a day."""
    return timeframe_ms("cadence", strategy.cadence)


def timeframe_ms(name: str, text: str) -> int:
    """Milliseconds of a timeframe that divides a day; else InvalidInput that calls it `name`."""
    try:
        length = parse_timeframe(text) * 1000
    except (InvalidInput, TypeError):
        length = _DAY_MS + 1
    if _DAY_MS % length:
        raise InvalidInput(f"{name} must divide a day, such as 15m, 4h or 1d, was {shortened(text)}")
    return length


def _check(strategy: Dynamic) -> None:
    """InvalidInput for a strategy that could never decide."""
    length, lookback = cadence_ms(strategy), strategy.lookback
    if isinstance(lookback, bool) or not isinstance(lookback, int) or lookback < 1:
        raise InvalidInput(f"lookback must be a whole number of candles from 1 on, was {shortened(lookback)}")
    if lookback * length > _LONGEST_MS:
        said = f"{shortened(lookback)} of {strategy.cadence}"
        raise InvalidInput(f"lookback must span at most a hundred years of candles, was {said}")

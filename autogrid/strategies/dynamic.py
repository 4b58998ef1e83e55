"""Strategies that decide their grid anew as candles close.

One decides at most once per candle of its `cadence`, at the first trade after that candle's end, and is shown exactly
the `lookback` candles that have closed by then: there is no future it could look at. Backtests, replays, paper and live
bots show it the same candles, so that it decides the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from autogrid.core.decision import Decision, View
from autogrid.core.grid import Grid
from autogrid.core.study import check_keys
from autogrid.data.timeframe import parse_timeframe
from autogrid.errors import InvalidInput, shortened

if TYPE_CHECKING:
    import pandas as pd


_DAY_MS = 86_400_000


@dataclass(frozen=True)
class NoParams:
    """A strategy without parameters."""


class Dynamic(ABC):
    """Subclasses say `Params`, `cadence` and `lookback`, compute `features` and `decide`."""

    #: A frozen dataclass: a study's [strategy.params], validated by the types of its fields.
    Params: ClassVar[type] = NoParams
    params: Any

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = _read(self.Params, params)

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


def around(view: View, width: Decimal, params: Any) -> Grid:
    """A grid of `params` with its ends `width` (a fraction) from the price, worth a share of the equity."""
    if not 0 < width < 1 or not 0 < params.share <= 1:
        raise InvalidInput(f"width must be between 0 and 1 and share at most 1, were {width} and {params.share}")
    return Grid(
        lower=view.price * (1 - width),
        upper=view.price * (1 + width),
        cells=params.cells,
        spacing=params.spacing,
        investment=view.equity * params.share,
    )


def cadence_ms(strategy: Dynamic) -> int:
    """Milliseconds between two decisions. InvalidInput for a cadence that does not divide a day."""
    length = parse_timeframe(strategy.cadence) * 1000
    if _DAY_MS % length:
        raise InvalidInput(f"cadence must divide a day, such as 15m, 4h or 1d, was {strategy.cadence}")
    return length


def _read(kind: type, params: Mapping[str, Any]) -> Any:
    """The parameters as `kind`; InvalidInput names the first that does not fit."""
    from pydantic import TypeAdapter, ValidationError

    check_keys("[strategy.params]", params, tuple(each.name for each in fields(kind)))
    try:
        return TypeAdapter(kind).validate_python(dict(params))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(
            f"[strategy.params] {where}: {first['msg'].lower()}, was {shortened(first.get('input'))}"
        ) from None

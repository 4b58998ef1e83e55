"""What a run leaves behind."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autogrid.core.ledger import Ledger
from autogrid.core.market import Market
from autogrid.core.plan import Plan
from autogrid.research.ticks import CandleTicks


@dataclass(frozen=True, eq=False)
class FillLog:
    """Fills in order of happening; arrays of shape (fills,)."""

    #: Index of the candle it happened in.
    candle: npt.NDArray[np.int64]
    #: 0 start, 1 grid, 2 stop, 3 regrid.
    kind: npt.NDArray[np.int64]
    #: The cell that turned, -1 for all other orders.
    cell: npt.NDArray[np.int64]
    #: +1 buy, -1 sell.
    side: npt.NDArray[np.int64]
    #: Ticks.
    price: npt.NDArray[np.int64]
    #: Lots, gross-up included.
    lots: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.candle)


class Decided(NamedTuple):
    """A decision of a strategy, but for those to keep everything."""

    #: Index of the candle at whose open it was carried out, and that candle's time.
    candle: int
    ts_ms: int
    #: "grid", "stop" or "refused".
    what: str
    #: Of a grid.
    plan: Plan | None = None
    #: Why it was refused.
    reason: str | None = None


def why_no_grid(decisions: tuple[Decided, ...]) -> str:
    """Why a strategy never worked a grid."""
    if not decisions:
        return (
            "no grid was ever decided: there must be candles of the strategy's cadence or shorter, without gaps over "
            "its lookback"
        )
    last = decisions[-1]
    return f"no grid was ever worked, the last decision was {last.what}" + (f": {last.reason}" if last.reason else "")


@dataclass(frozen=True, eq=False)
class Run:
    """One finished backtest, in exact terms where the contract is exact."""

    #: Of the last grid, where a strategy decides them; one without cells if it never decided any.
    plan: Plan
    market: Market
    ticks: CandleTicks
    fills: FillLog
    ledger: Ledger
    #: Worst and best final equity over both orders of extremes in every candle. Where a strategy decides the grids:
    #: over the three path rules. Its decisions depend on the path, so that this is a range of examples and no bound.
    bounds: tuple[Decimal, Decimal]
    metrics: dict[str, float]
    #: "stop_loss", "take_profit" or "strategy" if the bot ended by a stop.
    stopped: str | None
    #: False if a trigger price was never reached, or no grid was decided.
    started: bool
    #: Moves of a trailing grid: candle, number of the lowest cell after it; shape (moves, 2).
    moves: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    decisions: tuple[Decided, ...] = ()
    #: What decided the grids, in a few words; None where one grid was given.
    strategy: str | None = None

    @property
    def label(self) -> str:
        """What was worked, in a few words."""
        return self.plan.grid.label if self.strategy is None else self.strategy

    @property
    def first_plan(self) -> Plan:
        """The first grid's; the start of what is compared with holding."""
        return next((each.plan for each in self.decisions if each.plan is not None), self.plan)

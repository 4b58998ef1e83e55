"""What a run leaves behind."""

from dataclasses import dataclass, field
from decimal import Decimal

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
    #: 0 start, 1 grid, 2 stop.
    kind: npt.NDArray[np.int64]
    #: The cell that turned, -1 for start and stop.
    cell: npt.NDArray[np.int64]
    #: +1 buy, -1 sell.
    side: npt.NDArray[np.int64]
    #: Ticks.
    price: npt.NDArray[np.int64]
    #: Lots, gross-up included.
    lots: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.candle)


@dataclass(frozen=True, eq=False)
class Run:
    """One finished backtest, in exact terms where the contract is exact."""

    plan: Plan
    market: Market
    ticks: CandleTicks
    fills: FillLog
    ledger: Ledger
    #: Worst and best final equity over both orders of extremes in every candle.
    bounds: tuple[Decimal, Decimal]
    metrics: dict[str, float]
    #: "stop_loss" or "take_profit" if the bot ended by a stop.
    stopped: str | None
    #: False if a trigger price was never reached.
    started: bool
    #: Moves of a trailing grid: candle, number of the lowest cell after it; shape (moves, 2).
    moves: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))

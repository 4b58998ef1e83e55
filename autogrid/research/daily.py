"""Daily returns out of a fill log: the kernel keeps only their sums."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID
from autogrid.research.runlog import FillLog
from autogrid.research.ticks import CandleTicks

Floats = npt.NDArray[np.float64]
MICRO = 1_000_000


def daily_returns(fills: FillLog, cash: int, ticks: CandleTicks, market: Market) -> Floats:
    """Relative change of equity from one day's last close (UTC) to the next; the first day's from the starting cash.

    fills: complete, in order of happening; cash: atoms to begin with. Shape (days,). The Sharpe ratio of these is
    `sharpe` of the metrics over sqrt(365).
    """
    size = len(ticks.days)
    day = np.searchsorted(ticks.days, fills.candle)
    ppm = np.where(fills.kind == GRID, market.maker_ppm, market.taker_ppm)
    in_base = (fills.side == BUY) & market.fee_in_base
    notional = fills.price * fills.lots
    quote_fee = np.where(in_base, 0, (notional * ppm + MICRO // 2) // MICRO)
    base_fee = np.where(in_base, fills.lots * ppm, 0)
    # Sums of integers: exact in any order, like the kernel's.
    paid, got = np.zeros(size, np.int64), np.zeros(size, np.int64)
    np.add.at(paid, day, fills.side * notional + quote_fee)
    np.add.at(got, day, fills.side * fills.lots * MICRO - base_fee)
    equity = (cash - paid.cumsum()) + got.cumsum() / MICRO * ticks.close[ticks.days]
    return np.asarray(np.diff(equity, prepend=float(cash)) / np.append(float(cash), equity[:-1]), dtype=np.float64)


def day_index(ticks: CandleTicks) -> pd.DatetimeIndex:
    """The days (UTC midnight) of `daily_returns`."""
    return pd.DatetimeIndex(pd.to_datetime(ticks.ts[ticks.days], unit="ms", utc=True).floor("D"), name="day")

"""A run's fills as a `vectorbt.Portfolio`: all of vectorbt's analytics on exactly our fills."""

from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
from vectorbt.portfolio.enums import order_dt

from autogrid.core.orders import BUY, GRID
from autogrid.research.runlog import Run

MICRO = 1_000_000


def portfolio(run: Run, index: pd.Index) -> Any:
    """Order records one to one from the fills, nothing simulated again.

    A fee taken from bought base becomes a smaller size and a fee of its value at the fill price, which leaves cash
    and base as they are in our ledger.
    """
    log, market = run.fills, run.market
    tick, lot = float(market.tick), float(market.lot)
    ppm = np.where(log.kind == GRID, market.maker_ppm, market.taker_ppm)
    in_base = (log.side == BUY) & market.fee_in_base
    notional = log.price * log.lots
    quote_fee = (notional * ppm + MICRO // 2) // MICRO
    records = np.zeros(len(log), dtype=order_dt)
    records["id"] = np.arange(len(log))
    records["idx"] = log.candle
    records["size"] = log.lots * lot * np.where(in_base, 1 - ppm / MICRO, 1.0)
    records["price"] = log.price * tick
    records["fees"] = np.where(in_base, notional * (ppm / MICRO), quote_fee) * (tick * lot)
    records["side"] = np.where(log.side == BUY, 0, 1)
    step = pd.Timedelta(int(np.median(np.diff(run.ticks.ts))) if len(index) > 1 else 60_000, unit="ms")
    wrapper = vbt.ArrayWrapper(index=index, columns=pd.Index(["grid"]), ndim=1, freq=step)
    return vbt.Portfolio(
        wrapper,
        pd.Series(run.ticks.close * tick, index=index, name="grid"),
        records,
        np.array([], dtype=vbt.portfolio.enums.log_dt),
        float(run.ledger.equity_start),
        False,
    )

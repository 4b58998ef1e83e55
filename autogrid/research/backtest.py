"""One grid on one set of candles."""

from decimal import Decimal

import pandas as pd

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.plan import Plan, plan
from autogrid.errors import InvalidInput
from autogrid.research.metrics import candle_facts, metrics
from autogrid.research.result import Result
from autogrid.research.runlog import Run
from autogrid.research.simulate import bounds, fill_log, ledger, prepare, simulate
from autogrid.research.ticks import CandleTicks, candle_ticks

#: Room for this many fills before the kernel runs a second time.
LOG_SIZE = 16_384


def backtest(
    grid: Grid,
    candles: pd.DataFrame,
    market: Market,
    *,
    cash: Decimal | str | None = None,
    path: str = "nearest",
    penetration_ticks: int = 1,
    slippage_ticks: int = 0,
) -> Result:
    """Work `grid` on `candles` and return everything that happened.

    candles: UTC DatetimeIndex of candle opens; open, high, low, close (floats, made consistent first).
    cash: quote to begin with; the grid's investment by default, else exactly what its orders need.
    path: order of a candle's extremes: "nearest" (the one nearer to the open first), "low_first", "high_first".
    penetration_ticks: a resting order fills when the price trades this far through it.
    slippage_ticks: what taker orders (start, stop) lose.

    Raises InvalidInput, before anything runs, for a grid that cannot work on this market.
    """
    ticks = candle_ticks(candles, market)
    check_ticks(penetration_ticks, slippage_ticks)
    job = prepare(plan_for(grid, market, ticks, cash, slippage_ticks), ticks, path, penetration_ticks, slippage_ticks)
    outcome = simulate(job, ticks, LOG_SIZE)
    facts = candle_facts(ticks)
    books = ledger(outcome, facts.close)
    run = Run(
        plan=job.plan,
        market=market,
        ticks=ticks,
        fills=fill_log(outcome),
        ledger=books,
        bounds=bounds(job, ticks),
        metrics=metrics(outcome, books, ticks, facts),
        stopped=outcome.stopped,
        started=outcome.started,
        moves=outcome.moves,
    )
    return Result(run, candles)


def plan_for(grid: Grid, market: Market, ticks: CandleTicks, cash: Decimal | str | None, slippage_ticks: int) -> Plan:
    """The plan at the trigger price, or at the first candle's open where there is none."""
    start = int(ticks.open[0]) if grid.trigger is None else market.price_ticks(grid.trigger)
    return plan(grid, market, start, cash=cash, slippage_ticks=slippage_ticks)


def check_ticks(penetration_ticks: int, slippage_ticks: int) -> None:
    """Both are whole numbers of ticks, not negative."""
    for name, value in (("penetration_ticks", penetration_ticks), ("slippage_ticks", slippage_ticks)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise InvalidInput(f"{name} must be a whole number of ticks from 0 on, was {value!r}")

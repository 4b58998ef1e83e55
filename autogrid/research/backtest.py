"""One grid, or one strategy, on one set of candles."""

from dataclasses import replace
from decimal import Decimal

import pandas as pd

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.plan import Plan, plan
from autogrid.errors import InvalidInput
from autogrid.research.dynamic import Setting, needed_cash, path_range, simulate_decided
from autogrid.research.metrics import candle_facts, metrics
from autogrid.research.result import Result
from autogrid.research.runlog import Run
from autogrid.research.simulate import Outcome, bounds, fill_log, ledger, prepare, simulate
from autogrid.research.ticks import CandleTicks, candle_ticks
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.dynamic import Dynamic

#: Room for this many fills before the kernel runs a second time.
LOG_SIZE = 16_384


def backtest(
    grid: Grid | Dynamic,
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
    grid: one grid, or a strategy that decides its grids as candles close (contract, section 10).
    cash: quote to begin with; the grid's investment by default, else exactly what its orders need. A strategy needs it.
    path: order of a candle's extremes: "nearest" (the one nearer to the open first), "low_first", "high_first".
    penetration_ticks: a resting order fills when the price trades this far through it.
    slippage_ticks: what taker orders (start, stop, regrid) lose.

    Raises InvalidInput, before anything runs, for a grid that cannot work on this market. One that a strategy decides
    is refused, with the reason in `Result.decisions`; `Result.bounds` is then the range over the three path rules, not
    a bound.
    """
    ticks = candle_ticks(candles, market)
    check_ticks(penetration_ticks, slippage_ticks)
    if isinstance(grid, Dynamic):
        decider = FrameDecider(grid, candles)
        setting = Setting(decider, ticks, market, needed_cash(cash), path, penetration_ticks, slippage_ticks)
        return Result(_decided(setting), candles)
    job = prepare(plan_for(grid, market, ticks, cash, slippage_ticks), ticks, path, penetration_ticks, slippage_ticks)
    return Result(_run(simulate(job, ticks, LOG_SIZE), ticks, bounds(job, ticks)), candles)


def _decided(setting: Setting) -> Run:
    outcome = simulate_decided(setting, LOG_SIZE)
    found = _run(outcome, setting.ticks, path_range(setting, outcome))
    return replace(found, decisions=outcome.decisions, strategy=setting.decider.strategy.label)


def _run(outcome: Outcome, ticks: CandleTicks, band: tuple[Decimal, Decimal]) -> Run:
    facts = candle_facts(ticks)
    books = ledger(outcome, facts.close)
    return Run(
        plan=outcome.job.plan,
        market=outcome.job.plan.market,
        ticks=ticks,
        fills=fill_log(outcome),
        ledger=books,
        bounds=band,
        metrics=metrics(outcome, books, ticks, facts),
        stopped=outcome.stopped,
        started=outcome.started,
        moves=outcome.moves,
    )


def plan_for(grid: Grid, market: Market, ticks: CandleTicks, cash: Decimal | str | None, slippage_ticks: int) -> Plan:
    """The plan at the trigger price, or at the first candle's open where there is none."""
    start = int(ticks.open[0]) if grid.trigger is None else market.price_ticks(grid.trigger)
    return plan(grid, market, start, cash=cash, slippage_ticks=slippage_ticks)


def check_ticks(penetration_ticks: int, slippage_ticks: int) -> None:
    """Both are whole numbers of ticks, not negative."""
    for name, value in (("penetration_ticks", penetration_ticks), ("slippage_ticks", slippage_ticks)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise InvalidInput(f"{name} must be a whole number of ticks from 0 on, was {value!r}")

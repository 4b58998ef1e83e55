"""Figures of one run: floats for judging and comparing, never for booking."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autogrid.core.ledger import Ledger
from autogrid.core.plan import Plan
from autogrid.research import kernel as k
from autogrid.research.simulate import Outcome
from autogrid.research.ticks import DAY_MS, CandleTicks

#: Crypto trades every day: Sharpe and Sortino of daily closes (UTC) are scaled by sqrt(365).
DAYS_PER_YEAR = 365


@dataclass(frozen=True)
class CandleFacts:
    """What depends on the candles alone."""

    median_range: float
    close: int
    span_days: float


def candle_facts(ticks: CandleTicks) -> CandleFacts:
    """Median high - low in ticks, last close in ticks, days from the first open to the last candle's open."""
    return CandleFacts(
        median_range=float(np.median(ticks.high - ticks.low)),
        close=int(ticks.close[-1]),
        span_days=float(ticks.ts[-1] - ticks.ts[0]) / DAY_MS,
    )


def metrics(outcome: Outcome, books: Ledger, ticks: CandleTicks, facts: CandleFacts) -> dict[str, float]:
    """All figures of a sweep row. Ratios are fractions (0.01 = 1 %), money is in quote.

    total_return, hold_return (all cash into base at the start price, taker fee paid), vs_hold = the difference,
    max_drawdown (largest relative fall of equity marked at candle closes), sharpe and sortino (daily closes,
    mean / standard deviation (ddof 1) or downside deviation against 0, times sqrt(365); 0 where undefined),
    round_trips, grid_profit (realised), inventory_profit (unrealised), fees (fees in base valued at the fill
    price), turnover (quote traded), time_in_range (share of closes within the grid's ends while it worked),
    capital_use (mean cost of held cells / starting cash), step_to_range (median step / median candle range, the least
    where a strategy decided several grids), candles, days, fills.
    """
    plan, stats = outcome.job.plan, outcome.stats
    start = float(books.equity_start)
    total = float(books.equity) / start - 1.0
    hold = _hold_return(plan, facts.close) if outcome.started else 0.0
    sharpe, sortino = _daily_ratios(stats)
    atom = float(plan.market.atom)
    return {
        "total_return": total,
        "hold_return": hold,
        "vs_hold": total - hold,
        "max_drawdown": float(stats[k.S_DRAWDOWN]),
        "sharpe": sharpe,
        "sortino": sortino,
        "round_trips": books.round_trips,
        "grid_profit": float(books.realised),
        "inventory_profit": float(books.unrealised),
        "fees": float(stats[k.S_FEE_VALUE]) * atom,
        "turnover": float(stats[k.S_TURNOVER]) * atom,
        "time_in_range": float(stats[k.S_IN_RANGE]),
        "capital_use": float(stats[k.S_CAPITAL]) / len(ticks) / plan.cash,
        "step_to_range": min(step_to_range(each, facts.median_range) for each in outcome.plans),
        "candles": len(ticks),
        "days": facts.span_days,
        "fills": books.fills,
    }


def step_to_range(plan: Plan, median_range: float) -> float:
    """Median distance of neighbouring levels over the median candle range; inf where there is no level or no range."""
    if not plan.n:
        return math.inf
    steps = sorted(b - a for a, b in zip(plan.levels, plan.levels[1:], strict=False))
    middle = len(steps) // 2
    median = steps[middle] if len(steps) % 2 else (steps[middle - 1] + steps[middle]) / 2
    return median / median_range if median_range else math.inf


def _hold_return(plan: Plan, close: int) -> float:
    fee = plan.market.taker_ppm / k.MICRO
    kept = 1 - fee if plan.market.fee_in_base else 1 / (1 + fee)
    return close / plan.start_fill * kept - 1.0


def _daily_ratios(stats: npt.NDArray[np.float64]) -> tuple[float, float]:
    days = int(stats[k.S_DAYS])
    if days < 2:
        return 0.0, 0.0
    mean = float(stats[k.S_SUM]) / days
    variance = (float(stats[k.S_SQUARES]) - days * mean * mean) / (days - 1)
    downside = math.sqrt(float(stats[k.S_DOWNSIDE]) / days)
    scale = math.sqrt(DAYS_PER_YEAR)
    sharpe = mean / math.sqrt(variance) * scale if variance > 1e-24 else 0.0
    return sharpe, mean / downside * scale if downside > 1e-12 else 0.0

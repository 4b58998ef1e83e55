"""Levels for the kernel of trailing grids: all that candles can reach. And which there were, of any grids that move."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from autogrid.core.orders import MAX_CELL, MIN_CELL, STOP
from autogrid.core.plan import Plan
from autogrid.core.trailing import ruler
from autogrid.research import kernel_trail as k
from autogrid.research.kernel import FAR
from autogrid.research.runlog import Run

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trail:
    """See `kernel_trail`."""

    window: Ints
    wide: Ints
    stops: Ints
    more: Ints


def trail_of(plan: Plan, low: int, high: int, penetration: int) -> Trail | None:
    """The tables of a plan for candles between `low` and `high` ticks; None for a grid that stays."""
    grid, market, n = plan.grid, plan.market, plan.n
    if grid.trailing is None:
        return None
    below = _below(plan, low + penetration) if grid.trails_down else []
    above = _above(plan, high - penetration) if grid.trails_up else []
    wide = [*reversed(below), *plan.levels, *above]
    origin = len(below)
    stops = [_stops(plan, at - origin) for at in range(len(wide) - n)]
    window = np.zeros((4, n + 1), np.int64)
    window[k.LEVEL], window[k.LOTS, :n], window[k.GROSS, :n] = plan.levels, plan.lots, plan.gross
    more = np.zeros(k.T_SIZE, np.int64)
    more[k.T_UP], more[k.T_DOWN], more[k.T_ORIGIN] = grid.trails_up, grid.trails_down, origin
    more[k.T_LEAST] = market.min_notional_atoms
    more[k.T_MAX_LOTS] = min(FAR, FAR if market.max_lots is None else market.max_lots)
    worth = market.max_notional_atoms
    more[k.T_MAX_WORTH] = min(FAR, FAR if worth is None else worth)
    more[k.T_QUOTE] = 0 if grid.quote is None else market.atoms(grid.quote)
    return Trail(window, np.array(wide, np.int64), np.array(stops, np.int64), more)


def level_spans(run: Run, most: int) -> list[tuple[Decimal, int, int]]:
    """(price, first candle, last candle) for stretches in which a grid had a level, `most` of them at most."""
    if run.strategy is not None:
        return _decided_spans(run, most)
    n, offset, since = run.plan.n, 0, dict.fromkeys(range(run.plan.n + 1), 0)
    found = []
    for candle, moved in run.moves.tolist():
        dropped, added = (offset, moved + n) if moved > offset else (offset + n, moved)
        found.append((dropped, since.pop(dropped), candle))
        since[added], offset = candle, moved
    found = sorted([*found, *((level, first, len(run.ticks) - 1) for level, first in since.items())])
    formula = ruler(run.plan.grid, run.market)
    some = found[:: -(-len(found) // most)]
    return [(run.market.price(formula.level(level)), first, last) for level, first, last in some]


def _decided_spans(run: Run, most: int) -> list[tuple[Decimal, int, int]]:
    """Of a strategy's grids, each until the next one, and the last until it stopped."""
    began = [(each.candle, each.plan) for each in run.decisions if each.plan is not None]
    stops = [each.candle for each in run.decisions if each.what == "stop"]
    stops += run.fills.candle[run.fills.kind == STOP].tolist()
    ends = [candle for candle, _ in began[1:]] + [min(stops, default=len(run.ticks) - 1)]
    spans = [(x, a, b) for (a, plan), b in zip(began, ends, strict=False) for x in plan.levels]
    return [(run.market.price(level), first, last) for level, first, last in spans[:: -(-len(spans) // most) or 1]]


def _above(plan: Plan, most: int) -> list[int]:
    """Levels above the grid, rising, up to `most` ticks."""
    found, formula, last = [], ruler(plan.grid, plan.market), plan.levels[-1]
    for i in range(plan.n + 1, MAX_CELL + 2):
        level = formula.level(i)
        if not last < level <= most:
            break
        found.append(last := level)
    return found


def _below(plan: Plan, least: int) -> list[int]:
    """Levels below the grid, falling, down to `least` ticks, and no further than the stop loss stays a price."""
    found, formula, last = [], ruler(plan.grid, plan.market), plan.levels[0]
    for i in range(-1, MIN_CELL - 1, -1):
        level = formula.level(i)
        if not max(least, 1) <= level < last or 0 <= _stops(plan, i)[0] < 1:
            break
        found.append(last := level)
    return found


def _stops(plan: Plan, by: int) -> tuple[int, int]:
    """Stop loss and take profit when the grid has moved by so many levels."""
    grid, loss, profit = plan.grid, plan.stop_loss, plan.take_profit
    if not grid.stop_fixed and by:
        formula = ruler(grid, plan.market)
        loss, profit = (None if x is None else formula.moved(x, by) for x in (grid.stop_loss, grid.take_profit))
        loss = None if loss is None else max(loss, 0)
    return -1 if loss is None else loss, FAR if profit is None else profit

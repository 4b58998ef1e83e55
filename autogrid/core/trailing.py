"""A grid that follows the price: its plan one level higher or lower (contract, section 9).

A grid does not move where the new cell could not work: no price, number or amount that can be an order, or no profit.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from autogrid.core.grid import Grid
from autogrid.core.ledger import Exact
from autogrid.core.levels import Ruler
from autogrid.core.market import Market, gross_lots
from autogrid.core.orders import MAX_CELL, MIN_CELL
from autogrid.core.plan import Plan
from autogrid.core.sizing import buy_cost, cell_earns


@dataclass(frozen=True)
class Trailing:
    """By what rules a grid moves."""

    #: How far beyond the next level the price must trade.
    penetration: int = 1
    #: Whose least notional and largest orders new cells obey; None: the plan's own.
    market: Market | None = None


DEFAULT = Trailing()


def raised(plan: Plan, cash: Exact, rules: Trailing) -> tuple[int, Plan] | None:
    """The price from which on a grid in quote moves one level up, and its plan then; None where it does not.

    All cells must wait to buy; `cash` must pay for all of them after the move.
    """
    if not plan.grid.trails_up or plan.offset + plan.n > MAX_CELL:
        return None
    top, new = plan.levels[-1], ruler(plan.grid, plan.market).level(plan.offset + plan.n + 1)
    lots = next_lots(plan, top)
    gross = gross_of(plan.market, lots)
    if not fits(rules.market or plan.market, top, new, lots, gross):
        return None
    all_lots, levels = (*plan.lots[1:], lots), (*plan.levels[1:], new)
    market = plan.market
    if sum(buy_cost(market, *each, market.maker_ppm) for each in zip(levels[:-1], all_lots, strict=True)) > cash:
        return None
    moved = replace(plan, levels=levels, lots=all_lots, gross=(*plan.gross[1:], gross), offset=plan.offset + 1)
    return new + rules.penetration, with_stops(moved)


def lowered(plan: Plan, rules: Trailing) -> tuple[int, Plan] | None:
    """The price from which on a grid in base moves one level down, and its plan then; None where it does not.

    All cells must hold base. The new cell has the amount of the dropped one, whose base it takes over.
    """
    if not plan.grid.trails_down or plan.offset - 1 < MIN_CELL:
        return None
    new, bottom = ruler(plan.grid, plan.market).level(plan.offset - 1), plan.levels[0]
    lots, gross = plan.lots[-1], plan.gross[-1]
    if new - rules.penetration < 1 or not fits(rules.market or plan.market, new, bottom, lots, gross):
        return None
    moved = replace(
        plan,
        levels=(new, *plan.levels[:-1]),
        lots=(lots, *plan.lots[:-1]),
        gross=(gross, *plan.gross[:-1]),
        offset=plan.offset - 1,
    )
    moved = with_stops(moved)
    if moved.stop_loss is not None and moved.stop_loss < 1:
        return None
    return new - rules.penetration, moved


def most_lots(plan: Plan, low: int) -> int:
    """No cell gets more lots than this while the price does not fall below `low` ticks."""
    if plan.grid.quote is None or plan.grid.trailing != "both":
        return max(plan.lots)
    # Up after it went down: a new cell's level is above the lowest that was reached.
    return max(*plan.lots, plan.market.atoms(plan.grid.quote) // min(low, plan.levels[0]))


@lru_cache(maxsize=256)
def ruler(grid: Grid, market: Market) -> Ruler:
    """The formula of a grid's levels."""
    return Ruler(grid.lower, grid.upper, grid.cells, grid.spacing, market.tick)


def next_lots(plan: Plan, level: int) -> int:
    """Lots of a cell that is added on top, to buy at `level`: as many as all others, or what `quote` pays for."""
    if plan.grid.quote is None:
        return plan.lots[0]
    return plan.market.atoms(plan.grid.quote) // level


def gross_of(market: Market, lots: int) -> int:
    """What a cell's buy buys so that `lots` arrive."""
    return gross_lots(lots, market.maker_ppm) if market.fee_in_base else lots


def fits(market: Market, low: int, high: int, lots: int, gross: int) -> bool:
    """Whether a cell between these levels can be worked: a whole order, not too large a one, and it earns."""
    most, worth = market.max_lots, market.max_notional_atoms
    return (
        0 < low < high
        and lots >= 1
        and low * lots >= market.min_notional_atoms
        and (most is None or gross <= most)
        and (worth is None or gross * high <= worth)
        and cell_earns(market, low, high, lots)
    )


def with_stops(plan: Plan) -> Plan:
    """The plan with its stops moved as far as its levels, unless they are fixed."""
    grid = plan.grid
    if grid.stop_fixed or (grid.stop_loss is None and grid.take_profit is None):
        return plan
    formula = ruler(grid, plan.market)
    loss, profit = (None if x is None else formula.moved(x, plan.offset) for x in (grid.stop_loss, grid.take_profit))
    return replace(plan, stop_loss=loss, take_profit=profit)

"""Amounts per cell, what they cost, and whether they earn (contract, sections 2 and 5)."""

from autogrid.core.grid import Grid
from autogrid.core.levels import levels_or_none, nearest_level
from autogrid.core.market import Market, fee_atoms, gross_lots

#: How far the exact end of a ragged edge is looked for, in lots or cells.
SEARCH = 2_000
#: So many lots that the rounding of fees and gross-ups does not show.
MANY = 1 << 60


def lots_per_cell(grid: Grid, market: Market, found: tuple[int, ...], empty: int, fill: int) -> tuple[int, ...]:
    """Lots of every cell by the grid's sizing; `empty` cells begin in quote, the others are bought at `fill`."""
    cells = len(found) - 1
    if grid.amount is not None:
        return (market.lots(grid.amount),) * cells
    if grid.quote is not None:
        # floor(quote / (p tick) / lot) = floor(quote in atoms / p): the inner floor changes nothing.
        atoms = market.atoms(grid.quote)
        return tuple(atoms // level for level in found[:-1])
    assert grid.investment is not None  # Grid holds exactly one sizing
    budget = market.atoms(grid.investment)

    def affordable(x: int) -> bool:
        return cost(market, found, (x,) * cells, empty, fill) <= budget

    # Cost is proportional to lots up to the rounding of fees and gross-ups: a guess and a few steps.
    lots = budget * MANY // cost(market, found, (MANY,) * cells, empty, fill)
    while lots > 0 and not affordable(lots):
        lots -= 1
    while affordable(lots + 1):
        lots += 1
    return (lots,) * cells


def cost(market: Market, found: tuple[int, ...], lots: tuple[int, ...], empty: int, fill: int) -> int:
    """Atoms for the start order and all buys that rest after it, fees and gross-ups included."""
    held = sum(lots[empty:])
    total = buy_cost(market, fill, held, market.taker_ppm) if held else 0
    if not market.fee_in_base:
        ppm = market.maker_ppm
        for i in range(empty):
            notional = found[i] * lots[i]
            total += notional + (notional * ppm + 500_000) // 1_000_000
        return total
    return total + sum(buy_cost(market, found[i], lots[i], market.maker_ppm) for i in range(empty))


def buy_cost(market: Market, price: int, lots: int, ppm: int) -> int:
    """Atoms that leave the cash so that `lots` arrive."""
    if market.fee_in_base:
        return price * gross_lots(lots, ppm)
    return price * lots + fee_atoms(price * lots, ppm)


def earns(market: Market, found: tuple[int, ...], lots: tuple[int, ...]) -> bool:
    """True if every cell's sell brings more than its buy costs."""
    # From the top: with equal distances the cells there are the narrowest in proportion.
    return all(cell_earns(market, found[i], found[i + 1], lots[i]) for i in reversed(range(len(lots))))


def cell_earns(market: Market, buy: int, sell: int, lots: int) -> bool:
    """True if the sell brings more than the buy costs."""
    revenue = sell * lots
    return revenue - fee_atoms(revenue, market.maker_ppm) > buy_cost(market, buy, lots, market.maker_ppm)


def smallest_lots(market: Market, found: tuple[int, ...]) -> int | None:
    """The fewest equal lots with which every cell reaches min_notional and earns; None if no amount earns.

    Few lots may not earn where many do: a fee or gross-up of less than a unit is rounded to a whole one.
    """
    cells = len(found) - 1
    if not earns(market, found, (MANY,) * cells):
        return None
    least = max(1, -(-market.min_notional_atoms // found[0]))
    for lots in range(least, least + SEARCH):
        if earns(market, found, (lots,) * cells):
            return lots
    short = enough = least + SEARCH
    while not earns(market, found, (enough,) * cells):
        short, enough = enough, enough * 2
    while enough - short > 1:
        middle = (short + enough) // 2
        short, enough = (short, middle) if earns(market, found, (middle,) * cells) else (middle, enough)
    return enough


def cells_that_earn(grid: Grid, market: Market, start: int, fill: int) -> int:
    """The largest number of cells below the grid's that earns in its range; 0 if none does."""

    def works(cells: int) -> bool:
        found = levels_or_none(grid.lower, grid.upper, cells, grid.spacing, market.tick)
        if found is None:
            return False
        lots = lots_per_cell(grid, market, found, nearest_level(found, start), fill)
        return min(lots) > 0 and earns(market, found, lots)

    good, bad = 0, grid.cells
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if works(middle) else (good, middle)
    # Rounding makes the edge ragged: look on above it as far as it is cheap.
    reach = min(grid.cells - 1, 2 * good + 50, good + SEARCH * 100 // (good + 100))
    return next((cells for cells in range(reach, good, -1) if works(cells)), good)

"""Amounts per cell, what they cost, and whether they earn (contract, sections 2 and 5)."""

from autogrid.core.grid import Grid
from autogrid.core.levels import levels, nearest_level
from autogrid.core.market import Market, fee_atoms, gross_lots
from autogrid.errors import InvalidInput


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
    good, bad = 0, 1
    while cost(market, found, (bad,) * cells, empty, fill) <= budget:
        good, bad = bad, bad * 2
    while bad - good > 1:
        middle = (good + bad) // 2
        if cost(market, found, (middle,) * cells, empty, fill) <= budget:
            good = middle
        else:
            bad = middle
    return (good,) * cells


def cost(market: Market, found: tuple[int, ...], lots: tuple[int, ...], empty: int, fill: int) -> int:
    """Atoms for the start order and all buys that rest after it, fees and gross-ups included."""
    held = sum(lots[empty:])
    total = _buy(market, fill, held, market.taker_ppm) if held else 0
    if not market.fee_in_base:
        ppm = market.maker_ppm
        for i in range(empty):
            notional = found[i] * lots[i]
            total += notional + (notional * ppm + 500_000) // 1_000_000
        return total
    return total + sum(_buy(market, found[i], lots[i], market.maker_ppm) for i in range(empty))


def _buy(market: Market, price: int, lots: int, ppm: int) -> int:
    """Atoms that leave the cash so that `lots` arrive."""
    if market.fee_in_base:
        return price * gross_lots(lots, ppm)
    return price * lots + fee_atoms(price * lots, ppm)


def earns(market: Market, found: tuple[int, ...], lots: tuple[int, ...]) -> bool:
    """True if every cell's sell brings more than its buy costs."""
    ppm = market.maker_ppm
    for i, x in enumerate(lots):
        revenue = found[i + 1] * x
        if revenue - fee_atoms(revenue, ppm) <= _buy(market, found[i], x, ppm):
            return False
    return True


def smallest_lots(market: Market, found: tuple[int, ...]) -> int:
    """The fewest equal lots that satisfy the lowest cell, hence all."""
    return max(1, -(-market.min_notional_atoms // found[0]))


def cells_that_earn(grid: Grid, market: Market, start: int, fill: int) -> int:
    """The largest number of cells below the grid's that earns in its range; 0 if none does."""

    def works(cells: int) -> bool:
        try:
            found = levels(grid.lower, grid.upper, cells, grid.spacing, market.tick)
        except InvalidInput:
            return False
        lots = lots_per_cell(grid, market, found, nearest_level(found, start), fill)
        return min(lots) > 0 and earns(market, found, lots)

    good, bad = 0, grid.cells
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if works(middle) else (good, middle)
    return good

"""A grid on a market at a start price: every order it will ever place, in integers (contract, sections 2 and 3)."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from autogrid.core.grid import Grid
from autogrid.core.levels import levels, nearest_level
from autogrid.core.market import Market, Number, gross_lots, positive
from autogrid.core.orders import BUY, REGRID, START, Key
from autogrid.core.sizing import cells_that_earn, cost, earns, lots_per_cell, smallest_lots
from autogrid.errors import InvalidInput

#: Every product below stays under this, half of what an int64 holds.
HEADROOM = 2**62
MICRO = 1_000_000


@dataclass(frozen=True)
class Plan:
    """All constants of one grid. Prices in ticks, amounts in lots, money in atoms."""

    market: Market
    grid: Grid
    #: cells + 1 levels, rising.
    levels: tuple[int, ...]
    #: What each cell's sell sells.
    lots: tuple[int, ...]
    #: What each cell's buy buys: grossed up where the fee is taken from the base.
    gross: tuple[int, ...]
    #: The start price s.
    start: int
    #: What the very first start order pays: s plus slippage. What holding is compared with.
    start_fill: int
    #: j0, the number of cells that begin in quote.
    empty: int
    #: Lots of the order that the grid starts with, gross-up included; 0 where none is needed.
    start_lots: int
    cash: int
    stop_loss: int | None
    take_profit: int | None
    #: True if a stop sells the base.
    stop_sell: bool
    #: Number of the lowest cell: how many levels a trailing grid has moved up since its start (down: below 0).
    offset: int = 0
    #: How many grids came before this one: 0, or the start order is a regrid order (section 10).
    regrid: int = 0
    #: BUY or SELL: a regrid may hold too much.
    start_side: int = BUY

    @property
    def opening(self) -> Key:
        """What the order is for that the grid starts with."""
        return Key(REGRID, -1, self.regrid) if self.regrid else Key(START, -1, 0)

    @property
    def n(self) -> int:
        """The number of cells."""
        return len(self.lots)

    def index(self, cell: int) -> int | None:
        """Where in `lots` the cell of this number is; None where the grid does not have it (any more)."""
        i = cell - self.offset
        return i if 0 <= i < len(self.lots) else None


class Draft(NamedTuple):
    """A plan before its amounts are checked; fields as in Plan."""

    grid: Grid
    market: Market
    levels: tuple[int, ...]
    lots: tuple[int, ...]
    start: int
    fill: int
    empty: int


def plan(grid: Grid, market: Market, start: int, cash: Number | None = None, slippage_ticks: int = 0) -> Plan:
    """The plan of `grid` when it starts at `start` ticks.

    cash: quote to begin with; by default the investment, else what start order and resting buys cost.
    Raises InvalidInput where a cell is too small, cannot earn, or cannot be paid for.
    """
    found = levels(grid.lower, grid.upper, grid.cells, grid.spacing, market.tick)
    if start < 1:
        raise InvalidInput(f"the start price must be at least one price tick ({market.tick}), was {start} ticks")
    stops = _stops(grid, market, start)
    empty = nearest_level(found, start)
    fill = start + slippage_ticks
    lots = lots_per_cell(grid, market, found, empty, fill)
    _check_amounts(Draft(grid, market, found, lots, start, fill, empty))
    needed = cost(market, found, lots, empty, fill)
    budget = _cash(grid, market, cash, needed)
    gross = tuple(gross_lots(x, market.maker_ppm) for x in lots) if market.fee_in_base else lots
    held = sum(lots[empty:])
    _check_sizes(Draft(grid, market, found, lots, start, fill, empty), gross)
    start_lots = gross_lots(held, market.taker_ppm) if market.fee_in_base else held
    return Plan(
        market,
        grid,
        found,
        lots,
        gross,
        start,
        fill,
        empty,
        start_lots,
        budget,
        *stops,
        grid.stop_action == "sell",
    )


def check_headroom(planned: Plan, highest: int, travel: int = 0, most: int = 0) -> None:
    """InvalidInput if any integer of a run could leave int64.

    highest: the highest price that can occur, ticks. travel: how far the price moves in all, ticks: no cell can
    earn more than its lots times that. most: the most lots of a cell of a trailing grid.
    """
    market, gross = planned.market, max(planned.gross)
    base = max(planned.start_lots, sum(planned.gross)) + planned.n
    if planned.grid.trailing is not None:
        gross = max(gross, gross_lots(most, market.maker_ppm))
        base = max(base, planned.n * gross + planned.n)
    ppm = max(market.maker_ppm, market.taker_ppm)
    largest = max(
        planned.start_lots * max(planned.start, planned.start_fill),
        max(x * level for x, level in zip(planned.gross, planned.levels[1:], strict=True)),
        base * highest if planned.stop_sell and (planned.stop_loss or planned.take_profit) else 0,
        gross * highest if planned.grid.trailing is not None else 0,
    )
    worst = {
        "a fee (notional x ppm)": largest * ppm + 500_000,
        "base in millionths of a lot": base * MICRO,
        "equity": planned.cash + base * highest + travel * gross,
        "a remainder (price in ticks x a million)": highest * MICRO if market.fee_in_base else 0,
    }
    for name, value in worst.items():
        if value >= HEADROOM:
            raise InvalidInput(
                f"{name} must stay below 2**62, could reach {Decimal(value):.3e}; use a larger tick or lot, "
                "or a smaller grid"
            )


def _stops(grid: Grid, market: Market, start: int) -> tuple[int | None, int | None]:
    loss = None if grid.stop_loss is None else market.price_ticks(grid.stop_loss)
    profit = None if grid.take_profit is None else market.price_ticks(grid.take_profit)
    if loss is not None and start <= loss:
        raise InvalidInput(
            f"the start price must be above stop_loss, was {market.price(start):f} <= {grid.stop_loss:f}; "
            "lower the stop or set a trigger price"
        )
    if profit is not None and start >= profit:
        raise InvalidInput(
            f"the start price must be below take_profit, was {market.price(start):f} >= {grid.take_profit:f}; "
            "raise the stop or set a trigger price"
        )
    return loss, profit


def _check_amounts(draft: Draft) -> None:
    grid, market, found, lots = draft.grid, draft.market, draft.levels, draft.lots
    small = next((i for i, x in enumerate(lots) if x < 1 or found[i] * x < market.min_notional_atoms), None)
    if small is None and earns(market, found, lots):
        return
    enough = smallest_lots(market, found)
    works = None if enough is None else f"{_investment(draft, enough)} ({market.amount(enough):f} a cell)"
    if small is None or works is None:
        widest = cells_that_earn(grid, market, draft.start, draft.fill)
        remedy = f"at most {widest} cells earn" if widest else "no number of cells earns in this range"
        raise InvalidInput(
            f"{grid.cells} cells are too narrow: a cell's sell must bring more than its buy costs, maker fees of "
            f"{market.maker_fee:f} included; {remedy}: use fewer cells or a wider range"
            + (f", or an investment of {works}" if works else "")
        )
    raise InvalidInput(
        f"cell {small} at {market.price(found[small]):f} must hold at least one lot ({market.lot:f}) and "
        f"{market.min_notional:f} in value, was {market.amount(lots[small]):f}; the smallest investment that works "
        f"is {works}: invest more or use fewer cells"
    )


def too_large(rules: Market, found: tuple[int, ...], gross: tuple[int, ...]) -> int | None:
    """The first cell whose order is larger than `rules` allow; None where all fit."""
    lots, worth = rules.max_lots, rules.max_notional_atoms
    if lots is None and worth is None:
        return None
    for i, each in enumerate(gross):
        if (lots is not None and each > lots) or (worth is not None and each * found[i + 1] > worth):
            return i
    return None


def _check_sizes(draft: Draft, gross: tuple[int, ...]) -> None:
    market, found = draft.market, draft.levels
    large = too_large(market, found, gross)
    if large is None:
        return
    worth = market.max_notional_atoms
    fits = [x for x in (market.max_lots, None if worth is None else worth // found[-1]) if x is not None]
    ppm = market.maker_ppm if market.fee_in_base else 0
    most = min(fits) * (MICRO - ppm) // MICRO
    limits = [
        "" if market.max_amount is None else f"{market.max_amount:f}",
        "" if market.max_notional is None else f"{market.max_notional:f} in value",
    ]
    raise InvalidInput(
        f"an order of cell {large} at {market.price(found[large]):f} must be at most "
        f"{' and '.join(each for each in limits if each)}, was {market.amount(gross[large]):f}; the largest investment "
        f"that works is {_investment(draft, most)} ({market.amount(most):f} a cell): invest less or use more cells"
    )


def _investment(draft: Draft, lots: int) -> str:
    needed = cost(draft.market, draft.levels, (lots,) * draft.grid.cells, draft.empty, draft.fill)
    return f"{draft.market.money(needed):f}"


def _cash(grid: Grid, market: Market, cash: Number | None, needed: int) -> int:
    given = grid.investment if cash is None else positive("cash", cash)
    if given is None:
        return max(needed, 1)
    # Whole atoms are all that can be spent.
    atoms = Fraction(given) // Fraction(market.atom)
    if atoms < needed:
        raise InvalidInput(
            f"cash must cover the start order and all resting buys, {market.money(needed):f} is needed, was {given:f}"
        )
    return atoms

"""One grid takes another's place (contract, section 10): what is needed, what is there, and the one order between.

An order that the exchange would not take is not sent: too much base that is worth less than the least notional stays,
as dust; a purchase of less is raised to the least that can be ordered, and the rest of it is dust.
"""

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from autogrid.core.grid import Grid
from autogrid.core.ledger import MICRO, Books
from autogrid.core.market import Market, fee_atoms, gross_lots
from autogrid.core.orders import BUY, SELL
from autogrid.core.plan import Plan, plan
from autogrid.core.position import REGRIDDING, RUNNING, STARTING, Position
from autogrid.core.sizing import buy_cost
from autogrid.errors import InvalidInput


class Change(NamedTuple):
    """The grid that is wanted, and at what price (ticks) it starts."""

    grid: Grid
    price: int
    #: What the order between the two grids loses, ticks.
    slippage: int = 0
    #: Whose rules the grid obeys; None: those of the books.
    market: Market | None = None


def first(market: Market, cash: Decimal, change: Change) -> Plan:
    """The plan of a strategy's first grid, with `cash` quote. InvalidInput where it cannot work."""
    _check_plain(change.grid)
    planned = plan(change.grid, change.market or market, change.price, cash=cash, slippage_ticks=change.slippage)
    return replace(planned, market=market)


def regridded(books: Books, change: Change) -> Plan:
    """The plan of the new grid, given what the books hold. Changes nothing.

    Raises InvalidInput where the grid cannot work, or cash and base do not pay for it.
    """
    old, price = books.plan, change.price
    _check_plain(change.grid)
    planned = plan(change.grid, change.market or old.market, price, slippage_ticks=change.slippage)
    has, needs = int(books.base_micro // MICRO), sum(planned.lots[planned.empty :])
    side = SELL if has > needs else BUY
    lots = _order(planned, has, needs)
    made = replace(
        planned, market=old.market, start_fill=old.start_fill, start_lots=lots, start_side=side, cash=old.cash,
        regrid=old.regrid + 1,
    )  # fmt: skip
    _check_cash(books, made, price + side * change.slippage)
    return made


def successor(position: Position, planned: Plan) -> Position:
    """The position of the new grid. No order of the old one may be left."""
    books = position.books
    books.regrid(planned)
    after = Position(planned)
    after.books = books
    # Names of orders never come again.
    after.cycle = [max(position.cycle) + 1] * planned.n
    after.phase = STARTING if planned.start_lots else RUNNING
    return after


def leave(position: Position, grid: Grid) -> None:
    """`grid` takes the place of this position's once none of its orders is left."""
    position.phase, position.next_grid = REGRIDDING, grid


def stay(position: Position) -> None:
    """The next grid cannot work: go on with this one."""
    position.phase, position.next_grid = RUNNING, None


def _check_plain(grid: Grid) -> None:
    if grid.trigger is not None or grid.trailing is not None:
        raise InvalidInput(
            "a grid that a strategy decides starts at once and stays until the next decision, was one with "
            f"{'a trigger' if grid.trigger is not None else 'trailing'}; leave it out"
        )


def _order(planned: Plan, has: int, needs: int) -> int:
    """Lots of the order that makes `needs` of `has`; the purchase's fee may be taken from what it buys."""
    market, least = planned.market, planned.market.min_notional_atoms
    if has >= needs:
        return has - needs if (has - needs) * planned.start >= least else 0
    lots = gross_lots(needs - has, market.taker_ppm) if market.fee_in_base else needs - has
    return max(lots, -(-least // planned.start))


def _check_cash(books: Books, made: Plan, fill: int) -> None:
    market, notional = made.market, made.start_lots * fill
    fee = 0 if made.start_side == BUY and market.fee_in_base else fee_atoms(notional, market.taker_ppm)
    cash = int(books.cash // 1) - made.start_side * notional - fee
    resting = zip(made.levels, made.lots[: made.empty], strict=False)
    needed = sum(buy_cost(market, *each, market.maker_ppm) for each in resting)
    if cash < needed:
        raise InvalidInput(
            f"cash must cover what the new grid lacks and all its resting buys, {market.money(needed - cash):f} more "
            "is needed: decide a smaller grid, such as one with the equity as its investment"
        )

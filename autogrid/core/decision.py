"""What a strategy may decide, and what it is told of its bot."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from autogrid.core.grid import Grid
from autogrid.core.ledger import MICRO, Books
from autogrid.core.market import Market

#: The reason of a stop that a strategy decided.
STRATEGY = "strategy"
#: The grid of a bot whose strategy has not decided one yet. Nothing is ever done with it.
UNDECIDED = Grid(lower=1, upper=2, cells=1, amount=1)


@dataclass(frozen=True)
class Keep:
    """Leave everything as it is."""


@dataclass(frozen=True)
class Stop:
    """Cancel all orders and end."""

    #: Whether all whole lots of base are sold.
    sell: bool = True


#: A grid takes the present one's place, the same one too: its books are closed and opened anew.
Decision = Grid | Keep | Stop


class View(NamedTuple):
    """A bot as its strategy sees it, at the moment of the decision. Money in quote, rounded down to whole atoms."""

    #: The traded price: the open of the candle after those that are known.
    price: Decimal
    #: None before the first grid.
    grid: Grid | None
    cash: Decimal
    #: Base held, whole lots.
    base: Decimal
    #: cash + base x price.
    equity: Decimal
    #: What it began with.
    equity_start: Decimal


def view_of(market: Market, grid: Grid | None, books: Books, price: int) -> View:
    """The view at `price` ticks; `grid` None before the first."""
    cash, lots = int(books.cash // 1), int(books.base_micro // MICRO)
    return View(
        market.price(price),
        grid,
        market.money(cash),
        market.amount(lots),
        market.money(cash + lots * price),
        market.money(books.plan.cash),
    )


def first_view(market: Market, cash: Decimal, price: int) -> View:
    """The view before the first grid, with `cash` quote."""
    money = market.money(market.atoms(cash))
    return View(market.price(price), None, money, Decimal(0), money, money)

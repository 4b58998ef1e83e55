"""For every cell of a bot: what should rest, what rests, and why the two differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from autogrid.core.bot import CANCELLING, OPEN, PLANNED, SENT, Bot, Order
from autogrid.core.orders import BUY, GRID, Intent
from autogrid.core.position import RUNNING, Position

_ON_ITS_WAY = {
    PLANNED: "written down, about to be sent",
    SENT: "sent; the exchange has not said yet whether it took it",
    CANCELLING: "being cancelled",
}


@dataclass(frozen=True)
class Cell:
    """One cell of a bot's grid. Prices in quote, amounts in base."""

    cell: int
    lower: Decimal
    upper: Decimal
    #: The order the cell is for now: "buy" at lower or "sell" at upper.
    side: str
    price: Decimal
    #: Of the whole order, and what of it is filled.
    amount: Decimal
    filled: Decimal
    #: Whether the order should rest now.
    wanted: bool
    order: Order | None
    #: Why it does not rest although it should, or the other way round; None where all is as it should be.
    reason: str | None
    #: Quote paid for the base it holds.
    cost: Decimal
    #: How often it has turned.
    turns: int


def cells(bot: Bot, live: Sequence[Order]) -> list[Cell]:
    """Every cell from the lowest; empty before the grid has started. `live`: orders that are not final."""
    position = bot.position
    if position is None:
        return []
    wishes = {intent.key.cell: intent for intent in _wanted(bot, position)}
    resting = {order.key.cell: order for order in live if order.key.kind == GRID}
    return [_cell(bot, position, i, wishes.get(i), resting.get(i)) for i in range(position.plan.n)]


def _wanted(bot: Bot, position: Position) -> list[Intent]:
    if bot.status != "running" or bot.wish != "run" or position.phase != RUNNING:
        return []
    return [
        each for each in position.wanted(bot.last_price or position.plan.start, bot.window) if each.key.kind == GRID
    ]


def _cell(bot: Bot, position: Position, i: int, wish: Intent | None, order: Order | None) -> Cell:
    market, plan = bot.market, position.plan
    selling = position.holds[i]
    return Cell(
        cell=i,
        lower=market.price(plan.levels[i]),
        upper=market.price(plan.levels[i + 1]),
        side="sell" if selling else "buy",
        price=market.price(plan.levels[i + 1] if selling else plan.levels[i]),
        amount=market.amount(plan.lots[i] if selling else plan.gross[i]),
        filled=market.amount(position.done[i]),
        wanted=wish is not None,
        order=order,
        reason=_reason(bot, position, i, wish, order),
        cost=market.money(position.books.cost.get(i, 0)),
        turns=position.cycle[i],
    )


def _reason(bot: Bot, position: Position, i: int, wish: Intent | None, order: Order | None) -> str | None:
    if order is not None:
        if order.status != OPEN:
            return _ON_ITS_WAY.get(order.status)
        fits = wish is not None and (order.side == BUY) == (wish.side == BUY) and order.price == wish.price
        return None if fits or bot.wish == "hold" else "should not rest any more; the next tick cancels it"
    note = bot.notes.get((GRID, i))
    if note is not None:
        until = datetime.fromtimestamp(note.until_ms / 1000, UTC)
        return f"{note.reason} (refused {note.tries} times, tried again at {until:%H:%M:%S} UTC)"
    if wish is not None:
        return "missing; the next tick places it"
    if bot.status != "running" or bot.wish != "run":
        return f"the bot is {bot.status}" + (f": {bot.reason}" if bot.reason else "")
    if position.phase != RUNNING:
        return f"the grid is {position.phase}"
    if bot.window is not None:
        return f"not among the {bot.window} orders nearest to the turning point"
    return "nothing is left to order: fees took the base"

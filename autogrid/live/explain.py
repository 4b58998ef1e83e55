"""Why a bot's orders are as they are: for every cell what should rest, what rests, and the reason for a difference."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from autogrid.core.bot import CANCELLING, DONE, OPEN, PLANNED, SENT, Bot, Order
from autogrid.core.orders import GRID, KINDS, STOP, Intent
from autogrid.core.position import REGRIDDING, RUNNING, STARTING, STOPPING
from autogrid.live.decide import FINAL

#: A second order that the exchange accepted under one id is kept under "<client id>#<exchange id>".
_DUPLICATE = "#"


@dataclass(frozen=True)
class Line:
    """One cell, or the start or stop order."""

    #: START, GRID or STOP.
    kind: int
    #: -1 for start and stop orders.
    cell: int
    #: What should rest; None: nothing.
    should: Intent | None
    #: What is there and not final; None: nothing.
    rests: Order | None
    #: Why the two differ, or why nothing rests; empty where all is as it should be.
    reason: str

    @property
    def name(self) -> str:
        return f"cell {self.cell}" if self.kind == GRID else KINDS[self.kind]

    @property
    def missing(self) -> bool:
        """An order should rest and does not."""
        return self.should is not None and (self.rests is None or self.rests.status not in (OPEN, CANCELLING))


def explain(bot: Bot, orders: Iterable[Order], account_problem: str | None = None) -> list[Line]:
    """Every cell in order of price, then what else there is. `orders` are those not final.

    account_problem: why no request of the account is sent now, None if they are. Empty before the bot has begun.
    """
    there: dict[tuple[int, int], Order] = {}
    twice = []
    for order in orders:
        if _DUPLICATE in order.client_id:
            twice.append(order)
        elif order.status != DONE:
            there[order.key[:2]] = order
    price = bot.last_price or 0
    wanted = _wanted(bot, price, None)
    inside = wanted.keys() & _wanted(bot, price, bot.window).keys()
    plan = None if bot.position is None else bot.position.plan
    cells = [] if plan is None else [(GRID, cell) for cell in range(plan.offset, plan.offset + plan.n)]
    lines = []
    for at in [*cells, *sorted((wanted.keys() | there.keys()) - set(cells))]:
        should = wanted.get(at) if at in inside else None
        reason = _reason(bot, at, wanted.get(at), at in inside, there.get(at))
        if at[0] == STOP and not there.get(at) and (there or twice) and should is not None:
            reason = "once every other order is final"
        if account_problem and reason and should is not None:
            reason = f"{account_problem}; {reason}"
        lines.append(Line(*at, should, there.get(at), reason))
    return lines + [
        Line(*order.key[:2], None, order, "the exchange accepted one id twice: this one is cancelled")
        for order in twice
    ]


def summary(bot: Bot) -> str:
    """The bot as a whole in one line."""
    text = f"{bot.status}, wish {bot.wish}"
    return f"{text}: {bot.reason}" if bot.reason else text


def _wanted(bot: Bot, price: int, window: int | None) -> dict[tuple[int, int], Intent]:
    position = bot.position
    if position is None or bot.status in FINAL or bot.wish == "kill":
        return {}
    if bot.wish == "pause" and position.phase != STOPPING:
        return {}
    return {intent.key[:2]: intent for intent in position.wanted(price, window)}


def _reason(bot: Bot, at: tuple[int, int], want: Intent | None, inside: bool, order: Order | None) -> str:
    if want is None or not inside:
        if order is None:
            return _nothing(bot, at, want)
        return _unwanted(bot, order)
    if order is not None:
        return _order(bot, want, order)
    if bot.wish == "hold":
        return "held: orders stay as they are, none is placed"
    note = bot.notes.get(at)
    if note is not None:
        until = datetime.fromtimestamp(note.until_ms / 1000, UTC)
        often = f"; refused {note.tries} times in a row" if note.tries > 1 else ""
        return f"{note.reason}; not tried again before {until:%Y-%m-%d %H:%M:%S} UTC{often}"
    return "placed at the next tick"


def _nothing(bot: Bot, at: tuple[int, int], want: Intent | None) -> str:
    """Why nothing should rest here."""
    position = bot.position
    if want is not None:
        return f"beyond the {bot.window} orders nearest to the price"
    if bot.status in FINAL or bot.wish == "kill":
        return f"the bot is {bot.status}: {bot.reason or bot.wish}"
    if position is None or at[0] != GRID:
        return ""
    if position.phase == STARTING and bot.wish == "run":
        return "after the start order"
    if position.phase == STOPPING:
        return f"stopping: {position.stopped}"
    if position.phase == REGRIDDING and bot.wish == "run":
        return "its strategy has decided another grid, which starts once no order of this one is left"
    if bot.wish == "pause":
        return "paused"
    if position.phase == RUNNING:
        return "fees took the base that it would sell"
    return "the bot has ended"


def _unwanted(bot: Bot, order: Order) -> str:
    """Why an order is there that should not be."""
    if order.status == CANCELLING:
        return "cancel sent, not confirmed yet"
    if order.status == SENT:
        return _unknown(order)
    if bot.status in FINAL and bot.wish != "kill":
        return f"left as it was: the bot is {bot.status}: {bot.reason or ''}".rstrip(": ")
    then = "dropped at the next tick" if order.status == PLANNED else "cancelled at the next tick"
    if bot.position is not None and bot.position.phase == REGRIDDING:
        return f"its strategy has decided another grid: {then}"
    moved = order.key.kind == GRID and bot.position is not None and bot.position.plan.index(order.key.cell) is None
    return f"the grid has moved away from this cell: {then}" if moved else then


def _order(bot: Bot, want: Intent, order: Order) -> str:
    """Why a wanted order is not there as wanted; empty if it is."""
    if order.status == PLANNED:
        return "written down, sent at the next tick"
    if order.status == SENT:
        return _unknown(order)
    if order.status == CANCELLING:
        return "cancel sent, not confirmed yet; placed anew afterwards"
    same = order.key == want.key and order.lots - order.filled == want.lots
    if same and (order.is_market or order.price == want.price):
        return ""
    if order.is_market and order.lots < want.lots:
        return "a slice: the exchange takes no more in one market order, the rest follows"
    if order.is_market:
        return "executed, its fills are booked at the next tick"
    return (
        "held: left as it was"
        if bot.wish == "hold"
        else "not what is wanted: cancelled at the next tick, then placed anew"
    )


def _unknown(order: Order) -> str:
    when = datetime.fromtimestamp(order.sent_at_ms / 1000, UTC)
    return (
        f"sent {when:%Y-%m-%d %H:%M:%S} UTC, never answered: looked up at every tick, "
        "sent again only once it cannot arrive any more"
    )

"""Bots whose strategy decides: ask it, let its orders go, start the next grid (contract, section 10)."""

from collections.abc import Sequence

from autogrid.core.bot import Bot, Event, Order
from autogrid.core.codec import pack_plain
from autogrid.core.decision import STRATEGY, Keep, Stop, first_view, view_of
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import GRID
from autogrid.core.plan import Plan
from autogrid.core.position import REGRIDDING, RUNNING, Position
from autogrid.core.regrid import Change, first, leave, regridded, stay, successor
from autogrid.errors import InvalidInput
from autogrid.live.ports import Brain
from autogrid.live.stages import CHANGED, STARTED, STOPPED, moment


def strategise(
    bot: Bot, price: int, now_ms: int, live: Sequence[Order], brain: Brain | None, market: Market | None = None
) -> list[Event]:
    """What follows from a strategy's decision at the traded `price` (ticks). `live` orders are not final yet.

    brain: None where it is not the moment to decide; what was decided goes on. market: whose rules new grids obey;
    None: the bot's.
    """
    if bot.strategy is None or bot.wish != "run" or bot.status not in ("waiting", "running"):
        return []
    events = [] if brain is None else _decide(bot, price, now_ms, brain, market)
    if bot.position is not None and bot.position.phase == REGRIDDING and not live:
        events += _change(bot, bot.position, price, now_ms, market)
    return events


def _decide(bot: Bot, price: int, now_ms: int, brain: Brain, market: Market | None) -> list[Event]:
    position = bot.position
    if position is not None and position.phase != RUNNING:
        return []
    at_ms = brain.due(bot, now_ms)
    if at_ms is None:
        if position is None:
            bot.status, bot.reason = "waiting", "for its strategy to decide the first grid"
        return []
    # Written down with what follows from it: whoever is killed in between decides again, and the same.
    bot.decided_ms = at_ms
    assert bot.cash is not None  # a bot with a strategy is made with cash
    try:
        if position is None:
            decision = brain.decide(bot, at_ms, first_view(bot.market, bot.cash, price))
        else:
            decision = brain.decide(bot, at_ms, view_of(bot.market, bot.grid, position.books, price))
        if decision is None:
            return [Event("info", "decision_skipped", {"reason": "nothing traded in a candle of its lookback"})]
        if isinstance(decision, Keep):
            return []
        if isinstance(decision, Stop):
            return _stop(bot, decision, price)
        if position is None:
            return _begin(bot, decision, price, now_ms, market)
        return _leave(bot, position, decision, price, market)
    except InvalidInput as error:
        return _refused(error)


def _begin(bot: Bot, grid: Grid, price: int, now_ms: int, market: Market | None) -> list[Event]:
    assert bot.cash is not None
    planned = first(bot.market, bot.cash, Change(grid, price, bot.slippage_ticks, market))
    bot.position, bot.grid = Position(planned), grid
    bot.status, bot.reason = "running", None
    return [_worked(STARTED, bot, planned, now_ms)]


def _leave(bot: Bot, position: Position, grid: Grid, price: int, market: Market | None) -> list[Event]:
    regridded(position.books, Change(grid, price, bot.slippage_ticks, market))  # before its orders go for nothing
    leave(position, grid)
    return []


def _stop(bot: Bot, decision: Stop, price: int) -> list[Event]:
    said: dict[str, str | int] = {"price": str(bot.market.price(price)), "decided": moment(bot.decided_ms)}
    said["stop_action"] = "sell" if decision.sell else "keep"
    event = Event("warning", STOPPED, said)
    if bot.position is None:
        bot.status, bot.reason = "stopped", STRATEGY
    else:
        bot.position.stop(STRATEGY, decision.sell)
        bot.status, bot.reason = "stopping", STRATEGY
    return [event]


def _change(bot: Bot, position: Position, price: int, now_ms: int, market: Market | None) -> list[Event]:
    """No order of the old grid is left: the new one starts at this price."""
    grid = position.next_grid
    assert grid is not None  # as long as it is regridding
    try:
        planned = regridded(position.books, Change(grid, price, bot.slippage_ticks, market))
    except InvalidInput as error:  # the price, or fills since, have made it impossible
        stay(position)
        return _refused(error)
    bot.position, bot.grid = successor(position, planned), grid
    for known in (bot.notes, bot.attempts):
        for at in [at for at in known if at[0] == GRID]:
            del known[at]
    return [_worked(CHANGED, bot, planned, now_ms)]


def _worked(name: str, bot: Bot, planned: Plan, now_ms: int) -> Event:
    """What `live.stages` needs to tell later which grid the bot worked, from when on, at which price."""
    assert bot.position is not None  # it has just got it
    said: dict[str, str | int] = dict(pack_plain(bot.grid))
    said |= {"price": str(bot.market.price(planned.start)), "empty": planned.empty, "cycle": bot.position.cycle[0]}
    return Event("info", name, said | {"decided": moment(bot.decided_ms), "since": moment(now_ms)})


def _refused(error: InvalidInput) -> list[Event]:
    return [Event("warning", "decision_refused", {"reason": str(error)})]

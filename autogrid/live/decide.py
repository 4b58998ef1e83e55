"""From what is known to what is wanted: a bot's state after its fills, its stops and its owner's wish."""

from collections.abc import Sequence

from autogrid.core.bot import Bot, Event, Order
from autogrid.core.ledger import MICRO
from autogrid.core.orders import GRID, STOP, Intent
from autogrid.core.plan import plan
from autogrid.core.position import DONE, REGRIDDING, RUNNING, STARTING, STOPPING, Position
from autogrid.core.risk import daily_loss
from autogrid.core.trailing import Trailing
from autogrid.errors import InvalidInput

DAY_MS = 86_400_000
#: Phases in which a bot works a grid.
WORKING = (STARTING, RUNNING, REGRIDDING)
#: Statuses in which a tick changes nothing any more.
FINAL = ("stopped", "halted", "refused")


def begin(bot: Bot, price: int) -> list[Event]:
    """Plan the grid at the first price, or when the trigger is reached."""
    if bot.position is not None or bot.wish != "run" or bot.strategy is not None:
        return []
    if bot.first_price is None:
        bot.first_price = price
    start = price
    if bot.grid.trigger is not None:
        start = bot.market.price_ticks(bot.grid.trigger)
        if not min(bot.first_price, price) <= start <= max(bot.first_price, price):
            bot.status, bot.reason = "waiting", f"for the price to reach the trigger {bot.grid.trigger}"
            return []
    try:
        planned = plan(bot.grid, bot.market, start, cash=bot.cash, slippage_ticks=bot.slippage_ticks)
    except InvalidInput as error:
        return halt(bot, str(error))
    bot.position = Position(planned)
    bot.status, bot.reason = "running", None
    return [Event("info", "bot_started", {"price": str(bot.market.price(start)), "empty": planned.empty})]


def halt(bot: Bot, reason: str) -> list[Event]:
    """A person has to look. Orders stay as they are unless the wish is to kill."""
    bot.status, bot.reason = "halted", reason
    return [Event("critical", "bot_halted", {"reason": reason})]


def obey(bot: Bot) -> list[Event]:
    """Follow the owner's wish."""
    position, before = bot.position, bot.status
    if bot.wish == "kill":
        bot.status, bot.reason = "halted", bot.reason or "killed"
    elif bot.wish in ("stop", "stop_sell"):
        if position is None:
            bot.status, bot.reason = "stopped", "user"
        elif position.phase in WORKING:
            position.stop("user", bot.wish == "stop_sell")
            bot.status, bot.reason = "stopping", "user"
    elif bot.wish in ("pause", "hold"):
        if position is None or position.phase in WORKING:
            bot.status = "paused"
    elif bot.status == "paused":
        bot.status = "waiting" if position is None else "running"
        bot.reason = None
    return [Event("info", "bot_status", {"status": bot.status})] if bot.status != before else []


def trail(bot: Bot, price: int, rules: Trailing) -> list[Event]:
    """Move a trailing grid as far as the traded price calls for; not while its owner has it paused or held."""
    position = bot.position
    if position is None or bot.wish != "run" or bot.status != "running":
        return []
    before = position.plan.offset
    while position.trail(price, rules):
        pass
    plan = position.plan
    if plan.offset == before:
        return []
    _forget(bot)
    lower, upper = (str(bot.market.price(level)) for level in (plan.levels[0], plan.levels[-1]))
    return [Event("info", "grid_moved", {"levels": plan.offset - before, "lower": lower, "upper": upper})]


def _forget(bot: Bot) -> None:
    """What is remembered of cells that a moved grid has no more: their orders' names never come again."""
    assert bot.position is not None  # it has moved
    gone = [at for at in {*bot.notes, *bot.attempts} if at[0] == GRID and bot.position.plan.index(at[1]) is None]
    for at in gone:
        bot.notes.pop(at, None)
        bot.attempts.pop(at, None)


def check_stops(bot: Bot, price: int) -> list[Event]:
    """Stop where the traded price reaches a stop."""
    position = bot.position
    if position is None or position.phase != RUNNING:
        return []
    reached = position.stop_reached(price)
    if reached is None:
        return []
    position.stop(reached, position.plan.stop_sell)
    bot.status, bot.reason = "stopping", reached
    return [Event("warning", "stop_reached", {"stop": reached, "price": str(bot.market.price(price))})]


def check_loss(bot: Bot, price: int, now_ms: int) -> list[Event]:
    """Halt, and cancel everything, after too bad a day."""
    position = bot.position
    if position is None or position.phase not in WORKING:
        return []
    equity = int(position.books.cash + position.books.base_micro * price // MICRO)
    if bot.day != now_ms // DAY_MS:
        bot.day, bot.day_equity = now_ms // DAY_MS, equity
    reason = daily_loss(bot, equity)
    if reason is None:
        return []
    bot.wish = "kill"
    return halt(bot, reason)


def wanted(bot: Bot, price: int, live: Sequence[Order]) -> list[Intent] | None:
    """The orders that should rest; None leaves everything as it is. `live` orders are not final yet."""
    position = bot.position
    if bot.wish == "kill":
        return []
    if bot.status in FINAL:
        return None
    if position is not None and position.phase == STOPPING:
        return _stopping(bot, position, price, live)
    if bot.wish == "hold":
        return None
    if bot.wish == "pause" or position is None:
        return []
    position.finish_start(price)
    return position.wanted(price, bot.window)


def _stopping(bot: Bot, position: Position, price: int, live: Sequence[Order]) -> list[Intent]:
    """Nothing until all grid orders are final, then the sale of the base, then the end."""
    if any(order.key.kind != STOP for order in live):
        return []
    intents = position.wanted(price)
    if not intents and not live:
        position.phase = DONE
        bot.status, bot.reason = "stopped", position.stopped
    return intents

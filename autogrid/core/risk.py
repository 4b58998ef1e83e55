"""Limits as values: an intent is allowed, or refused with a reason that is stored and shown."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from autogrid.core.bot import Bot
from autogrid.core.orders import BUY, GRID, Intent


@dataclass
class Exposure:
    """What a bot has out now; grows as intents are allowed."""

    #: Orders that rest or are on their way.
    open_orders: int
    #: Atoms: base held at the traded price, and resting buys.
    notional: int
    #: Orders sent within the last minute.
    recent: int
    #: Traded price and the last known close, ticks; None: no close is known.
    price: int
    close: int | None
    #: Of when the close is.
    close_said: str = ""


def refusal(bot: Bot, intent: Intent, exposure: Exposure) -> str | None:
    """Why `intent` must not be sent now; None allows it and counts it in `exposure`."""
    limits, market = bot.limits, bot.market
    taking = intent.key.kind != GRID
    if taking and exposure.close is not None and limits.max_price_deviation is not None:
        apart = abs(Fraction(exposure.price - exposure.close, exposure.close))
        if apart > Fraction(limits.max_price_deviation):
            return (
                f"price {market.price(exposure.price)} is {float(apart):.1%} from the last close "
                f"{market.price(exposure.close)}{f' {exposure.close_said}' if exposure.close_said else ''}, "
                f"at most {float(limits.max_price_deviation):.1%} is allowed"
            )
    if limits.max_orders_per_minute is not None and exposure.recent >= limits.max_orders_per_minute:
        return f"{exposure.recent} orders within a minute, at most {limits.max_orders_per_minute} are allowed"
    if limits.max_open_orders is not None and not taking and exposure.open_orders >= limits.max_open_orders:
        return f"{exposure.open_orders} orders rest, at most {limits.max_open_orders} are allowed"
    added = intent.lots * intent.price if intent.side == BUY else 0
    if added and limits.max_notional is not None:
        allowed = market.atoms(limits.max_notional)
        if exposure.notional + added > allowed:
            return (
                f"{market.money(exposure.notional + added)} would rest and be held, "
                f"at most {limits.max_notional} is allowed"
            )
    exposure.notional += added
    exposure.open_orders += not taking
    exposure.recent += 1
    return None


def daily_loss(bot: Bot, equity: int) -> str | None:
    """Why the bot must halt: it lost more today than allowed. `equity` in atoms."""
    limit = bot.limits.max_daily_loss
    lost = bot.day_equity - equity
    if limit is None or lost <= bot.market.atoms(limit):
        return None
    return f"lost {bot.market.money(lost)} today, at most {Decimal(limit)} is allowed"

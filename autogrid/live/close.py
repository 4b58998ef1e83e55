"""The last close that a market order's price is checked against, and how old it is."""

from datetime import UTC, datetime
from typing import NamedTuple

from autogrid.core.bot import Bot
from autogrid.errors import RetryLater, Unavailable
from autogrid.exchange.port import Exchange
from autogrid.live.ports import TickStore


class KnownClose(NamedTuple):
    """What is known of the last close."""

    #: Ticks; None: there is none that is recent enough.
    ticks: int | None
    #: Of when it is, or why there is none.
    said: str


def known_close(bot: Bot, store: TickStore, exchange: Exchange, now_ms: int, age_ms: int) -> KnownClose:
    """The close of the exchange's last finished minute, or the store's where the exchange does not tell it.

    One that is older than `age_ms` is not used. Raises RetryLater where the exchange does not listen.
    """
    try:
        found = exchange.last_close(bot.symbol)
    except RetryLater:
        raise
    except Unavailable:
        found = None  # the order must not wait for a price to compare with
    if found is not None and now_ms - found.at_ms <= age_ms:
        return KnownClose(bot.market.price_ticks(found.price), f"of {_time(found.at_ms)}")
    stored = store.close_of(bot)
    if stored is not None:
        return KnownClose(stored, "in the store")
    if found is not None:
        return KnownClose(None, f"the last close, of {_time(found.at_ms)}, is older than {age_ms // 1000} s")
    return KnownClose(None, "the exchange tells no last close, and the store has no recent one")


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"

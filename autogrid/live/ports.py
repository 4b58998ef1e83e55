"""What the tick needs of a store. PostgreSQL rows and plain memory both provide it."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from autogrid.core.bot import Bot, Event, FillRow, Order
from autogrid.core.decision import Decision, View


class Brain(Protocol):
    """Decisions of bots whose strategy makes a new grid as candles close."""

    def due(self, bot: Bot, now_ms: int) -> int | None:
        """The end (ms) of the candle on whose close the bot is to decide now; None: nothing is to be decided yet.

        None too for a bot without a strategy, and while closed candles have not arrived that will.
        """

    def decide(self, bot: Bot, at_ms: int, view: View) -> Decision | None:
        """What its strategy decides on the candles closed at `at_ms`; None where some are missing for good.

        InvalidInput where the strategy fails.
        """


class TickStore(Protocol):
    """State of bots between ticks. Every write is committed when the call returns."""

    def lock(self, bot_id: int) -> AbstractContextManager[bool]:
        """Held for one tick, freed when the process dies; yields False if another tick holds it."""

    def load(self, bot_id: int) -> Bot:
        """The bot as of now. InvalidInput if there is none."""

    def live_orders(self, bot_id: int) -> list[Order]:
        """Orders that are not done."""

    def order_with(self, bot_id: int, exchange_id: str) -> Order | None:
        """The bot's order of this exchange id, done ones included."""

    def known_trades(self, bot_id: int, trades: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of `trades` (exchange id, trade id) that are booked already."""

    def commit(
        self, bot: Bot, orders: Iterable[Order], fills: Iterable[FillRow] = (), events: Iterable[Event] = ()
    ) -> None:
        """One transaction: the bot (its version compared and raised), new and changed orders, fills, events.

        New orders get their id. Halted if the bot was changed by somebody else or a second live order for one
        cell would arise: both are defects, and neither may cost money.
        """

    def update(self, order: Order) -> None:
        """Commit one order's status, exchange id, time and reason by itself (between two requests)."""

    def close_of(self, bot: Bot) -> int | None:
        """The last known close of the bot's market in ticks, if a recent one is stored."""

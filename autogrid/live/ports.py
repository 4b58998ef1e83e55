"""What the tick needs of a store. PostgreSQL rows and plain memory both provide it."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from autogrid.core.bot import Bot, Event, FillRow, Order


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

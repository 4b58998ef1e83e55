"""Bots in plain memory: what replays and tests tick on."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from autogrid.core.bot import DONE, Bot, Event, FillRow, Order
from autogrid.errors import Halted, InvalidInput


class MemoryStore:
    """A `TickStore` without a disk. Hands out the very objects it keeps: a tick's changes are there at once."""

    def __init__(self) -> None:
        self.bots: dict[int, Bot] = {}
        self.live: dict[int, dict[int, Order]] = {}
        self.fills: list[FillRow] = []
        self.events: list[Event] = []
        self._versions: dict[int, int] = {}
        self._by_exchange: dict[tuple[int, str], Order] = {}
        self._trades: set[tuple[int, str, str]] = set()
        self._next_id = 1

    def add(self, bot: Bot) -> None:
        """Keep a new bot."""
        self.bots[bot.id] = bot
        self.live[bot.id] = {}
        self._versions[bot.id] = bot.version

    @contextmanager
    def lock(self, bot_id: int) -> Iterator[bool]:
        yield True

    def load(self, bot_id: int) -> Bot:
        if bot_id not in self.bots:
            raise InvalidInput(f"bot {bot_id}: expected one of {sorted(self.bots)}, found none of this id")
        return self.bots[bot_id]

    def live_orders(self, bot_id: int) -> list[Order]:
        return list(self.live[bot_id].values())

    def order_with(self, bot_id: int, exchange_id: str) -> Order | None:
        return self._by_exchange.get((bot_id, exchange_id))

    def known_trades(self, bot_id: int, trades: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        return {trade for trade in trades if (bot_id, *trade) in self._trades}

    def commit(
        self, bot: Bot, orders: Iterable[Order], fills: Iterable[FillRow] = (), events: Iterable[Event] = ()
    ) -> None:
        if self._versions[bot.id] != bot.version:
            raise Halted(f"bot {bot.id} was changed by somebody else: expected version {bot.version}")
        bot.version += 1
        self._versions[bot.id] = bot.version
        for order in orders:
            self.update(order, bot.id)
        for fill in fills:
            self.fills.append(fill)
            self._trades.add((bot.id, fill.exchange_id, fill.trade_id))
        self.events.extend(events)

    def update(self, order: Order, bot_id: int | None = None) -> None:
        if order.id is None:
            order.id, self._next_id = self._next_id, self._next_id + 1
        owner = bot_id if bot_id is not None else self._owner(order)
        if order.exchange_id is not None:
            self._by_exchange[owner, order.exchange_id] = order
        if order.status == DONE:
            self.live[owner].pop(order.id, None)
        else:
            self.live[owner][order.id] = order

    def _owner(self, order: Order) -> int:
        return next(bot_id for bot_id, live in self.live.items() if order.id in live)

    def close_of(self, bot: Bot) -> int | None:
        return None

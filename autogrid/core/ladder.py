"""The grid as a state machine: legs of the price in, fills out (contract, sections 3 and 4).

This is the definition. The compiled kernel of `autogrid.research` is tested against it fill by fill.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from autogrid.core.ledger import Books
from autogrid.core.orders import BUY, GRID, SELL, START, STOP, Fill
from autogrid.core.plan import Plan


@dataclass
class Ladder:
    """One full-fill grid.

    `empty` (the contract's j) is the whole state of a running grid: cells below it wait to buy, cells
    from it on hold base. Prices in ticks.
    """

    plan: Plan
    #: How far beyond a level the price must trade before its order counts as filled.
    penetration: int = 1
    #: What a taker order loses against the price it is sent at.
    slippage: int = 0
    #: Money and base; the stop needs it to know what whole lots there are.
    books: Books = field(init=False)
    empty: int = field(init=False)
    started: bool = False
    #: "stop_loss" or "take_profit" once the bot is done.
    stopped: str | None = None

    def __post_init__(self) -> None:
        self.books = Books(self.plan)
        self.empty = self.plan.empty

    def start(self) -> Iterator[Fill]:
        """Start at the plan's start price: buy the base of the upper cells at once."""
        self.started = True
        if self.plan.start_lots:
            yield self._book(Fill(START, -1, BUY, self.plan.start_fill, self.plan.start_lots))

    def leg(self, y: int, *, gap: bool = False) -> Iterator[Fill]:
        """The price moves on to `y`; `gap` marks the jump from the last close to the open."""
        if not self.started or self.stopped:
            return
        stop_loss, take_profit = self.plan.stop_loss, self.plan.take_profit
        if stop_loss is not None and y <= stop_loss:
            yield from self._buy_down_to(stop_loss)
            yield from self._stop("stop_loss", y if gap else stop_loss)
        elif take_profit is not None and y >= take_profit:
            yield from self._sell_up_to(take_profit)
            yield from self._stop("take_profit", y if gap else take_profit)
        else:
            yield from self._buy_down_to(y)
            yield from self._sell_up_to(y)

    def candle(self, walk: tuple[int, int, int, int], last_close: int | None) -> Iterator[Fill]:
        """All legs of one candle. `last_close` is None for the very first candle."""
        before = walk[0] if last_close is None else last_close
        for k, y in enumerate(walk):
            if not self.started and min(before, y) <= self.plan.start <= max(before, y):
                yield from self.start()
            yield from self.leg(y, gap=k == 0)
            before = y

    def _buy_down_to(self, y: int) -> Iterator[Fill]:
        levels = self.plan.levels
        while self.empty > 0 and y <= levels[self.empty - 1] - self.penetration:
            self.empty -= 1
            cell = self.empty
            yield self._book(Fill(GRID, cell, BUY, levels[cell], self.plan.gross[cell]))

    def _sell_up_to(self, y: int) -> Iterator[Fill]:
        levels = self.plan.levels
        while self.empty < self.plan.n and y >= levels[self.empty + 1] + self.penetration:
            cell = self.empty
            self.empty += 1
            yield self._book(Fill(GRID, cell, SELL, levels[cell + 1], self.plan.lots[cell]))

    def _stop(self, reason: str, price: int) -> Iterator[Fill]:
        self.stopped = reason
        whole = self.books.base_micro // 1_000_000
        if self.plan.stop_sell and whole:
            yield self._book(Fill(STOP, -1, SELL, price - self.slippage, whole))

    def _book(self, fill: Fill) -> Fill:
        self.books.apply(fill)
        return fill

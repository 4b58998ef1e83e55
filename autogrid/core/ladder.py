"""The grid as a state machine: legs of the price in, fills out (contract, sections 3, 4, 9 and 10).

This is the definition. The compiled kernel of `autogrid.research` is tested against it fill by fill.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from autogrid.core.grid import Grid
from autogrid.core.ledger import Books
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, REGRID, SELL, START, STOP, Fill
from autogrid.core.plan import Plan
from autogrid.core.regrid import Change, regridded
from autogrid.core.trailing import Trailing, lowered, raised


@dataclass
class Ladder:
    """One full-fill grid.

    `empty` (the contract's j) is the whole state of a running grid: cells below it wait to buy, cells
    from it on hold base. Prices in ticks. A trailing grid also has its window of levels: the plan moves with it.
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
    #: "stop_loss", "take_profit" or "strategy" once the bot is done.
    stopped: str | None = None

    def __post_init__(self) -> None:
        self.books = Books(self.plan)
        self.empty = self.plan.empty

    def start(self) -> Iterator[Fill]:
        """Start at the plan's start price: buy the base of the upper cells at once."""
        self.started = True
        if self.plan.start_lots:
            yield self._book(Fill(START, -1, BUY, self.plan.start_fill, self.plan.start_lots))
        while self._trail(self.plan.start):
            pass

    def regrid(self, grid: Grid, price: int, market: Market | None = None) -> Iterator[Fill]:
        """Another grid takes this one's place at `price`. InvalidInput, with nothing changed, where it cannot.

        market: whose rules the new grid obeys; None: the plan's own.
        """
        self.plan = regridded(self.books, Change(grid, price, self.slippage, market))
        self.books.regrid(self.plan)
        self.empty = self.plan.empty
        if self.plan.start_lots:
            side = self.plan.start_side
            yield self._book(Fill(REGRID, -1, side, price + side * self.slippage, self.plan.start_lots))

    def stop(self, price: int, sell: bool) -> Iterator[Fill]:
        """A strategy ends it all at `price`: every order goes, and with `sell` all whole lots."""
        self.plan = replace(self.plan, stop_sell=sell)
        yield from self._stop("strategy", price)

    def leg(self, y: int, *, gap: bool = False) -> Iterator[Fill]:
        """The price moves on to `y`; `gap` marks the jump from the last close to the open."""
        if not self.started or self.stopped:
            return
        # The price passes the levels one by one: a stop that a move of the grid takes along is not reached by it.
        while not self.stopped:
            stop_loss, take_profit = self.plan.stop_loss, self.plan.take_profit
            reason, end = None, y
            if stop_loss is not None and y <= stop_loss:
                reason, end = "stop_loss", stop_loss
            elif take_profit is not None and y >= take_profit:
                reason, end = "take_profit", take_profit
            yield from self._buy_down_to(end)
            yield from self._sell_up_to(end)
            if self._trail(end):
                continue
            if reason is None:
                return
            yield from self._stop(reason, y if gap else end)

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
            i = self.empty
            yield self._book(Fill(GRID, self.plan.offset + i, BUY, levels[i], self.plan.gross[i]))

    def _sell_up_to(self, y: int) -> Iterator[Fill]:
        levels = self.plan.levels
        while self.empty < self.plan.n and y >= levels[self.empty + 1] + self.penetration:
            i = self.empty
            self.empty += 1
            yield self._book(Fill(GRID, self.plan.offset + i, SELL, levels[i + 1], self.plan.lots[i]))

    def _trail(self, y: int) -> bool:
        """Move one level where the price has gone so far beyond the last one; False where the grid stays."""
        plan, rules = self.plan, Trailing(self.penetration)
        up = raised(plan, self.books.cash, rules) if self.empty == plan.n else None
        down = lowered(plan, rules) if self.empty == 0 else None
        if up is not None and y >= up[0]:
            self.plan = self.books.plan = up[1]
        elif down is not None and y <= down[0]:
            self.plan = down[1]
            self.books.inherit(self.plan, plan.offset + plan.n - 1, self.plan.offset)
        else:
            return False
        return True

    def _stop(self, reason: str, price: int) -> Iterator[Fill]:
        self.stopped = reason
        whole = self.books.base_micro // 1_000_000
        if self.plan.stop_sell and whole:
            yield self._book(Fill(STOP, -1, SELL, price - self.slippage, whole))

    def _book(self, fill: Fill) -> Fill:
        self.books.apply(fill)
        return fill

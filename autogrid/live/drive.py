"""Candles into a simulated exchange, leg by leg, and a tick wherever something may happen (contract, section 4).

Used by replays (memory) and by paper bots (stored candles as they arrive): the same legs, the same tick.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from autogrid.core.bot import Bot
from autogrid.core.path import points
from autogrid.core.position import DONE, RUNNING
from autogrid.core.trailing import DEFAULT, Trailing
from autogrid.exchange.simulated import Simulated
from autogrid.live.ports import Brain

#: Candle open time in ms, then open, high, low, close in ticks, consistent (low <= open, close <= high).
Row = tuple[int, int, int, int, int]
FAR = 1 << 62


@dataclass
class Drive:
    """One bot on one simulated market. `react` runs the bot's tick and returns the bot as it is then."""

    exchange: Simulated
    react: Callable[[], Bot]
    bot: Bot
    #: Order of extremes, a code of `core.path`.
    path: int = 0
    #: How a trailing grid moves.
    trailing: Trailing = DEFAULT
    #: What decides for a bot whose strategy does.
    brain: Brain | None = None
    #: True while it is the moment to: at the open, after what the gap filled.
    deciding: bool = False
    #: Close of the candle before, None at the first.
    close: int | None = None
    #: Prices between which nothing can happen; (FAR, -FAR) makes every candle look.
    low: int = FAR
    high: int = -FAR
    #: Legs of the present candle that are walked already: where a paper bot goes on after a crash.
    leg: int = 0

    def run(self, rows: Iterable[Row]) -> None:
        """Walk candles until they end or the bot does."""
        for row in rows:
            if self.passes(row):
                self.close = row[4]
                continue
            self.candle(row)
            if self.finished:
                return

    def passes(self, row: Row) -> bool:
        """Whether nothing can happen in the candle."""
        quiet = row[3] > self.low and row[2] < self.high and self.low < row[1] < self.high
        return quiet and not self._due(row[0])

    @property
    def finished(self) -> bool:
        """The bot will not trade any more."""
        return self.bot.status in ("stopped", "halted", "refused")

    def candle(self, row: Row) -> None:
        """One candle: the gap to its open, then its path."""
        ts, open_, high, low, close = row
        self.exchange.now_ms = ts
        before = open_ if self.close is None else self.close
        for k, y in enumerate(points(open_, high, low, close, self.path)):
            if k >= self.leg:
                self.leg = k
                if self.bot.position is None and self.bot.strategy is None:
                    self._begin(before, y)
                if self.bot.position is not None and not self.finished:
                    self._leg(y, gap=k == 0)
                if k == 0 and not self.finished and self._due(ts):
                    self.deciding = True
                    self._look(y)
                    self.deciding = False
            before = y
        self.leg = 0
        self.close = close
        self.exchange.arrive(close)
        self._watch()

    def _due(self, ts_ms: int) -> bool:
        """Whether the bot's strategy decides at the open of this candle."""
        return self.brain is not None and self.brain.due(self.bot, ts_ms) is not None

    def _begin(self, before: int, y: int) -> None:
        """Before the start only the trigger matters: the price stops there on its way."""
        trigger = self.bot.grid.trigger
        if trigger is None:
            self._look(y)
            return
        at = self.bot.market.price_ticks(trigger)
        if self.bot.first_price is None:
            self._look(before)
        if self.bot.position is None and min(before, y) <= at <= max(before, y):
            self._look(at)

    def _leg(self, y: int, gap: bool) -> None:
        while True:
            position = self.bot.position
            assert position is not None  # the caller has looked
            plan, running = position.plan, position.phase == RUNNING
            if running and plan.stop_loss is not None and y <= plan.stop_loss:
                self._trade_to(plan.stop_loss, y if gap else plan.stop_loss)
                self._look(y if gap else plan.stop_loss)
            elif running and plan.take_profit is not None and y >= plan.take_profit:
                self._trade_to(plan.take_profit, y if gap else plan.take_profit)
                self._look(y if gap else plan.take_profit)
            else:
                self._trade_to(y, y)
                if self._moves(y):
                    self._look(y)
            if self.finished or self._offset == plan.offset:
                return  # else the grid has moved, and its stops with it: the leg goes on

    @property
    def _offset(self) -> int | None:
        return None if self.bot.position is None else self.bot.position.plan.offset

    def _moves(self, y: int) -> bool:
        position = self.bot.position
        return position is not None and position.next_move(y, self.trailing) is not None

    def _trade_to(self, y: int, seen: int) -> None:
        """Fill what the leg reaches; bots with an order window place the next orders in between.

        seen: the price of the market once it is at `y`; beyond it where a gap jumps over a stop at `y`.
        """
        while self.exchange.match(y):
            if self.exchange.last == y:
                self.exchange.arrive(seen)
            self.bot = self.react()
            if self.bot.position is None or self.bot.position.phase != RUNNING:
                return

    def _look(self, price: int) -> None:
        self.exchange.arrive(price)
        self.bot = self.react()

    def _watch(self) -> None:
        """The prices between which the next candles can be passed over."""
        self.low, self.high = FAR, -FAR
        position = self.bot.position
        if position is None or position.phase not in (RUNNING, DONE):
            return
        down, up = self.exchange.reach()
        plan, moves = position.plan, position.moves_at(self.trailing)
        self.low = max(-FAR if price is None else price for price in (down, plan.stop_loss, moves[0]))
        self.high = min(FAR if price is None else price for price in (up, plan.take_profit, moves[1]))

"""A grid driven by fills: what a live grid is, and what orders it wants (contract, section 3).

The ladder of `autogrid.core.ladder` is driven by prices and fills itself; a position is told what an exchange
filled, in whole or in part, late or out of order. With whole fills in order both are the same machine.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from autogrid.core.ledger import MICRO, Books, Fee
from autogrid.core.orders import BUY, GRID, SELL, START, STOP, Fill, Intent, Key
from autogrid.core.plan import Plan

#: Phases of a position, in order.
STARTING, RUNNING, STOPPING, DONE = "starting", "running", "stopping", "done"


class Trade(NamedTuple):
    """One execution of one of the grid's orders, in units."""

    key: Key
    side: int
    price: int
    lots: int
    #: None charges what the market's rules say.
    fee: Fee | None = None


@dataclass
class Position:
    """One planned grid. Cell i waits to buy at level i, or holds base and waits to sell at level i + 1."""

    plan: Plan
    phase: str = STARTING
    #: Why it stops: "stop_loss", "take_profit", "user", or None while it does not.
    stopped: str | None = None
    #: Whether the base is sold when it stops.
    sell_on_stop: bool = True
    #: Lots of the start order and of the stop order filled so far.
    start_done: int = 0
    stop_done: int = 0
    books: Books = field(init=False)
    holds: list[bool] = field(init=False)
    #: Lots of each waiting cell's present buy filled so far.
    done: list[int] = field(init=False)
    #: How often each cell has turned.
    cycle: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.books = Books(self.plan)
        n = self.plan.n
        self.holds = [i >= self.plan.empty for i in range(n)]
        self.done, self.cycle = [0] * n, [0] * n
        self.sell_on_stop = self.plan.stop_sell
        if not self.plan.start_lots:
            self.phase = RUNNING

    def apply(self, trade: Trade) -> bool:
        """Book one execution; False if it was more than its order asked for (an order was accepted twice)."""
        key = trade.key
        held = self.books.lots.get(key.cell, 0)
        self.books.apply(Fill(key.kind, key.cell, trade.side, trade.price, trade.lots), trade.fee)
        if key.kind == START:
            self.start_done += trade.lots
            if self.phase == STARTING and self.start_done >= self.plan.start_lots:
                self.phase = RUNNING
            return self.start_done <= self.plan.start_lots
        if key.kind == STOP:
            self.stop_done += trade.lots
            return True
        cell = key.cell
        if key.cycle != self.cycle[cell] or (trade.side == SELL) != self.holds[cell]:
            return False
        if trade.side == BUY:
            self.done[cell] += trade.lots
            excess = self.done[cell] - self.plan.gross[cell]
            if excess >= 0:
                self._turn(cell)
            return excess <= 0
        if self._to_sell(cell) <= 0:
            self._turn(cell)
        return trade.lots <= held

    def _turn(self, cell: int) -> None:
        if self.holds[cell] and self.books.settle(cell):
            self.books.round_trips += 1
        self.holds[cell] = not self.holds[cell]
        self.cycle[cell] += 1
        self.done[cell] = 0

    def _to_sell(self, cell: int) -> int:
        return self.books.lots.get(cell, 0) - self.shortage().get(cell, 0)

    def finish_start(self, price: int) -> bool:
        """Go on without the last lots of the start order where they are too few to be ordered; False if they are not.

        A cell that got too little to be sold waits to buy instead.
        """
        left = self.plan.start_lots - self.start_done
        least = self.plan.market.min_notional_atoms
        if self.phase != STARTING or not self.start_done or left * price >= least:
            return False
        self.phase = RUNNING
        for cell in range(self.plan.empty, self.plan.n):
            lots = self.books.lots.get(cell, 0)
            if lots < 1 or lots * self.plan.levels[cell + 1] < least:
                self.books.settle(cell)
                self.holds[cell] = False
        return True

    def carry(self, cell: int) -> None:
        """The rest of the cell's order is below the least notional and does not rest: it becomes dust on the books.

        A sell's rest stays as base without a cell. A buy's cell goes on with what it got, or, where that is too
        little to be sold, keeps it as dust and buys anew.
        """
        least = self.plan.market.min_notional_atoms
        if self.holds[cell] or self.books.lots.get(cell, 0) * self.plan.levels[cell + 1] >= least:
            self._turn(cell)
        else:
            self.books.settle(cell)
            self.cycle[cell] += 1
            self.done[cell] = 0

    def shortage(self) -> dict[int, int]:
        """cell -> lots it cannot sell because fees were taken from the base; from the highest cell down.

        Empty on markets that do what their rules say: buys are grossed up for the fee, and the fee of a buy that is
        filled in part is known.
        """
        lots, market = self.books.lots, self.plan.market
        kept = MICRO - market.maker_ppm if market.fee_in_base else MICRO
        due = sum(held * (MICRO if self.holds[cell] else kept) for cell, held in lots.items())
        missing = -int((self.books.base_micro - due) // MICRO)
        found = {}
        if missing > 0:
            for cell in sorted((cell for cell in lots if self.holds[cell]), reverse=True):
                part = min(missing, lots[cell])
                if part <= 0:
                    break
                found[cell] = part
                missing -= part
        return found

    def stop(self, reason: str, sell: bool) -> None:
        """Cancel everything; with `sell` then sell all whole lots."""
        self.stopped, self.sell_on_stop, self.phase = reason, sell, STOPPING

    def stop_reached(self, price: int) -> str | None:
        """The stop that a traded price of `price` ticks reaches, if any."""
        if self.plan.stop_loss is not None and price <= self.plan.stop_loss:
            return "stop_loss"
        if self.plan.take_profit is not None and price >= self.plan.take_profit:
            return "take_profit"
        return None

    @property
    def empty(self) -> int:
        """The number of cells that hold quote."""
        return self.holds.count(False)

    def wanted(self, price: int, window: int | None = None) -> list[Intent]:
        """The orders that should be there now, `window` of them at most: those nearest to the turning point.

        `price` ticks is what market orders are expected to get. A stop order is wanted only once nothing rests:
        the caller sees to it that every other order is final first.
        """
        if self.phase == STARTING:
            left = self.plan.start_lots - self.start_done
            return [Intent(Key(START, -1, 0), BUY, price, left)]
        if self.phase == STOPPING:
            whole = int(self.books.base_micro // MICRO)
            if self.sell_on_stop and whole and whole * price >= self.plan.market.min_notional_atoms:
                return [Intent(Key(STOP, -1, 0), SELL, price, whole)]
            return []
        return self._ladder(window) if self.phase == RUNNING else []

    def _ladder(self, window: int | None) -> list[Intent]:
        plan, levels, lots = self.plan, self.plan.levels, self.books.lots
        short = self.shortage()
        # From the turning point outwards: the highest buys and the lowest sells first.
        buys = [cell for cell, holding in enumerate(self.holds) if not holding][::-1]
        sells = [cell for cell in range(plan.n) if lots.get(cell, 0) > short.get(cell, 0) and self.holds[cell]]
        if window is not None and len(buys) + len(sells) > window:
            some = min(len(buys), max(window - window // 2, window - len(sells)))
            buys, sells = buys[:some], sells[: window - some]
        return [
            Intent(Key(GRID, cell, self.cycle[cell]), BUY, levels[cell], plan.gross[cell] - self.done[cell])
            for cell in buys
        ] + [
            Intent(Key(GRID, cell, self.cycle[cell]), SELL, levels[cell + 1], lots[cell] - short.get(cell, 0))
            for cell in sells
        ]

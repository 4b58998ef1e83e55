"""A grid driven by fills: what a live grid is, and what orders it wants (contract, section 3).

The ladder of `autogrid.core.ladder` is driven by prices and fills itself; a position is told what an exchange
filled, in whole or in part, late or out of order. With whole fills in order both are the same machine.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from autogrid.core.grid import Grid
from autogrid.core.ledger import MICRO, Books, Fee
from autogrid.core.orders import BUY, GRID, REGRID, SELL, START, STOP, Fill, Intent, Key
from autogrid.core.plan import Plan
from autogrid.core.trailing import Trailing, lowered, raised

#: Phases of a position, in order. Regridding: all orders go, then another grid starts.
STARTING, RUNNING, REGRIDDING, STOPPING, DONE = "starting", "running", "regridding", "stopping", "done"


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
    """One planned grid. Cell i waits to buy at level i, or holds base and waits to sell at level i + 1.

    A trailing grid's cells are numbered on below 0 and above n - 1; lists have them in order from `plan.offset` on.
    """

    plan: Plan
    phase: str = STARTING
    #: Why it stops: "stop_loss", "take_profit", "strategy", "user", or None while it does not.
    stopped: str | None = None
    #: Whether the base is sold when it stops.
    sell_on_stop: bool = True
    #: Lots of the start order and of the stop order filled so far.
    start_done: int = 0
    stop_done: int = 0
    #: The grid that takes this one's place once no order of it is left.
    next_grid: Grid | None = None
    books: Books = field(init=False)
    holds: list[bool] = field(init=False)
    #: Lots of each waiting cell's present buy filled so far.
    done: list[int] = field(init=False)
    #: How often each cell has turned. A cell that is added when the grid moves goes on with the next number of the one
    #: that is dropped: whichever cell comes back, its orders have names that were never used.
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
        if key.kind in (START, REGRID):
            if key != self.plan.opening:
                return False
            self.start_done += trade.lots
            if self.phase == STARTING and self.start_done >= self.plan.start_lots:
                self.phase = RUNNING
            return self.start_done <= self.plan.start_lots
        if key.kind == STOP:
            self.stop_done += trade.lots
            return True
        cell, i = key.cell, self.plan.index(key.cell)
        if i is None or key.cycle != self.cycle[i] or (trade.side == SELL) != self.holds[i]:
            return False
        if trade.side == BUY:
            self.done[i] += trade.lots
            excess = self.done[i] - self.plan.gross[i]
            if excess >= 0:
                self._turn(cell)
            return excess <= 0
        if self._to_sell(cell) <= 0:
            self._turn(cell)
        return trade.lots <= held

    def _turn(self, cell: int) -> None:
        i = cell - self.plan.offset
        if self.holds[i] and self.books.settle(cell):
            self.books.round_trips += 1
        self.holds[i] = not self.holds[i]
        self.cycle[i] += 1
        self.done[i] = 0

    def _to_sell(self, cell: int) -> int:
        return self.books.lots.get(cell, 0) - self.shortage().get(cell, 0)

    def finish_start(self, price: int) -> bool:
        """Go on without the last lots of the start order where they are too few to be ordered; False if they are not.

        A cell that got too little to be sold waits to buy instead.
        """
        left = self.plan.start_lots - self.start_done
        least = self.plan.market.min_notional_atoms
        if self.phase != STARTING or not (self.start_done or self.plan.regrid) or left * price >= least:
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
        i = cell - self.plan.offset
        if self.holds[i] or self.books.lots.get(cell, 0) * self.plan.levels[i + 1] >= least:
            self._turn(cell)
        else:
            self.books.settle(cell)
            self.cycle[i] += 1
            self.done[i] = 0

    def shortage(self) -> dict[int, int]:
        """cell -> lots it cannot sell because fees were taken from the base; from the highest cell down.

        Empty on markets that do what their rules say: buys are grossed up for the fee, and the fee of a buy that is
        filled in part is known.
        """
        lots, market, first = self.books.lots, self.plan.market, self.plan.offset
        kept = MICRO - market.maker_ppm if market.fee_in_base else MICRO
        due = sum(held * (MICRO if self.holds[cell - first] else kept) for cell, held in lots.items())
        missing = -int((self.books.base_micro - due) // MICRO)
        found = {}
        if missing > 0:
            for cell in sorted((cell for cell in lots if self.holds[cell - first]), reverse=True):
                part = min(missing, lots[cell])
                if part <= 0:
                    break
                found[cell] = part
                missing -= part
        return found

    def stop(self, reason: str, sell: bool) -> None:
        """Cancel everything; with `sell` then sell all whole lots."""
        self.stopped, self.sell_on_stop, self.phase, self.next_grid = reason, sell, STOPPING, None

    def stop_reached(self, price: int) -> str | None:
        """The stop that a traded price of `price` ticks reaches, if any."""
        if self.plan.stop_loss is not None and price <= self.plan.stop_loss:
            return "stop_loss"
        if self.plan.take_profit is not None and price >= self.plan.take_profit:
            return "take_profit"
        return None

    def trail(self, price: int, rules: Trailing) -> bool:
        """Move one level where the traded price has gone so far beyond the last one (contract, section 9).

        False where the grid stays: while a cell is filled in part, and where a stop comes first.
        """
        move = self.next_move(price, rules)
        if move is None:
            return False
        old, self.plan = self.plan, move
        up = move.offset > old.offset
        if up:
            self.books.plan = move
        else:
            self.books.inherit(move, old.offset + old.n - 1, move.offset)
        at = 1 if up else old.n - 1
        self.holds = self.holds[at:] + self.holds[:at]
        self.done = self.done[at:] + self.done[:at]
        self.cycle = self.cycle[at:] + self.cycle[:at]
        self.cycle[-1 if up else 0] += 1
        return True

    def next_move(self, price: int, rules: Trailing) -> Plan | None:
        """The plan one level on, where the traded price calls for it."""
        plan, limit = self.plan, price
        if self.phase != RUNNING or plan.grid.trailing is None:
            return None
        up = down = None
        if not any(self.holds) and not self.books.lots:
            limit = price if plan.take_profit is None else min(price, plan.take_profit)
            up = raised(plan, self.books.cash, rules)
        elif all(self.holds):
            limit = price if plan.stop_loss is None else max(price, plan.stop_loss)
            down = lowered(plan, rules)
        if up is not None and limit >= up[0]:
            return up[1]
        return down[1] if down is not None and limit <= down[0] else None

    def moves_at(self, rules: Trailing) -> tuple[int | None, int | None]:
        """Prices (ticks) at or below, at or above which the grid moves; None where it does not."""
        if self.phase != RUNNING or self.plan.grid.trailing is None:
            return None, None
        up = raised(self.plan, self.books.cash, rules) if not any(self.holds) and not self.books.lots else None
        down = lowered(self.plan, rules) if all(self.holds) else None
        return down and down[0], up and up[0]

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
            return [Intent(self.plan.opening, self.plan.start_side, price, left)]
        if self.phase == STOPPING:
            whole = int(self.books.base_micro // MICRO)
            if self.sell_on_stop and whole and whole * price >= self.plan.market.min_notional_atoms:
                return [Intent(Key(STOP, -1, 0), SELL, price, whole)]
            return []
        return self._ladder(window) if self.phase == RUNNING else []

    def _ladder(self, window: int | None) -> list[Intent]:
        plan, levels, lots, first = self.plan, self.plan.levels, self.books.lots, self.plan.offset
        short = self.shortage()
        # From the turning point outwards: the highest buys and the lowest sells first.
        buys = [i for i, holding in enumerate(self.holds) if not holding][::-1]
        sells = [i for i in range(plan.n) if self.holds[i] and lots.get(first + i, 0) > short.get(first + i, 0)]
        if window is not None and len(buys) + len(sells) > window:
            some = min(len(buys), max(window - window // 2, window - len(sells)))
            buys, sells = buys[:some], sells[: window - some]
        return [
            Intent(Key(GRID, first + i, self.cycle[i]), BUY, levels[i], plan.gross[i] - self.done[i]) for i in buys
        ] + [
            Intent(
                Key(GRID, first + i, self.cycle[i]),
                SELL,
                levels[i + 1],
                lots[first + i] - short.get(first + i, 0),
            )
            for i in sells
        ]

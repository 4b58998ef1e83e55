"""The slow, obvious twin of the kernel: the core's ladder, candle by candle."""

from dataclasses import dataclass

from autogrid.core.ladder import Ladder
from autogrid.core.ledger import Exact
from autogrid.core.orders import Fill
from autogrid.core.path import path_code, points
from autogrid.core.plan import Plan
from autogrid.research.ticks import CandleTicks


@dataclass(frozen=True)
class Trace:
    """Everything that happened. Lists have one entry per candle, after that candle."""

    ladder: Ladder
    fills: list[tuple[int, Fill]]
    empty: list[int]
    cash: list[Exact]
    base_micro: list[Exact]
    #: The plan, which moves with a trailing grid.
    windows: list[Plan]


def trace(plan: Plan, ticks: CandleTicks, path: str, penetration: int, slippage: int) -> Trace:
    """Walk every candle; arguments as in `simulate.prepare`."""
    return trace_orders(plan, ticks, [path_code(path)] * len(ticks), penetration, slippage)


def trace_orders(plan: Plan, ticks: CandleTicks, orders: list[int], penetration: int, slippage: int) -> Trace:
    """As `trace`, with an order of extremes for each candle."""
    ladder = Ladder(plan, penetration, slippage)
    result = Trace(ladder, [], [], [], [], [])
    last_close = None
    rows = zip(ticks.open.tolist(), ticks.high.tolist(), ticks.low.tolist(), ticks.close.tolist(), strict=True)
    for t, (open_, high, low, close) in enumerate(rows):
        walk = points(open_, high, low, close, orders[t])
        result.fills.extend((t, fill) for fill in ladder.candle(walk, last_close))
        result.empty.append(ladder.empty)
        result.cash.append(ladder.books.cash)
        result.base_micro.append(ladder.books.base_micro)
        result.windows.append(ladder.plan)
        last_close = close
    return result

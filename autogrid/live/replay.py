"""The live engine on stored candles, in memory: the proof that what was backtested is what will trade."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from autogrid.core.bot import DEFAULT_WINDOW, Bot, Event, FillRow
from autogrid.core.decision import UNDECIDED
from autogrid.core.grid import Grid
from autogrid.core.market import Market, Number
from autogrid.core.path import path_code
from autogrid.core.plan import check_headroom, plan
from autogrid.core.position import Position
from autogrid.core.trailing import Trailing, most_lots
from autogrid.errors import InvalidInput
from autogrid.exchange.simulated import Simulated
from autogrid.live.decided import Decided
from autogrid.live.drive import Drive, Row
from autogrid.live.memory import MemoryStore
from autogrid.live.tick import TickRules, tick

if TYPE_CHECKING:
    import pandas as pd

    from autogrid.live.frame_brain import FrameBrain
    from autogrid.strategies.dynamic import Dynamic

SYMBOL = "BASE/QUOTE"


@dataclass(frozen=True)
class Replay:
    """What the live engine did."""

    #: None if a trigger price was never reached.
    position: Position | None
    #: In order of happening; `ts_ms` is the open time of the candle.
    fills: list[FillRow]
    #: "stop_loss", "take_profit" or "strategy" if the bot ended by a stop.
    stopped: str | None
    events: list[Event]


def replay(
    grid: "Grid | Dynamic | Decided",
    market: Market,
    rows: list[Row],
    *,
    cash: Number | None = None,
    path: str = "nearest",
    penetration_ticks: int = 1,
    slippage_ticks: int = 0,
    window: int | None = DEFAULT_WINDOW,
    cell_market: Market | None = None,
    candles: "pd.DataFrame | None" = None,
) -> Replay:
    """Run the live tick over `rows` (consistent candles in ticks) on a simulated exchange and an in-memory store.

    cell_market: whose rules the cells obey that a trailing grid adds, and grids that a strategy decides; None:
    `market`. candles: what a strategy decides on; only it needs them, and not where `grid` is decisions taken before.
    The other arguments are those of `backtest`. Raises InvalidInput as `backtest` does.
    """
    if not rows:
        raise InvalidInput("candles are empty: at least one is needed; check the range asked for")
    strategy, brain = None, None
    if isinstance(grid, Grid):
        money = _checked(grid, market, rows, cash, slippage_ticks)
    else:
        strategy, brain = type(grid).__name__, grid if isinstance(grid, Decided) else _brain(grid, candles, rows)
        if cash is None:
            raise InvalidInput("a strategy that decides needs cash")
        grid, money = UNDECIDED, market.atoms(cash)
    trailing = Trailing(penetration_ticks, cell_market or market)
    market = market.unlimited()  # one start order and one stop order, as the contract says
    exchange = Simulated(SYMBOL, market, quote=money, penetration=penetration_ticks, slippage=slippage_ticks)
    store = MemoryStore()
    spend = None if cash is None else Decimal(cash)
    bot = Bot(1, "00", "replay", 1, SYMBOL, market, grid, spend, slippage_ticks, code_hash="", window=window)
    bot.strategy = strategy
    store.add(bot)
    rules = TickRules(code_hash="", trailing=trailing)
    deciding = replace(rules, brain=brain)

    def react() -> Bot:
        tick(bot.id, store, exchange, lambda: exchange.now_ms, deciding if drive.deciding else rules)
        return bot

    drive = Drive(exchange, react, bot, path_code(path), trailing, brain)
    drive.run(rows)
    if bot.status == "halted":
        raise InvalidInput(f"the live engine halted: {bot.reason}")
    stopped = bot.reason if bot.status == "stopped" else None
    return Replay(bot.position, store.fills, stopped, store.events)


def _brain(strategy: "Dynamic", candles: "pd.DataFrame | None", rows: list[Row]) -> "FrameBrain":
    if candles is None:
        raise InvalidInput("a strategy that decides needs the candles it decides on")
    from autogrid.live.frame_brain import FrameBrain  # pandas: paper bots walk candles without it

    return FrameBrain(strategy, candles, [row[0] for row in rows])


def _checked(grid: Grid, market: Market, rows: list[Row], cash: Number | None, slippage_ticks: int) -> int:
    """The cash in atoms of a grid that can start, and that no integer of a run can leave int64."""
    start = rows[0][1] if grid.trigger is None else market.price_ticks(grid.trigger)
    planned = plan(grid, market, start, cash=cash, slippage_ticks=slippage_ticks)
    top, low = max(planned.levels[-1], planned.start_fill, *(row[2] for row in rows)), min(row[3] for row in rows)
    check_headroom(planned, top, most=most_lots(planned, low))
    return planned.cash


def consistent(rows: Iterable[Row]) -> list[Row]:
    """Widen each candle's extremes to hold its open and close (contract, section 4)."""
    return [(ts, o, max(h, o, c), min(low, o, c), c) for ts, o, h, low, c in rows]

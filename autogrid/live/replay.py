"""The live engine on stored candles, in memory: the proof that what was backtested is what will trade."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from autogrid.core.bot import DEFAULT_WINDOW, Bot, FillRow
from autogrid.core.grid import Grid
from autogrid.core.market import Market, Number
from autogrid.core.path import path_code
from autogrid.core.plan import check_headroom, plan
from autogrid.core.position import Position
from autogrid.core.trailing import Trailing, most_lots
from autogrid.errors import InvalidInput
from autogrid.exchange.simulated import Simulated
from autogrid.live.drive import Drive, Row
from autogrid.live.memory import MemoryStore
from autogrid.live.tick import TickRules, tick

SYMBOL = "BASE/QUOTE"


@dataclass(frozen=True)
class Replay:
    """What the live engine did."""

    #: None if a trigger price was never reached.
    position: Position | None
    #: In order of happening; `ts_ms` is the open time of the candle.
    fills: list[FillRow]
    #: "stop_loss" or "take_profit" if the bot ended by a stop.
    stopped: str | None


def replay(
    grid: Grid,
    market: Market,
    rows: list[Row],
    *,
    cash: Number | None = None,
    path: str = "nearest",
    penetration_ticks: int = 1,
    slippage_ticks: int = 0,
    window: int | None = DEFAULT_WINDOW,
    cell_market: Market | None = None,
) -> Replay:
    """Run the live tick over `rows` (consistent candles in ticks) on a simulated exchange and an in-memory store.

    cell_market: whose rules the cells obey that a trailing grid adds; None: `market`. The other arguments are those of
    `backtest`. Raises InvalidInput as `backtest` does.
    """
    if not rows:
        raise InvalidInput("candles are empty: at least one is needed; check the range asked for")
    start = rows[0][1] if grid.trigger is None else market.price_ticks(grid.trigger)
    planned = plan(grid, market, start, cash=cash, slippage_ticks=slippage_ticks)
    trailing = Trailing(penetration_ticks, cell_market or market)
    top, low = max(planned.levels[-1], planned.start_fill, *(row[2] for row in rows)), min(row[3] for row in rows)
    check_headroom(planned, top, most=most_lots(planned, low))
    market = market.unlimited()  # one start order and one stop order, as the contract says
    exchange = Simulated(SYMBOL, market, quote=planned.cash, penetration=penetration_ticks, slippage=slippage_ticks)
    store = MemoryStore()
    spend = None if cash is None else Decimal(cash)
    bot = Bot(1, "00", "replay", 1, SYMBOL, market, grid, spend, slippage_ticks, code_hash="", window=window)
    store.add(bot)
    rules = TickRules(code_hash="", trailing=trailing)

    def react() -> Bot:
        tick(bot.id, store, exchange, lambda: exchange.now_ms, rules)
        return bot

    Drive(exchange, react, bot, path_code(path), trailing).run(rows)
    if bot.status == "halted":
        raise InvalidInput(f"the live engine halted: {bot.reason}")
    return Replay(bot.position, store.fills, None if bot.position is None else bot.position.stopped)


def consistent(rows: Iterable[Row]) -> list[Row]:
    """Widen each candle's extremes to hold its open and close (contract, section 4)."""
    return [(ts, o, max(h, o, c), min(low, o, c), c) for ts, o, h, low, c in rows]

"""The twin of a stored bot: its fills, orders and looks out of the store, its candles through the engine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from sqlalchemy.engine import Connection, Engine

from autogrid.core.bot import Bot
from autogrid.core.market import Market
from autogrid.core.orders import START
from autogrid.errors import InvalidInput
from autogrid.live.drive import Row
from autogrid.live.replay import consistent, replay
from autogrid.live.twin import ENDS, Actual, Twin, compare, outages, pauses
from autogrid.store import bot_history, bots
from autogrid.store.bot_history import TwinRow
from autogrid.store.coverage import to_ms
from autogrid.store.tick_store import PgTickStore
from autogrid.store.ticking import candles_after

#: Open time in ms, then open, high, low, close as an exchange writes them.
Candle = tuple[int, float, float, float, float]
MINUTE_MS = 60_000
#: Why bots whose strategy decides have no twin.
UNPAIRED = (
    "its strategy decides by what the bot holds, so that after one fill that differs the replay is another bot's; "
    "compare it with a backtest of its study"
)
#: Two years of minutes.
MOST = 1_051_200


@dataclass(frozen=True)
class Period:
    """When a bot was at work, ms; `end` excluded."""

    bot: Bot
    row: bots.Row
    start: int
    end: int


def period(engine: Engine, bot_id: int, now: datetime) -> Period:
    """From the bot's start to its end, or now. InvalidInput before it has begun, and where it can have no twin."""
    bot = PgTickStore(engine).load(bot_id)
    if bot.strategy is not None:
        raise InvalidInput(f"bot {bot_id} has no twin: {UNPAIRED}")
    with engine.connect() as connection:
        row = bots.get(connection, bot_id)
        first = bot_history.fills(connection, bot_id, limit=1)
    if bot.position is None:
        raise InvalidInput(f"bot {bot_id} has not begun: it has no twin yet; see autogrid bots explain {bot_id}")
    started = bool(first) and first[0][1].key.kind == START  # a grid that begins in quote buys nothing to start
    began = first[0][1].ts_ms if started else to_ms(row.started_at or row.created_at)
    return Period(bot, row, began, to_ms(row.stopped_at or now))


def twin(engine: Engine, found: Period, candles: Sequence[Candle], penetration_ticks: int = 1) -> Twin:
    """Compare a bot with the replay of `candles` (from the one it began in), up to the last one's close."""
    bot = found.bot
    rows = ticks(candles, bot.market)
    done = replay(
        bot.grid,
        bot.market,
        rows,
        cash=bot.cash,
        penetration_ticks=penetration_ticks,
        slippage_ticks=bot.slippage_ticks,
        window=bot.window,
    )
    end = min(found.end, rows[-1][0] + _step(rows))
    with engine.connect() as connection:
        actual = _actual(connection, bot, found.start, end)
    return compare(actual, done.fills, bot.market, rows[-1][4])


def stored(engine: Engine, found: Period) -> list[Candle]:
    """The store's minutes of the bot's period. InvalidInput where there are none."""
    before = datetime.fromtimestamp(found.start // MINUTE_MS * MINUTE_MS / 1000, UTC) - timedelta(minutes=1)
    rows = candles_after(engine, found.row.exchange, found.row.symbol, before, MOST)
    candles = [(to_ms(ts), *prices) for ts, *prices in rows if to_ms(ts) < found.end]
    if not candles:
        name, since = f"{found.row.exchange} {found.row.symbol} 1m", before + timedelta(minutes=1)
        raise InvalidInput(
            f"the twin of bot {found.bot.id} needs candles of {name} from {since:%Y-%m-%dT%H:%M} on, found none; "
            f"run: autogrid candles fetch {name} --since {since:%Y-%m-%dT%H:%M}"
        )
    return candles


def daily(engine: Engine, bot_id: int, now: datetime) -> TwinRow:
    """Compare a bot with its twin from its start up to now and store that as the day's. Safe to run again."""
    found = period(engine, bot_id, now)
    candles = stored(engine, found)
    done = twin(engine, found, candles)
    day = datetime.fromtimestamp(candles[-1][0] / 1000, UTC).date()
    with engine.begin() as connection:
        return save(connection, found.bot, day, done)


def save(connection: Connection, bot: Bot, day: date, found: Twin) -> TwinRow:
    """Store one day's twin."""
    assert bot.position is not None  # it has a twin
    bps = found.divergence_bps(bot.position.plan.cash)
    parts: dict[str, str | int] = {name: f"{money(found.market, atoms):f}" for name, atoms in found.parts.items()}
    parts |= {"difference": f"{money(found.market, found.difference):f}", "lacking": found.lacking}
    parts["extra"] = found.extra
    row = TwinRow(day, parts, Decimal(f"{float(bps):.6f}"))
    bot_history.save_twin(connection, bot.id, row)
    return row


def ticks(candles: Iterable[Candle], market: Market) -> list[Row]:
    """Candles in ticks: each float is the shortest decimal that names it."""
    rows = []
    for ts, *prices in candles:
        open_, high, low, close = (market.price_ticks(repr(float(price))) for price in prices)
        rows.append((int(ts), open_, high, low, close))
    return consistent(rows)


def money(market: Market, atoms: Fraction) -> Decimal:
    """Atoms as quote, to the atom."""
    return market.money(round(atoms))


def _step(rows: list[Row]) -> int:
    return min((b[0] - a[0] for a, b in pairwise(rows)), default=60_000)


def _actual(connection: Connection, bot: Bot, start: int, end: int) -> Actual:
    fills = [row for _, row in bot_history.fills(connection, bot.id, end=end)]
    ordered = {(each.order.key, each.order.side) for each in bot_history.orders(connection, bot.id, limit=1_000_000)}
    first = datetime.fromtimestamp(start / 1000, UTC) - timedelta(minutes=1)
    last = datetime.fromtimestamp(end / 1000, UTC)
    looked = [to_ms(row.ts) for row in bot_history.equity(connection, bot.id, first, last)]
    plan = None if bot.position is None else bot.position.plan
    changes = bot_history.statuses(connection, bot.id, ENDS)
    return Actual(
        fills, plan, bot.base_asset, bot.quote_asset, ordered, outages([start, *looked], end), pauses(changes, end)
    )

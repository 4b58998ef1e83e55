"""The twin of a stored bot: its fills, orders and looks out of the store, its candles through the engine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from sqlalchemy.engine import Connection, Engine

from autogrid.core.bot import Bot
from autogrid.core.decision import Stop
from autogrid.core.market import Market
from autogrid.core.orders import START
from autogrid.errors import InvalidInput, NotFound
from autogrid.live.drive import Row
from autogrid.live.replay import consistent
from autogrid.live.stages import EVENTS, Stage, stages, stop
from autogrid.live.twin import ONE, Actual, Twin
from autogrid.live.twin_replay import Rules, against_replay, step_of
from autogrid.live.unpaired import ENDS, outages, pauses
from autogrid.store import bot_history, bots
from autogrid.store.bot_history import TwinRow
from autogrid.store.coverage import to_ms
from autogrid.store.tick_store import PgTickStore
from autogrid.store.ticking import candles_after

#: Open time in ms, then open, high, low, close as an exchange writes them.
Candle = tuple[int, float, float, float, float]
MINUTE_MS = 60_000
#: Two years of minutes.
MOST = 1_051_200


@dataclass(frozen=True)
class Period:
    """When a bot was at work, ms; `end` excluded."""

    bot: Bot
    row: bots.Row
    start: int
    end: int
    #: The grids that its strategy decided, and its decision to end; of a bot that has one grid, none.
    stages: Sequence[Stage] = ()
    stop: tuple[int, Stop] | None = None


def period(engine: Engine, bot_id: int, now: datetime) -> Period:
    """From the bot's start to its end, or now. NotFound before it has begun, and where it can have no twin."""
    bot = PgTickStore(engine).load(bot_id)
    with engine.connect() as connection:
        row = bots.get(connection, bot_id)
        first = bot_history.fills(connection, bot_id, limit=1)
        said = [] if bot.strategy is None else bot_history.named_events(connection, bot_id, EVENTS)
    if bot.position is None:
        raise NotFound(f"bot {bot_id} has not begun: it has no twin yet; see autogrid bots explain {bot_id}")
    end = to_ms(row.stopped_at or now)
    if bot.strategy is not None:
        worked = stages(said, bot.market)
        if worked is None or len(worked) <= bot.position.plan.regrid:
            raise NotFound(
                f"bot {bot_id} has no twin: a bot's decisions must be kept in full from the first one on, and some of "
                "its own are older than that; promote its study again for a bot that has one"
            )
        return Period(bot, row, worked[0].since_ms, end, worked, stop(said))
    started = bool(first) and first[0][1].key.kind == START  # a grid that begins in quote buys nothing to start
    began = first[0][1].ts_ms if started else to_ms(row.started_at or row.created_at)
    return Period(bot, row, began, end)


def twin(engine: Engine, found: Period, candles: Sequence[Candle], penetration_ticks: int = 1) -> Twin:
    """Compare a bot with the replay of `candles` (from the one it began in), up to the last one's close."""
    rows = ticks(candles, found.bot.market)
    end = min(found.end, rows[-1][0] + step_of(rows))
    with engine.connect() as connection:
        actual = _actual(connection, found, end)
    return against_replay(actual, found.bot, rows, Rules(penetration_ticks, found.stop))


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
    # Said only of those to whom it happened.
    if found.untaken:
        parts["untaken"] = found.untaken
    if found.borrowed:
        parts["borrowed"] = f"{found.market.money(found.borrowed):f}"
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


def _actual(connection: Connection, found: Period, end: int) -> Actual:
    bot = found.bot
    fills = [row for _, row in bot_history.fills(connection, bot.id, end=end)]
    ordered = {(each.order.key, each.order.side) for each in bot_history.orders(connection, bot.id, limit=1_000_000)}
    first = datetime.fromtimestamp(found.start / 1000, UTC) - timedelta(minutes=1)
    last = datetime.fromtimestamp(end / 1000, UTC)
    looked = [to_ms(row.ts) for row in bot_history.equity(connection, bot.id, first, last)]
    changes = bot_history.statuses(connection, bot.id, ENDS)
    return Actual(
        fills,
        None if bot.position is None else bot.position.plan,
        bot.base_asset,
        bot.quote_asset,
        ordered,
        outages([found.start, *looked], end),
        pauses(changes, end),
        found.stages or ONE,
        bot.slippage_ticks,
    )

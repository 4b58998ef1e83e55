"""What is done for every bot some times a day: its twin, and thinner history. Safe to run again at any time."""

from datetime import datetime, timedelta

from sqlalchemy.engine import Engine

from autogrid.data.fetch import fetch
from autogrid.errors import NotFound
from autogrid.exchange.ccxt_public import PublicMarket
from autogrid.exchange.open import connection_to
from autogrid.live import twin_run
from autogrid.store import bot_history, bots, ticking
from autogrid.store.bot_rows import FINAL

#: Equity by the minute is kept so long, by the hour for ever.
MINUTES_KEPT = timedelta(days=30)
STEP_MS = 60_000


def trading(engine: Engine, now: datetime) -> tuple[list[int], dict[str, float]]:
    """Bots that have twins, and how far the worst of them was: "paper" or "live" -> basis points of its budget."""
    with engine.connect() as connection:
        ids = [row.id for row in bots.listing(connection) if row.status not in FINAL and row.last_price is not None]
        return ids, bot_history.worst_twins(connection, (now - timedelta(days=1)).date())


def daily(engine: Engine, bot_id: int, now: datetime) -> bot_history.TwinRow | None:
    """One bot's twin up to now, stored as the day's; its history thinner. None for a bot that has no twin (yet)."""
    bot_history.thin_equity(engine, bot_id, now - MINUTES_KEPT)
    try:
        found = twin_run.period(engine, bot_id, now)
    except NotFound:
        return None
    _complete(engine, found)
    return twin_run.daily(engine, bot_id, now)


def _complete(engine: Engine, found: twin_run.Period) -> None:
    """Fetch what the store lacks of a live bot's minutes. Paper bots have theirs; other servers play tapes."""
    target = ticking.target(engine, found.bot.id)
    if target is None or target.is_paper or target.base_url:
        return
    market = PublicMarket(connection_to(target.exchange), target.symbol)
    start, end = found.start // STEP_MS * STEP_MS, found.end // STEP_MS * STEP_MS
    if start < end:
        fetch(market.client, target.exchange, target.symbol, "1m", start, end, gap_reason="exchange_omits_empty")

"""Candles for bots that wait for them: from each market's exchange, or a compatible server, into the store.

Paper bots walk them, and strategies decide on them. First what has closed of every market; then the history that
strategies lack. Of both a few pages at a time: however much is lacking, no market waits long for another one's.
"""

import time
from dataclasses import dataclass, field

from sqlalchemy.engine import Engine

from autogrid.data import spans
from autogrid.data.fetch import fetch
from autogrid.errors import AutogridError
from autogrid.exchange.ccxt_public import PublicMarket
from autogrid.exchange.open import connection_to
from autogrid.live.brain import MINUTE_S, dynamic
from autogrid.store import coverage, ticking
from autogrid.store.coverage import Series, to_ms
from autogrid.store.ticking import Watched
from autogrid.strategies.dynamic import cadence_ms

#: Candles of a market that has none yet.
FIRST = 60
STEP_MS = 60_000
#: Candles that one page brings, and pages of history that one round fetches of a market.
PAGE, PAGES = 1_000, 10
#: Seconds until an exchange is asked again for history that it did not have.
AGAIN_S = 900.0
#: And after it did not answer.
RETRY_S = 60.0

#: Market -> until when (monotonic seconds) its exchange is not asked for history. Of this process.
_rests: dict[tuple[str, str, str | None], float] = {}


@dataclass
class Round:
    """What one round brought."""

    #: exchange -> how far its worst market lags behind, in seconds.
    lags: dict[str, float] = field(default_factory=dict)
    errors: list[AutogridError] = field(default_factory=list)


def feed(engine: Engine) -> tuple[dict[str, float], list[AutogridError]]:
    """Store what is missing of the markets that bots watch. exchange -> lag of its worst market in seconds."""
    done = Round()
    watched = ticking.watched_markets(engine)
    behind = [(market, end) for market in watched if (end := _newest(engine, market, done)) is not None]
    for market, end in behind:
        if market.strategies and _rests.get(market[:3], 0.0) <= time.monotonic():
            _history(engine, market, end, done)
    return done.lags, done.errors


def _newest(engine: Engine, watched: Watched, done: Round) -> int | None:
    """Store a market's closed candles; when the newest ends, ms; None where its exchange does not tell."""
    exchange, symbol = watched.exchange, watched.symbol
    end: int | None
    told = None
    try:
        end = told = _closed(engine, watched)
    except AutogridError as error:
        done.errors.append(error)
        newest = ticking.newest_candle(engine, exchange, symbol)
        end = None if newest is None else to_ms(newest) + STEP_MS
    if end is not None:
        lag = max(0.0, time.time() - end / 1000)
        done.lags[exchange] = max(lag, done.lags.get(exchange, 0.0))
    return told


def _closed(engine: Engine, watched: Watched) -> int:
    market = _market(watched)
    newest = market.newest(FIRST)
    # The last one is still open. Its time is the market's own, also where a server plays an old tape.
    end = int(newest[-1][0])
    stored = ticking.newest_candle(engine, watched.exchange, watched.symbol)
    since = int(newest[0][0]) if stored is None else to_ms(stored) + STEP_MS
    if not watched.walked:
        since = max(since, int(newest[0][0]))  # what else strategies need is history
    until = min(end, since + PAGES * PAGE * STEP_MS)
    if since < end and not _fetch(market, watched, since, until) and until < end:
        _fetch(market, watched, since, end)  # nothing traded for so long
    return end


def _history(engine: Engine, watched: Watched, end: int, done: Round) -> None:
    """A few pages of what strategies lack before `end` ms, the latest first: the exchange may not have all of it."""
    try:
        start = max(0, end - max(_lookback_ms(*each) for each in watched.strategies))
        series = Series(watched.exchange, watched.symbol, MINUTE_S)
        with engine.connect() as connection:
            stored = [(span.start, span.end) for span in coverage.spans(connection, series)]
        lacking = spans.missing((start, end), stored)
        if not lacking:
            return
        since, until = lacking[-1]
        # One minute more than is lacking: what nothing traded in up to there is known then, too.
        if not _fetch(_market(watched), watched, max(since, until - PAGES * PAGE * STEP_MS), until + STEP_MS):
            _rests[watched[:3]] = time.monotonic() + AGAIN_S
    except AutogridError as error:
        done.errors.append(error)
        _rests[watched[:3]] = time.monotonic() + RETRY_S


def _lookback_ms(name: str, params: dict[str, object]) -> int:
    """The lookback, what goes by of the cadence before it, and as much again for minutes without trades."""
    strategy = dynamic(name, params)
    return (strategy.lookback + 2) * cadence_ms(strategy)


def _market(watched: Watched) -> PublicMarket:
    return PublicMarket(connection_to(watched.exchange, base_url=watched.base_url or ""), watched.symbol)


def _fetch(market: PublicMarket, watched: Watched, since: int, until: int) -> int:
    """Candles that were new."""
    exchange, symbol = watched.exchange, watched.symbol
    return fetch(
        market.client, exchange, symbol, "1m", since, until, gap_reason="exchange_omits_empty", limit=PAGE
    ).inserted

"""Candles for paper bots: from each market's exchange, or a compatible server, into the store as they close."""

import time

from sqlalchemy.engine import Engine

from autogrid.data.fetch import fetch
from autogrid.errors import AutogridError
from autogrid.exchange.ccxt_public import PublicMarket
from autogrid.exchange.open import connection_to
from autogrid.store import ticking
from autogrid.store.coverage import to_ms

#: Candles of a market that has none yet.
FIRST = 60
STEP_MS = 60_000


def feed(engine: Engine) -> tuple[dict[str, float], list[AutogridError]]:
    """Store what is missing of the markets that paper bots watch. exchange -> lag of its worst market in seconds."""
    lags: dict[str, float] = {}
    errors: list[AutogridError] = []
    for exchange, symbol, base_url in ticking.paper_markets(engine):
        end: int | None
        try:
            end = _market(engine, exchange, symbol, base_url)
        except AutogridError as error:
            errors.append(error)
            newest = ticking.newest_candle(engine, exchange, symbol)
            end = None if newest is None else to_ms(newest) + STEP_MS
        if end is not None:
            lag = max(0.0, time.time() - end / 1000)
            lags[exchange] = max(lag, lags.get(exchange, 0.0))
    return lags, errors


def _market(engine: Engine, exchange: str, symbol: str, base_url: str | None) -> int:
    """Store a market's closed candles; when the newest ends, ms."""
    market = PublicMarket(connection_to(exchange, base_url=base_url or ""), symbol)
    newest = market.newest(FIRST)
    # The last one is still open. Its time is the market's own, also where a server plays an old tape.
    end = int(newest[-1][0])
    stored = ticking.newest_candle(engine, exchange, symbol)
    since = int(newest[0][0]) if stored is None else to_ms(stored) + STEP_MS
    if since < end:
        fetch(market.client, exchange, symbol, "1m", since, end, gap_reason="exchange_omits_empty")
    return end

"""Public endpoints: rules, prices, candles, trades."""

import json
from collections.abc import Iterable
from typing import Any

from services.loopback.bars import INTERVALS, Bars, show
from services.loopback.errors import ApiError
from services.loopback.exchange import Exchange, Route
from services.loopback.market import Market
from services.loopback.params import Call
from services.loopback.tape import Print
from services.loopback.units import E8, e8_text, units_text

DAY_MS = 86_400_000
#: The amount the tape offers at its best prices where no order rests, e8.
SHOWN = 10 * E8


def ping(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Nothing."""
    return {}


def server_time(exchange: Exchange, call: Call) -> dict[str, Any]:
    """The exchange's clock."""
    return {"serverTime": exchange.clock.server()}


def _symbols(exchange: Exchange, call: Call) -> list[Market] | None:
    """The markets asked for; None when none was named."""
    one, many = call.params.text("symbol"), call.params.text("symbols")
    if one is not None:
        return [exchange.engine.market(one)]
    if many is None:
        return None
    try:
        names = json.loads(many)
    except ValueError:
        raise ApiError(-1100, "Illegal characters found in parameter 'symbols'.") from None
    return [exchange.engine.market(str(name)) for name in names]


def _chosen(exchange: Exchange, call: Call) -> tuple[Iterable[Market], bool]:
    """The markets asked for, all by default, and whether the answer is a list."""
    wanted = _symbols(exchange, call)
    many = call.params.peek("symbol") is None
    call.params.done()
    if wanted is not None:
        return wanted, many
    return [market for market in exchange.engine.markets.values() if market.listed], many


def exchange_info(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Rules and limits."""
    for name in ("permissions", "showPermissionSets", "symbolStatus"):
        call.params.text(name)
    markets, _ = _chosen(exchange, call)
    return {
        "timezone": "UTC",
        "serverTime": exchange.clock.server(),
        "rateLimits": exchange.limits.describe(),
        "exchangeFilters": [],
        "symbols": [market.info() for market in markets],
    }


def book_top(exchange: Exchange, market: Market) -> dict[str, str]:
    """Best prices and amounts of orders and tape together."""
    tops = []
    for is_buy in (True, False):
        levels = depth_levels(exchange, market, is_buy, 1)
        tops.append(levels[0] if levels else (0, 0))
    (bid, bid_qty), (ask, ask_qty) = tops
    return {
        "bidPrice": e8_text(bid),
        "bidQty": e8_text(bid_qty),
        "askPrice": e8_text(ask),
        "askQty": e8_text(ask_qty),
    }


def depth_levels(exchange: Exchange, market: Market, is_buy: bool, limit: int) -> list[tuple[int, int]]:
    """Resting orders and the tape's own best price, best first; e8."""
    levels = dict(exchange.engine.books[market.symbol].levels(is_buy, limit))
    if market.last:
        edge = market.bid() if is_buy else market.ask()
        levels[edge] = levels.get(edge, 0) + SHOWN
    return sorted(levels.items(), reverse=is_buy)[:limit]


def depth(exchange: Exchange, call: Call) -> dict[str, Any]:
    """The order book."""
    market = exchange.engine.market(call.params.must("symbol"))
    limit = call.params.limit(100, 5000)
    call.params.done()
    exchange.before_depth(market.symbol)
    sides = {
        name: [[e8_text(price), e8_text(qty)] for price, qty in depth_levels(exchange, market, is_buy, limit)]
        for name, is_buy in (("bids", True), ("asks", False))
    }
    return {"lastUpdateId": market.depth_id, **sides}


def ticker_price(exchange: Exchange, call: Call) -> Any:
    """Last prices."""
    markets, many = _chosen(exchange, call)
    rows = [{"symbol": market.symbol, "price": e8_text(market.last)} for market in markets]
    return rows if many else rows[0]


def ticker_book(exchange: Exchange, call: Call) -> Any:
    """Best bids and asks."""
    markets, many = _chosen(exchange, call)
    rows = [{"symbol": market.symbol, **book_top(exchange, market)} for market in markets]
    return rows if many else rows[0]


def day_stats(exchange: Exchange, market: Market) -> dict[str, Any]:
    """The last 24 hours of the tape."""
    tape = exchange.player.tapes.get(market.symbol)
    now = exchange.clock.tape()
    day = tape.bars.since(now - DAY_MS) if tape else None
    last = market.last
    _, opening, high, low, _, volume, quote, count, _ = day or [now, last, last, last, last, 0, 0, 0, 0]
    change = market.last - opening
    return {
        "symbol": market.symbol,
        "priceChange": e8_text(change),
        "priceChangePercent": f"{change / opening * 100 if opening else 0:.3f}",
        "weightedAvgPrice": e8_text(quote * E8 // volume if volume else 0),
        "prevClosePrice": e8_text(opening),
        "lastPrice": e8_text(market.last),
        "lastQty": e8_text(0),
        **book_top(exchange, market),
        "openPrice": e8_text(opening),
        "highPrice": e8_text(high),
        "lowPrice": e8_text(low),
        "volume": e8_text(volume),
        "quoteVolume": e8_text(quote),
        "openTime": now - DAY_MS,
        "closeTime": now,
        "firstId": 1,
        "lastId": market.next_trade_id - 1,
        "count": count,
    }


def ticker_day(exchange: Exchange, call: Call) -> Any:
    """24 hour statistics."""
    call.params.text("type")
    markets, many = _chosen(exchange, call)
    rows = [day_stats(exchange, market) for market in markets]
    return rows if many else rows[0]


def klines(exchange: Exchange, call: Call) -> list[Any]:
    """Candles of the tape, up to its present."""
    params = call.params
    market = exchange.engine.market(params.must("symbol"))
    interval = params.must("interval")
    start, end = params.integer("startTime"), params.integer("endTime")
    limit = params.limit(500, 1000)
    params.text("timeZone")
    params.done()
    if interval not in INTERVALS:
        raise ApiError(-1120, "Invalid interval.")
    tape = exchange.player.tapes.get(market.symbol)
    bars = tape.bars if tape else Bars(60_000)
    return [show(bar, interval) for bar in bars.between(interval, start, end, limit)]


def _public(exchange: Exchange, call: Call, limit: int) -> list[tuple[int, Print]]:
    params = call.params
    market = exchange.engine.market(params.must("symbol"))
    first = params.integer("fromId")
    start, end = params.integer("startTime"), params.integer("endTime")
    limit = params.limit(limit, 1000)
    params.done()
    rows = [
        (number, item)
        for number, item in exchange.player.recent[market.symbol]
        if (first is None or number >= first)
        and (start is None or item.ts >= start)
        and (end is None or item.ts <= end)
    ]
    return rows[:limit] if first is not None or start is not None else rows[-limit:]


def trades(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Public trades."""
    return [
        {
            "id": number,
            "price": e8_text(item.price),
            "qty": e8_text(item.qty),
            "quoteQty": units_text(item.price * item.qty),
            "time": item.ts,
            "isBuyerMaker": item.side == "sell",
            "isBestMatch": True,
        }
        for number, item in _public(exchange, call, 500)
    ]


def agg_trades(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """Public trades in the aggregate form, one each."""
    return [
        {
            "a": number,
            "p": e8_text(item.price),
            "q": e8_text(item.qty),
            "f": number,
            "l": number,
            "T": item.ts,
            "m": item.side == "sell",
            "M": True,
        }
        for number, item in _public(exchange, call, 500)
    ]


def _wide(one: int, many: int) -> Any:
    return lambda call: one if call.params.peek("symbol") else many


ROUTES = {
    ("GET", "/api/v3/ping"): Route(ping, weight=1),
    ("GET", "/api/v3/time"): Route(server_time, weight=1),
    ("GET", "/api/v3/exchangeInfo"): Route(exchange_info, weight=20),
    ("GET", "/api/v3/depth"): Route(depth, weight=5),
    ("GET", "/api/v3/trades"): Route(trades, weight=25),
    ("GET", "/api/v3/historicalTrades"): Route(trades, weight=25),
    ("GET", "/api/v3/aggTrades"): Route(agg_trades, weight=4),
    ("GET", "/api/v3/klines"): Route(klines, weight=2),
    ("GET", "/api/v3/ticker/24hr"): Route(ticker_day, weight=_wide(2, 80)),
    ("GET", "/api/v3/ticker/price"): Route(ticker_price, weight=_wide(2, 4)),
    ("GET", "/api/v3/ticker/bookTicker"): Route(ticker_book, weight=_wide(2, 4)),
}

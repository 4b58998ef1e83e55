"""What streams say: events of accounts and markets in Binance's letters."""

from typing import Any

from services.loopback.account import Account
from services.loopback.bars import Bar, bucket
from services.loopback.order import Order, Trade
from services.loopback.tape import Print
from services.loopback.units import E8, e8_text, units_text

Event = dict[str, Any]


def execution_report(order: Order, what: str, trade: Trade | None, execution_id: int) -> Event:
    """An order changed; `what` is the execution type."""
    cancelled = what == "CANCELED" and bool(order.cancel_id)
    event: Event = {
        "e": "executionReport",
        "E": order.update_time,
        "s": order.symbol,
        "c": order.cancel_id if cancelled else order.client_id,
        "S": "BUY" if order.is_buy else "SELL",
        "o": order.type,
        "f": order.tif,
        "q": e8_text(order.qty),
        "p": e8_text(order.price),
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": order.client_id if cancelled else "",
        "x": what,
        "X": order.status,
        "r": "NONE",
        "i": order.id,
        "l": e8_text(trade.qty if trade else 0),
        "z": e8_text(order.filled),
        "L": e8_text(trade.price if trade else 0),
        "n": units_text(trade.fee) if trade else "0",
        "N": trade.fee_asset if trade else None,
        "T": order.update_time,
        "t": trade.id if trade else -1,
        "I": execution_id,
        "w": order.is_open,
        "m": trade.is_maker if trade else False,
        "M": False,
        "O": order.time,
        "Z": units_text(order.quote),
        "Y": units_text(trade.quote if trade else 0),
        "Q": "0.00000000",
        "W": order.time,
        "V": "NONE",
    }
    if order.expiry_reason:
        event["eR"] = order.expiry_reason
    return event


def account_position(account: Account, assets: tuple[str, ...], now_ms: int) -> Event:
    """Balances that may have changed."""
    rows = [
        {"a": name, "f": units_text(account.free(name)), "l": units_text(account.locked.get(name, 0))}
        for name in assets
    ]
    return {"e": "outboundAccountPosition", "E": now_ms, "u": now_ms, "B": rows}


def balance_update(asset: str, amount: int, now_ms: int) -> Event:
    """Money came in or went out."""
    return {"e": "balanceUpdate", "E": now_ms, "a": asset, "d": units_text(amount), "T": now_ms}


def trade(number: int, item: Print, aggregate: bool) -> Event:
    """A public trade."""
    event: Event = {"e": "aggTrade" if aggregate else "trade", "E": item.ts, "s": item.symbol}
    event |= {"a": number, "f": number, "l": number} if aggregate else {"t": number}
    event |= {"p": e8_text(item.price), "q": e8_text(item.qty), "T": item.ts, "m": item.side == "sell", "M": True}
    return event


def kline(symbol: str, interval: str, bar: Bar, closed: bool, now_ms: int) -> Event:
    """A candle's present."""
    start, open_, high, low, close, volume, quote, count, buys = bar
    candle = {
        "t": start,
        "T": bucket(start, interval)[1] - 1,
        "s": symbol,
        "i": interval,
        "f": -1,
        "L": -1,
        "o": e8_text(open_),
        "c": e8_text(close),
        "h": e8_text(high),
        "l": e8_text(low),
        "v": e8_text(volume),
        "n": count,
        "x": closed,
        "q": e8_text(quote),
        "V": e8_text(buys),
        "Q": e8_text(close * buys // E8),
        "B": "0",
    }
    return {"e": "kline", "E": now_ms, "s": symbol, "k": candle}


#: Letters of the ticker streams -> names of the 24 hour statistics.
TICKER = {
    "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice", "c": "lastPrice",
    "Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty", "o": "openPrice", "h": "highPrice",
    "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime", "C": "closeTime", "F": "firstId",
    "L": "lastId", "n": "count",
}  # fmt: skip
MINI = ("c", "o", "h", "l", "v", "q")


def ticker(stats: dict[str, Any], mini: bool) -> Event:
    """24 hour statistics."""
    letters = MINI if mini else tuple(TICKER)
    name = "24hrMiniTicker" if mini else "24hrTicker"
    body = {letter: stats[TICKER[letter]] for letter in letters}
    return {"e": name, "E": stats["closeTime"], "s": stats["symbol"], **body}

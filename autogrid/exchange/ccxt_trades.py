"""Every execution, page by page: none lost, none twice.

Cursors are strings that only this module reads. Where trade ids ascend (Binance), a cursor is the id to go on
from. Elsewhere it is the time of the newest trade seen and the ids seen at that millisecond: "1700000000123|a,b".
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from autogrid.errors import InvalidInput, Unavailable
from autogrid.exchange.ccxt_link import Link
from autogrid.exchange.ccxt_parse import execution
from autogrid.exchange.port import Execution, Page

#: Pages after which something must be wrong with the exchange's paging.
_MOST_PAGES = 10_000


def since(link: Link, symbol: str, cursor: str) -> Page:
    """All executions after the cursor; "" begins now."""
    if link.profile.trades == "id":
        return _since_id(link, symbol, cursor)
    return _since_time(link, symbol, cursor)


def of_order(link: Link, symbol: str, exchange_id: str) -> list[Execution]:
    """All executions of one order, oldest first."""
    if link.profile.trades == "id":
        return _ascending(link, symbol, 0, {"orderId": exchange_id})
    key = link.profile.order_key
    if key:
        found = _descending(link, symbol, 0, {key: exchange_id}, "trades_of_order")
    else:
        order = link.call("fetch_order", lambda: link.client.fetch_order(exchange_id, symbol))
        found = _descending(link, symbol, int(order.get("timestamp") or 0))
    return [one for one in found if one.exchange_id == exchange_id]


def _since_id(link: Link, symbol: str, cursor: str) -> Page:
    if cursor == "":
        newest = _page(link, lambda: link.client.fetch_my_trades(symbol, None, 1))
        last = max((int(one.trade_id) for one in newest), default=-1)
        return Page([], str(last + 1))
    if not cursor.isdigit():
        raise InvalidInput(f"cursor must be one that executions_since returned, was {cursor!r}")
    found = _ascending(link, symbol, int(cursor), {})
    return Page(found, str(int(found[-1].trade_id) + 1) if found else cursor)


def _ascending(link: Link, symbol: str, start: int, extra: dict[str, Any]) -> list[Execution]:
    size = link.profile.page
    found: dict[str, Execution] = {}
    for _ in range(_MOST_PAGES):
        params = {"fromId": start, **extra}
        name = "trades_of_order" if extra else "fetch_my_trades"
        page = _page(link, partial(link.client.fetch_my_trades, symbol, None, size, params), name)
        fresh = [one for one in page if one.trade_id not in found and int(one.trade_id) >= start]
        found.update((one.trade_id, one) for one in fresh)
        if len(page) < size or not fresh:
            return sorted(found.values(), key=lambda one: int(one.trade_id))
        start = max(int(one.trade_id) for one in fresh) + 1
    raise Unavailable(f"{symbol}: expected an end of the trades, found {_MOST_PAGES} full pages")


def _since_time(link: Link, symbol: str, cursor: str) -> Page:
    if cursor == "":
        return Page([], f"{int(time.time() * 1000)}|")
    moment, bar, ids = cursor.partition("|")
    if not moment.isdigit() or not bar:
        raise InvalidInput(f"cursor must be one that executions_since returned, was {cursor!r}")
    seen = set(filter(None, ids.split(",")))
    found = [one for one in _descending(link, symbol, int(moment)) if one.trade_id not in seen]
    if not found:
        return Page([], cursor)
    newest = found[-1].ts_ms
    at_newest = {one.trade_id for one in found if one.ts_ms == newest} | (seen if newest == int(moment) else set())
    return Page(found, f"{newest}|{','.join(sorted(at_newest))}")


def _descending(
    link: Link, symbol: str, start_ms: int, extra: dict[str, Any] | None = None, name: str = "fetch_my_trades"
) -> list[Execution]:
    """Pages from the newest back to `start_ms`; neighbouring pages share their border millisecond."""
    start = _earliest(link, start_ms) if start_ms else None
    found: dict[str, Execution] = {}
    until: int | None = None
    for _ in range(_MOST_PAGES):
        params = {**(extra or {}), **({} if until is None else {"until": until})}
        page = _page(link, partial(link.client.fetch_my_trades, symbol, start, link.profile.page, params), name)
        fresh = [one for one in page if one.trade_id not in found and one.ts_ms >= start_ms]
        found.update((one.trade_id, one) for one in fresh)
        if not fresh:
            return sorted(found.values(), key=lambda one: (one.ts_ms, one.trade_id))
        until = min(one.ts_ms for one in fresh)
    raise Unavailable(f"{symbol}: expected an end of the trades, found {_MOST_PAGES} pages")


def _earliest(link: Link, start_ms: int) -> int:
    """`start_ms`, or as far back as the exchange lets us ask."""
    reach = link.profile.reach_ms
    return max(start_ms, int(time.time() * 1000) - reach + 60_000) if reach else start_ms


def _page(link: Link, work: Callable[[], Any], name: str = "fetch_my_trades") -> list[Execution]:
    raw = link.call(name, work)
    if not isinstance(raw, list):
        raise Unavailable(f"trades: expected a list, found {raw!r:.200}. Try again.")
    try:
        return [execution(one) for one in raw]
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise Unavailable(f"trades: expected trades that can be read, found {error!r}. Try again.") from error

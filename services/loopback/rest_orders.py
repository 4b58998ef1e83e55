"""Placing, cancelling and looking up orders."""

import itertools
from typing import Any

from services.loopback.engine import NewOrder
from services.loopback.errors import BAD_SYMBOL, EITHER_ID, UNKNOWN_CANCEL, UNKNOWN_QUERY, ApiError, missing, rejected
from services.loopback.exchange import READ, TRADE, Exchange, Route, effect
from services.loopback.market import ORDER_TYPES
from services.loopback.order import Order
from services.loopback.params import Call, Params
from services.loopback.units import E8, e8

CLIENT_ID = r"^[a-zA-Z0-9-_\.:/]{1,36}$"
_numbers = itertools.count(1)


def _own_id(prefix: str) -> str:
    return f"{prefix}{next(_numbers):020d}"


def parse_order(params: Params) -> tuple[NewOrder, str]:
    """A request for an order and the wanted response type."""
    symbol, side, kind = params.must("symbol"), params.must("side"), params.must("type")
    if side not in ("BUY", "SELL"):
        raise ApiError(-1117, "Invalid side.")
    if kind not in ORDER_TYPES:
        known = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
        raise (
            ApiError(-1116, "Invalid orderType.")
            if kind not in known
            else ApiError(-1014, "Unsupported order combination.")
        )
    if params.text("quoteOrderQty") is not None:
        raise rejected("Quote order qty market orders are not support for this symbol.")
    tif, price, qty = params.text("timeInForce"), params.amount("price"), params.amount("quantity")
    if kind == "LIMIT" and tif is None:
        raise missing("timeInForce")
    if kind != "LIMIT" and tif is not None:
        raise ApiError(-1106, "Parameter 'timeInForce' sent when not required.")
    if tif is not None and tif not in ("GTC", "IOC", "FOK"):
        raise ApiError(-1115, "Invalid timeInForce.")
    if qty is None:
        raise missing("quantity")
    if kind == "MARKET" and price is not None:
        raise ApiError(-1106, "Parameter 'price' sent when not required.")
    if kind != "MARKET" and price is None:
        raise missing("price")
    client = params.text("newClientOrderId", CLIENT_ID)
    response = params.text("newOrderRespType") or ("ACK" if kind == "LIMIT_MAKER" else "FULL")
    if response not in ("ACK", "RESULT", "FULL"):
        raise ApiError(-1100, "Illegal characters found in parameter 'newOrderRespType'.")
    for name in ("selfTradePreventionMode", "strategyId", "strategyType"):
        params.text(name)
    new = NewOrder(symbol, side == "BUY", kind, tif or "GTC", qty, price or 0, client or _own_id("x"))
    return new, response


def place(exchange: Exchange, call: Call) -> Any:
    """POST order."""
    new, response = parse_order(call.params)
    call.params.done()
    account, now = call.owner, exchange.clock.wall()
    exchange.limits.check_order(account.name, now)
    twice = effect(call, "duplicate")
    order = exchange.engine.place(account, new, allow_duplicate=twice is not None)
    exchange.limits.count_order(account.name, now)
    if twice is not None and twice.drop:
        exchange.engine.place(account, new, allow_duplicate=True)
    reply = order.placed(response)
    if (kill := effect(call, "kill")) is not None and order.is_open:
        _fill_part(exchange, order, kill.fill)
        exchange.engine.expire(order, kill.final)
    return reply


def _fill_part(exchange: Exchange, order: Order, part: str) -> None:
    """Fill a part ("0".."1") of an order's amount, in whole lots."""
    lot = exchange.engine.markets[order.symbol].lot
    amount = order.qty * e8(part) // E8
    amount = order.qty if part == "1" else amount // lot * lot
    if amount > 0 and order.is_open:
        exchange.engine.fill(order, amount)


def test_order(exchange: Exchange, call: Call) -> dict[str, Any]:
    """POST order/test: all checks, no order."""
    call.params.text("computeCommissionRates")
    new, _ = parse_order(call.params)
    call.params.done()
    exchange.engine.check(call.owner, new)
    return {}


def _find(exchange: Exchange, call: Call) -> Order | None:
    params = call.params
    symbol = exchange.engine.market(params.must("symbol")).symbol
    number, client = params.integer("orderId"), params.text("origClientOrderId")
    if number is None and client is None:
        raise ApiError(*EITHER_ID)
    return exchange.engine.find(call.owner.name, symbol, number, client)


def _unseen(exchange: Exchange, call: Call, order: Order) -> bool:
    """True while a lagging read does not know of the order."""
    rule = effect(call, "lag")
    return rule is not None and exchange.clock.wall() - order.wall_time < rule.seconds * 1000


def cancel(exchange: Exchange, call: Call) -> Any:
    """DELETE order."""
    order = _find(exchange, call)
    cancel_id = call.params.text("newClientOrderId", CLIENT_ID) or _own_id("c")
    restriction = call.params.text("cancelRestrictions")
    call.params.done()
    if (race := effect(call, "fill_first")) is not None and order is not None:
        _fill_part(exchange, order, race.fill if race.fill != "0" else "1")
    if restriction not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
        raise ApiError(-1145, "Invalid cancelRestrictions")
    if restriction and order is not None and order.is_open and restriction != f"ONLY_{order.status}":
        raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")
    return exchange.engine.cancel(order, cancel_id).cancelled(cancel_id)


def query(exchange: Exchange, call: Call) -> Any:
    """GET order."""
    order = _find(exchange, call)
    call.params.done()
    if order is None or _unseen(exchange, call, order):
        raise ApiError(*UNKNOWN_QUERY)
    return order.show()


def open_orders(exchange: Exchange, call: Call) -> Any:
    """GET openOrders."""
    symbol = call.params.text("symbol")
    call.params.done()
    if symbol is not None:
        exchange.engine.market(symbol)
    found = [o for o in exchange.engine.open_orders(call.owner.name, symbol) if not _unseen(exchange, call, o)]
    if (short := effect(call, "short")) is not None:
        found = found[: max(0, len(found) - short.drop)]
    return [order.show() for order in found]


def cancel_all(exchange: Exchange, call: Call) -> Any:
    """DELETE openOrders."""
    symbol = exchange.engine.market(call.params.must("symbol")).symbol
    call.params.done()
    orders = exchange.engine.open_orders(call.owner.name, symbol)
    if not orders:
        raise ApiError(*UNKNOWN_CANCEL)
    cancel_id = _own_id("c")
    return [exchange.engine.cancel(order, cancel_id).cancelled(cancel_id) for order in orders]


def all_orders(exchange: Exchange, call: Call) -> Any:
    """GET allOrders."""
    params = call.params
    symbol = params.must("symbol")
    if symbol not in exchange.engine.markets:
        raise ApiError(*BAD_SYMBOL)
    first, start, end = params.integer("orderId"), params.integer("startTime"), params.integer("endTime")
    limit = params.limit(500, 1000)
    params.done()
    check_span(start, end)
    found = [
        order
        for order in exchange.engine.history.get((call.owner.name, symbol), [])
        if (first is None or order.id >= first)
        and (start is None or order.time >= start)
        and (end is None or order.time <= end)
        and not _unseen(exchange, call, order)
    ]
    page = found[:limit] if first is not None or start is not None else found[-limit:]
    return [order.show() for order in page]


def check_span(start: int | None, end: int | None) -> None:
    """-1127 for more than a day."""
    if start is not None and end is not None and end - start > 86_400_000:
        raise ApiError(-1127, "More than 24 hours between startTime and endTime.")


ROUTES = {
    ("POST", "/api/v3/order"): Route(place, TRADE, 1),
    ("POST", "/api/v3/order/test"): Route(test_order, TRADE, 1),
    ("DELETE", "/api/v3/order"): Route(cancel, TRADE, 1),
    ("GET", "/api/v3/order"): Route(query, READ, 4),
    ("GET", "/api/v3/openOrders"): Route(open_orders, READ, lambda call: 6 if call.params.peek("symbol") else 80),
    ("DELETE", "/api/v3/openOrders"): Route(cancel_all, TRADE, 1),
    ("GET", "/api/v3/allOrders"): Route(all_orders, READ, 20),
}

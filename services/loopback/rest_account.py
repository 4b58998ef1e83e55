"""Balances, rates, trades and key permissions of the account that asks."""

from bisect import bisect_left
from typing import Any

from services.loopback.errors import BAD_SYMBOL, ApiError
from services.loopback.exchange import NONE, READ, Exchange, Route, effect
from services.loopback.order import Trade
from services.loopback.params import Call
from services.loopback.rest_orders import check_span
from services.loopback.units import E8, PPM, e8_text


def _rate(ppm: int) -> str:
    return e8_text(ppm * E8 // PPM)


def account(exchange: Exchange, call: Call) -> dict[str, Any]:
    """GET account."""
    omit = call.params.text("omitZeroBalances") == "true"
    call.params.done()
    owner = call.owner
    market = next(iter(exchange.engine.markets.values()))
    balances = owner.balances()
    if omit:
        balances = [row for row in balances if owner.total[row["asset"]]]
    return {
        "makerCommission": market.maker_ppm // 100,
        "takerCommission": market.taker_ppm // 100,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": _rate(market.maker_ppm),
            "taker": _rate(market.taker_ppm),
            "buyer": _rate(0),
            "seller": _rate(0),
        },
        "canTrade": owner.can_trade,
        "canWithdraw": owner.can_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": owner.update_time,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": owner.uid,
    }


def commission(exchange: Exchange, call: Call) -> dict[str, Any]:
    """GET account/commission."""
    market = exchange.engine.market(call.params.must("symbol"))
    call.params.done()
    zero = {"maker": _rate(0), "taker": _rate(0), "buyer": _rate(0), "seller": _rate(0)}
    owner = call.owner
    third = owner.fee_asset not in ("received", "base", "quote")
    return {
        "symbol": market.symbol,
        "standardCommission": {**zero, "maker": _rate(market.maker_ppm), "taker": _rate(market.taker_ppm)},
        "specialCommission": zero,
        "taxCommission": zero,
        "discount": {
            "enabledForAccount": third,
            "enabledForSymbol": third,
            "discountAsset": owner.fee_asset if third else "BNB",
            "discount": e8_text(owner.fee_share_percent * E8 // 100),
        },
    }


def my_trades(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """GET myTrades: newest page by default, oldest first from `fromId`, `startTime` or of an order."""
    params = call.params
    symbol = params.must("symbol")
    if symbol not in exchange.engine.markets:
        raise ApiError(*BAD_SYMBOL)
    order, first = params.integer("orderId"), params.integer("fromId")
    start, end = params.integer("startTime"), params.integer("endTime")
    limit = params.limit(500, 1000)
    params.done()
    check_span(start, end)
    if (first is not None or order is not None) and (start is not None or end is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    found = exchange.engine.trades.get((call.owner.name, symbol), [])
    if order is not None:
        found = [trade for trade in found if trade.order_id == order]
    # Ids and times only rise.
    if first is not None:
        found = found[bisect_left(found, first, key=lambda trade: trade.id) :]
    if start is not None:
        found = found[bisect_left(found, start, key=lambda trade: trade.time) :]
    if end is not None:
        found = found[: bisect_left(found, end + 1, key=lambda trade: trade.time)]
    found = _disturbed(exchange, call, found)
    forward = first is not None or start is not None or order is not None
    return [trade.show() for trade in (found[:limit] if forward else found[-limit:])]


def _disturbed(exchange: Exchange, call: Call, found: list[Trade]) -> list[Trade]:
    lag, skip = effect(call, "lag"), effect(call, "skip_trades")
    if lag is not None:
        now = exchange.clock.wall()
        found = [trade for trade in found if now - trade.wall_time >= lag.seconds * 1000]
    if skip is not None:
        # Which trades a page misses is drawn; a page never loses more than `drop`.
        lost = set(exchange.faults.random.sample(range(len(found)), min(skip.drop, len(found))))
        found = [trade for place, trade in enumerate(found) if place not in lost]
    return found


def order_limits(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """GET rateLimit/order."""
    call.params.done()
    counts = exchange.limits.order_counts(call.owner.name, exchange.clock.wall())
    rows = [row for row in exchange.limits.describe() if row["rateLimitType"] == "ORDERS"]
    return [{**row, "count": count} for row, count in zip(rows, counts.values(), strict=True)]


def restrictions(exchange: Exchange, call: Call) -> dict[str, Any]:
    """GET sapi apiRestrictions: what the key may do."""
    call.params.done()
    owner = call.owner
    return {
        "ipRestrict": False,
        "createTime": 1_600_000_000_000,
        "enableReading": True,
        "enableWithdrawals": owner.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": owner.can_trade,
        "enablePortfolioMarginTrading": False,
        **owner.restrictions,
    }


def trade_fee(exchange: Exchange, call: Call) -> list[dict[str, Any]]:
    """GET sapi tradeFee: maker and taker rates."""
    symbol = call.params.text("symbol")
    call.params.done()
    markets = [exchange.engine.market(symbol)] if symbol else exchange.engine.markets.values()
    return [
        {"symbol": m.symbol, "makerCommission": _rate(m.maker_ppm), "takerCommission": _rate(m.taker_ppm)}
        for m in markets
    ]


def system_status(exchange: Exchange, call: Call) -> dict[str, Any]:
    """GET sapi system status."""
    return {"status": 0, "msg": "normal"}


ROUTES = {
    ("GET", "/api/v3/account"): Route(account, READ, 20),
    ("GET", "/api/v3/account/commission"): Route(commission, READ, 20),
    ("GET", "/api/v3/myTrades"): Route(my_trades, READ, lambda call: 5 if call.params.peek("orderId") else 20),
    ("GET", "/api/v3/rateLimit/order"): Route(order_limits, READ, 40),
    ("GET", "/sapi/v1/account/apiRestrictions"): Route(restrictions, READ, 1),
    ("GET", "/sapi/v1/asset/tradeFee"): Route(trade_fee, READ, 1),
    ("GET", "/sapi/v1/system/status"): Route(system_status, NONE, 1),
}

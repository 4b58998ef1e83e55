"""The exchange's books: what it holds to be true, and a check that they add up."""

from typing import Any

from services.loopback.account import Account
from services.loopback.engine import Engine
from services.loopback.exchange import Exchange
from services.loopback.order import Order
from services.loopback.units import E8, e8_text, units_text


def problems(engine: Engine) -> list[str]:
    """Everything that does not add up; empty when the books are right."""
    found: list[str] = []
    for account in engine.accounts.values():
        expected = dict(account.deposits)
        for (name, symbol), trades in engine.trades.items():
            if name != account.name:
                continue
            market = engine.markets[symbol]
            for trade in trades:
                sign = 1 if trade.is_buy else -1
                expected[market.base] = expected.get(market.base, 0) + sign * trade.qty * E8
                expected[market.quote] = expected.get(market.quote, 0) - sign * trade.quote
                expected[trade.fee_asset] = expected.get(trade.fee_asset, 0) - trade.fee
        locked: dict[str, int] = {}
        for order in engine.open_orders(account.name):
            market = engine.markets[order.symbol]
            asset = market.quote if order.is_buy else market.base
            locked[asset] = locked.get(asset, 0) + order.locked
        for asset in expected.keys() | account.total.keys() | account.locked.keys():
            total, held = account.total.get(asset, 0), account.locked.get(asset, 0)
            if total != expected.get(asset, 0):
                found.append(f"{account.name} {asset}: total {total}, trades say {expected.get(asset, 0)}")
            if held != locked.get(asset, 0):
                found.append(f"{account.name} {asset}: locked {held}, orders say {locked.get(asset, 0)}")
            if total < 0 or held < 0:
                found.append(f"{account.name} {asset}: below zero, total {total} locked {held}")
    for order in engine.orders.values():
        if order.filled != sum(trade.qty for trade in order.trades) or order.filled > order.qty:
            found.append(f"order {order.id}: executed {order.filled} does not match its trades")
    return found


def _order(order: Order) -> dict[str, Any]:
    return {**order.show(), "wallTime": order.wall_time}


def _account(engine: Engine, account: Account, symbol: str | None) -> dict[str, Any]:
    def mine(store: dict[tuple[str, str], list[Any]]) -> list[Any]:
        return [
            row for (name, at), rows in store.items() if name == account.name and symbol in (None, at) for row in rows
        ]

    trades = sorted(mine(engine.trades), key=lambda trade: (trade.wall_time, trade.id))
    return {
        "balances": {
            asset: {
                "total": units_text(total),
                "free": units_text(account.free(asset)),
                "locked": units_text(account.locked.get(asset, 0)),
                "deposited": units_text(account.deposits.get(asset, 0)),
            }
            for asset, total in account.total.items()
        },
        "fee_asset": account.fee_asset,
        "revoked": account.revoked,
        "orders": [_order(order) for order in sorted(mine(engine.history), key=lambda order: order.id)],
        "trades": [{**t.show(), "tapeTime": t.tape_time, "wallTime": t.wall_time} for t in trades],
    }


def state(exchange: Exchange, account: str | None = None, symbol: str | None = None) -> dict[str, Any]:
    """All orders, trades and balances, of one account and market where given."""
    engine = exchange.engine
    accounts = [engine.accounts[account]] if account else list(engine.accounts.values())
    return {
        "time": exchange.clock.server(),
        "tape": status(exchange),
        "markets": {
            market.symbol: {**market.info(), "last": e8_text(market.last)} for market in engine.markets.values()
        },
        "accounts": {item.name: _account(engine, item, symbol) for item in accounts},
        "problems": problems(engine),
        "requests": exchange.requests,
        "statuses": {str(code): count for code, count in exchange.statuses.items()},
    }


def status(exchange: Exchange) -> dict[str, Any]:
    """Where the tape is."""
    player = exchange.player
    return {
        "time": exchange.clock.tape(),
        "prints": player.prints,
        "speed": player.speed,
        "paused": player.paused,
        "done": player.done,
        "last": {market.symbol: e8_text(market.last) for market in exchange.engine.markets.values()},
    }

"""A simulated account as JSON and back, for paper bots that outlive their process."""

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from autogrid.core.market import Market
from autogrid.errors import InvalidInput
from autogrid.exchange import port
from autogrid.exchange.port import ExchangeOrder, Execution
from autogrid.exchange.simulated import Resting, Simulated

FORMAT = 1
_NUMBERS = ("quote", "base_micro", "penetration", "slippage", "last", "now_ms", "next_order", "next_trade")


def to_json(account: Simulated, keep: int = 1000) -> str:
    """The account, its resting orders, and the newest `keep` executions with their orders.

    Cursors stay good as long as no more than `keep` executions lie behind them.
    """
    executions = account.executions[-keep:] if keep else []
    wanted = {one.exchange_id for one in executions} | {one.order.exchange_id for one in account.resting()}
    newest = list(account.orders)[-keep:] if keep else []
    orders = [order for name, order in account.orders.items() if name in wanted or name in newest]
    state: dict[str, Any] = {
        "format": FORMAT,
        "symbol": account.symbol,
        **{name: getattr(account, name) for name in _NUMBERS},
        "fee_coin": [account.fee_coin, account.fee_coin_price, account.fee_share_ppm, account.fee_coins],
        "orders": [asdict(order) for order in orders],
        "executions": [asdict(one) for one in executions],
        "resting": [[one.order.exchange_id, one.price, one.lots, one.held] for one in account.resting()],
    }
    return json.dumps(state, default=str, separators=(",", ":"))


def from_json(text: str, market: Market) -> Simulated:
    """The account that `to_json` wrote; InvalidInput for anything else. `market` holds the rules as they are now."""
    try:
        state = json.loads(text)
        if state["format"] != FORMAT:
            raise InvalidInput(f"a simulated account must be of format {FORMAT}, was {state['format']}")
        account = Simulated(state["symbol"], market, **{name: state[name] for name in _NUMBERS})
        coin, price, share, coins = state["fee_coin"]
        account.pay_fees_with(coin, Decimal(price), share)
        account.fee_coins = Decimal(coins)
        for row in state["orders"]:
            order = ExchangeOrder(**{**row, **_decimals(row, "price", "amount", "filled")})
            account.orders[order.exchange_id] = order
        for row in state["executions"]:
            account.remember(Execution(**{**row, **_decimals(row, "price", "amount", "fee")}))
        for exchange_id, ticks, lots, held in state["resting"]:
            order = account.orders[exchange_id]
            rank = (-ticks if order.side == port.BUY else ticks, int(exchange_id))
            account.rest(Resting(rank, ticks, lots, held, order))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"expected a simulated account as to_json writes it, found {error!r}") from error
    return account


def _decimals(row: dict[str, Any], *names: str) -> dict[str, Decimal | None]:
    return {name: None if row[name] is None else Decimal(row[name]) for name in names}

"""ccxt's structures as ours. Every number arrives as a string (`Link` sees to it) and becomes a Decimal."""

from decimal import Decimal
from typing import Any

from autogrid.core.market import Market
from autogrid.errors import OutcomeUnknown
from autogrid.exchange.grid_units import units
from autogrid.exchange.port import (
    CANCELED,
    EXPIRED,
    FILLED,
    OPEN,
    REFUSED,
    Balance,
    Close,
    ExchangeOrder,
    Execution,
    NewOrder,
)

MINUTE_MS = 60_000
_STATUS = {
    "open": OPEN,
    "canceling": OPEN,
    # Binance: part of an order list that waits; ccxt hands the word through.
    "PENDING_NEW": OPEN,
    "closed": FILLED,
    "canceled": CANCELED,
    "expired": EXPIRED,
    "rejected": REFUSED,
}


def number(value: Any) -> Decimal:
    """A string of ccxt as a Decimal; None is zero."""
    return Decimal(0) if value is None else Decimal(str(value))


def placed(raw: dict[str, Any], sent: NewOrder, prefix: str) -> ExchangeOrder:
    """The answer to a new order; OutcomeUnknown when it names no order."""
    if not isinstance(raw, dict) or not raw.get("id"):
        raise OutcomeUnknown("expected the id of the new order, found an answer without one. Look the order up.")
    status = _STATUS.get(str(raw.get("status")), OPEN)
    filled = number(raw.get("filled"))
    return ExchangeOrder(
        exchange_id=str(raw["id"]),
        client_id=client_id(raw, prefix) or sent.client_id,
        side=sent.side,
        price=sent.price,
        amount=sent.amount,
        filled=filled,
        status=_honest(status, filled, sent.amount, sent.price),
    )


def order(raw: dict[str, Any], prefix: str) -> ExchangeOrder:
    """An order in a list or looked up."""
    amount, filled = number(raw["amount"]), number(raw.get("filled"))
    limit = None if raw.get("type") == "market" or raw.get("price") is None else number(raw["price"])
    status = _STATUS[str(raw["status"])]
    return ExchangeOrder(
        exchange_id=str(raw["id"]),
        client_id=client_id(raw, prefix),
        side=str(raw["side"]),
        price=limit,
        amount=amount,
        filled=filled,
        status=_honest(status, filled, amount, limit),
    )


def client_id(raw: dict[str, Any], prefix: str) -> str:
    """Our id as we sent it, "" where there is none."""
    return str(raw.get("clientOrderId") or "").removeprefix(prefix)


def _honest(status: str, filled: Decimal, amount: Decimal, price: Decimal | None) -> str:
    """Some exchanges call an order closed that was cancelled with a rest."""
    return CANCELED if status == FILLED and price is not None and filled < amount else status


def execution(raw: dict[str, Any]) -> Execution:
    """One trade. Without a stated fee the fee is zero in the quote coin."""
    fee = raw.get("fee") or next(iter(raw.get("fees") or []), None) or {}
    base_quote = str(raw["symbol"]).split("/")
    return Execution(
        trade_id=str(raw["id"]),
        exchange_id=str(raw["order"]),
        ts_ms=int(raw["timestamp"]),
        side=str(raw["side"]),
        price=number(raw["price"]),
        amount=number(raw["amount"]),
        fee=number(fee.get("cost")),
        fee_asset=str(fee.get("currency") or base_quote[1].split(":")[0]),
    )


def balances(raw: dict[str, Any]) -> dict[str, Balance]:
    """Coins of which there are any."""
    found = {}
    for coin, total in (raw.get("total") or {}).items():
        if total is not None and number(total) != 0:
            free = (raw.get("free") or {}).get(coin)
            found[str(coin)] = Balance(number(free if free is not None else total), number(total))
    return found


def last_close(rows: list[list[Any]], now_ms: int) -> Close | None:
    """The newest 1m candle that has ended; the last one of an answer is still open, unless nothing trades."""
    ended = [row for row in rows if int(row[0]) + MINUTE_MS <= now_ms] or rows[:-1]
    newest = max(ended, key=lambda row: int(row[0]), default=None)
    return None if newest is None else Close(number(newest[4]), int(newest[0]) + MINUTE_MS)


def market(raw: dict[str, Any], buy_fee_asset: str, maker_fee: Decimal | None, taker_fee: Decimal | None) -> Market:
    """Rules of a ccxt market; fees as given, else ccxt's defaults for the lowest tier."""
    limits = raw.get("limits") or {}
    cost = limits.get("cost") or {}
    return Market(
        tick=number(raw["precision"]["price"]),
        lot=number(raw["precision"]["amount"]),
        min_notional=number(cost.get("min")),
        maker_fee=_ppm(raw.get("maker")) if maker_fee is None else maker_fee,
        taker_fee=_ppm(raw.get("taker")) if taker_fee is None else taker_fee,
        buy_fee_asset=buy_fee_asset,
        max_amount=_most(limits.get("amount")),
        max_market_amount=_most(limits.get("market")),
        max_notional=_most(cost),
    )


def _most(limit: Any) -> Decimal | None:
    """The upper end of one of ccxt's limits; some exchanges write 0 where there is none."""
    most = number((limit or {}).get("max"))
    return most if most > 0 else None


def _ppm(fee: Any) -> Decimal:
    """ccxt's fee, six decimals at most; a rebate counts as no fee."""
    return max(number(fee), Decimal(0)).quantize(Decimal("0.000001"))


def quantised(rules: Market, new: NewOrder) -> tuple[str, str | None]:
    """Amount and price as the strings to send."""
    lots, ticks = units(rules, new)
    return format(rules.amount(lots), "f"), None if ticks is None else format(rules.price(ticks), "f")

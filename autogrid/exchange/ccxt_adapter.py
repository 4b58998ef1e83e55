"""The `Exchange` protocol over one ccxt class."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from autogrid.core.market import Market
from autogrid.errors import AutogridError, InvalidInput, OutcomeUnknown, Rejected, RetryLater, Unavailable
from autogrid.exchange import ccxt_parse as parse
from autogrid.exchange.ccxt_link import Connection, Link
from autogrid.exchange.ccxt_table import ID
from autogrid.exchange.ccxt_trades import of_order, since
from autogrid.exchange.limiter import CANCEL, DATA, PLACE, PROTECT, Limiter
from autogrid.exchange.port import BUY, Balance, Close, ExchangeOrder, Execution, NewOrder, Page, Permissions

T = TypeVar("T")

#: A market buy that must be sent as a limit order goes this far above the last price.
_REACH = Decimal("1.02")


class CcxtExchange:
    """One account. Not thread-safe: one instance for each process and account.

    `maker_fee`, `taker_fee` and `buy_fee_asset` override what ccxt says of the lowest fee tier.
    """

    def __init__(
        self,
        connection: Connection,
        limiter: Limiter,
        *,
        maker_fee: Decimal | None = None,
        taker_fee: Decimal | None = None,
        buy_fee_asset: str | None = None,
    ) -> None:
        self._link = Link(connection, limiter)
        self._client = self._link.client
        self._row = self._link.profile
        self._prepared = False
        self._fees = (maker_fee, taker_fee)
        self._buy_fee_asset = buy_fee_asset or self._row.buy_fee_asset

    def close(self) -> None:
        """Close the HTTP connections."""
        self._link.close()

    def budget_left(self) -> float:
        """Request weight left to everyone behind this address. For metrics."""
        return self._link.left()

    def rules(self, symbol: str, *, fresh: bool = False) -> Market:
        return parse.market(self._market(symbol, fresh=fresh), self._buy_fee_asset, *self._fees)

    def price(self, symbol: str) -> Decimal:
        self._market(symbol)
        ticker = self._read("fetch_ticker", lambda: self._client.fetch_ticker(symbol), share=DATA)
        last = parse.number(ticker.get("last"))
        if last <= 0:
            raise Unavailable(f"{symbol}: expected the price of the last trade, found {ticker.get('last')!r}.")
        return last

    def last_close(self, symbol: str) -> Close | None:
        self._market(symbol)
        if not self._client.has.get("fetchOHLCV"):
            return None
        rows = self._read("fetch_ohlcv", lambda: self._client.fetch_ohlcv(symbol, "1m", None, 2))
        return self._parsed(lambda: parse.last_close(rows, self._client.milliseconds()))

    def balances(self) -> dict[str, Balance]:
        if not self._client.markets:
            self._load([])
        raw = self._read("fetch_balance", lambda: self._client.fetch_balance({"omitZeroBalances": True}), share=DATA)
        return self._parsed(lambda: parse.balances(raw))

    def permissions(self) -> Permissions:
        ask = self._row.permissions
        if ask is None:
            return Permissions(None, None)
        found: Permissions = self._read("permissions", lambda: ask(self._client), share=DATA)
        return found

    def place(self, order: NewOrder) -> ExchangeOrder:
        rules = self._ready(order.symbol)
        amount, price = parse.quantised(rules, order)
        sent = replace(order, amount=Decimal(amount), price=None if price is None else Decimal(price))
        kind, extra = ("limit", dict(self._row.maker)) if price is not None and order.post_only else ("limit", {})
        if price is None:
            kind, price, extra = self._market_order(order, rules)
        extra[self._row.place_key] = self._row.id_prefix + order.client_id
        share = PLACE if order.price is not None and order.post_only else PROTECT
        raw = self._link.call(
            "create_order",
            lambda: self._client.create_order(order.symbol, kind, order.side, amount, price, extra),
            writes=True,
            order=True,
            share=share,
        )
        return self._written(lambda: parse.placed(raw, sent, self._row.id_prefix))

    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> None:
        self._ready(symbol)
        if exchange_id is None and self._row.cancel_key is None:
            exchange_id = self._id_in_open_orders(symbol, client_id)
        number, extra = self._address(self._row.cancel_key, client_id, exchange_id)
        raw = self._link.call(
            "cancel_order",
            lambda: self._client.cancel_order(number, symbol, extra),
            writes=True,
            share=CANCEL,
        )
        if not isinstance(raw, dict) or (self._row.cancel_tells_id and not (raw.get("id") or raw.get("clientOrderId"))):
            raise OutcomeUnknown(f"cancel of {client_id}: expected an answer that names the order, found {raw!r:.200}")

    def open_orders(self, symbol: str) -> list[ExchangeOrder]:
        self._market(symbol)
        raw = self._read("fetch_open_orders", lambda: self._client.fetch_open_orders(symbol))
        return [self._order(one) for one in raw]

    def find(self, symbol: str, client_id: str, exchange_id: str | None) -> ExchangeOrder | None:
        self._market(symbol)
        if exchange_id is None and self._row.find_key is None:
            return self._search(symbol, client_id)
        number, extra = self._address(self._row.find_key, client_id, exchange_id)
        try:
            raw = self._read("fetch_order", lambda: self._client.fetch_order(number, symbol, extra))
        except Rejected as error:
            if error.reason == "unknown_order":
                return None
            raise
        return self._order(raw)

    def executions_since(self, symbol: str, cursor: str) -> Page:
        self._market(symbol)
        return since(self._link, symbol, cursor)

    def executions_of(self, symbol: str, exchange_id: str) -> list[Execution]:
        self._market(symbol)
        return of_order(self._link, symbol, exchange_id)

    def _ready(self, symbol: str) -> Market:
        """The rules, before something is sent: what goes wrong here has definitely changed nothing."""
        try:
            return self.rules(symbol)
        except RetryLater:
            raise
        except Unavailable as error:
            raise RetryLater(str(error)) from error
        except InvalidInput as error:
            raise Rejected(str(error), "halted") from error

    def _market_order(self, order: NewOrder, rules: Market) -> tuple[str, str | None, dict[str, Any]]:
        """Type, price and parameters of an order that takes at once."""
        if order.side != BUY or self._row.market_buy_in_base:
            return "market", None, {}
        ticks = rules.price_ticks(self.price(order.symbol) * _REACH)
        return "limit", format(rules.price(ticks), "f"), {"timeInForce": "IOC"}

    def _address(self, key: str | None, client_id: str, exchange_id: str | None) -> tuple[str | None, dict[str, str]]:
        """How ccxt is told which order is meant: its first argument and its parameters."""
        if exchange_id is not None or key is None:
            return exchange_id, {}
        ours = self._row.id_prefix + client_id
        return (ours, {}) if key == ID else (None, {key: ours})

    def _id_in_open_orders(self, symbol: str, client_id: str) -> str:
        for found in self.open_orders(symbol):
            if found.client_id == client_id:
                return found.exchange_id
        raise Rejected(f"{symbol}: no open order has the client id {client_id}", "unknown_order")

    def _search(self, symbol: str, client_id: str) -> ExchangeOrder | None:
        """Look through the open orders, then the newest closed and cancelled ones, where ids cannot be asked for."""
        asks: list[tuple[str, Callable[[], Any]]] = [
            ("fetch_open_orders", lambda: self._client.fetch_open_orders(symbol))
        ]
        if self._client.has.get("fetchCanceledAndClosedOrders"):
            asks.append(("fetch_closed_orders", lambda: self._client.fetch_canceled_and_closed_orders(symbol)))
        else:
            asks.append(("fetch_closed_orders", lambda: self._client.fetch_closed_orders(symbol)))
            if self._client.has.get("fetchCanceledOrders"):
                asks.append(("fetch_closed_orders", lambda: self._client.fetch_canceled_orders(symbol)))
        for name, ask in asks:
            listed: Iterable[dict[str, Any]] = self._read(name, ask)
            for one in listed:
                if parse.client_id(one, self._row.id_prefix) == client_id:
                    return self._order(one)
        return None

    def _market(self, symbol: str, *, fresh: bool = False) -> dict[str, Any]:
        if fresh or symbol not in (self._client.markets or {}):
            self._load([symbol])
        if not self._prepared:
            ask = self._row.prepare
            if ask is not None:
                self._link.call("prepare", lambda: ask(self._client))
            self._prepared = True
        try:
            found: dict[str, Any] = self._client.markets[symbol]
        except KeyError:
            name = self._link.exchange
            raise InvalidInput(f"{name}: expected a symbol it trades, such as BTC/USDT, was {symbol!r}") from None
        return found

    def _load(self, symbols: list[str]) -> None:
        """Load market rules: only those in use where the exchange lets us ask for some, since all take 100 MB."""
        known = list(self._client.markets or {})
        only = self._row.only
        wanted = sorted({*known, *symbols})
        if only is None or not wanted:
            params = {}
        else:
            params = only([symbol.split(":")[0].replace("/", "") for symbol in wanted])
        self._read("load_markets", lambda: self._client.load_markets(True, params), share=DATA)

    def _read(self, name: str, work: Callable[[], Any], share: float = PLACE) -> Any:
        raw = self._link.call(name, work, share=share)
        if not isinstance(raw, (dict, list, Permissions)):
            raise Unavailable(f"{name}: expected an answer that can be read, found {raw!r:.200}. Try again.")
        return raw

    def _order(self, raw: dict[str, Any]) -> ExchangeOrder:
        return self._parsed(lambda: parse.order(raw, self._row.id_prefix))

    def _parsed(self, parser: Callable[[], T]) -> T:
        try:
            return parser()
        except AutogridError:
            raise
        except Exception as error:
            raise Unavailable(f"expected an answer that can be read, found {error!r}. Try again.") from error

    def _written(self, parser: Callable[[], ExchangeOrder]) -> ExchangeOrder:
        try:
            return parser()
        except AutogridError:
            raise
        except Exception as error:
            raise OutcomeUnknown(f"expected an order, found {error!r}. Look it up.") from error

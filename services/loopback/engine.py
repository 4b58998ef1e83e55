"""The matching engine: orders in, fills out. No I/O; the tape is the counterparty of every fill."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from services.loopback.account import Account
from services.loopback.book import Book
from services.loopback.errors import (
    BAD_SYMBOL,
    DUPLICATE,
    MATCHES,
    NO_FUNDS,
    UNKNOWN_CANCEL,
    ApiError,
    filter_failure,
    rejected,
)
from services.loopback.fees import choose, fee_of, reserve
from services.loopback.market import Market
from services.loopback.order import Order, Trade
from services.loopback.units import E8


class Clock(Protocol):
    """The exchange's times, ms."""

    def stamp(self) -> int:
        """Time written on orders and trades."""

    def tape(self) -> int:
        """Time of the tape."""

    def wall(self) -> int:
        """Time of the machine."""


class Listener:
    """What the engine reports; streams override it."""

    def on_order(self, order: Order, what: str, trade: Trade | None) -> None:
        """`what` is the execution type: NEW, TRADE, CANCELED, EXPIRED, REJECTED."""

    def on_balance(self, account: Account, assets: tuple[str, ...]) -> None:
        """Balances of these assets may have changed."""

    def on_deposit(self, account: Account, asset: str, amount: int) -> None:
        """Money from outside, negative for a withdrawal."""


@dataclass
class NewOrder:
    """A checked request for an order; price 0 for MARKET."""

    symbol: str
    is_buy: bool
    type: str
    tif: str
    qty: int
    price: int
    client_id: str


@dataclass
class Engine:
    """All markets, accounts, orders and trades."""

    clock: Clock
    markets: dict[str, Market] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    books: dict[str, Book] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    #: (account, symbol, client id) -> orders in order of arrival.
    by_client: dict[tuple[str, str, str], list[Order]] = field(default_factory=dict)
    #: (account, symbol) -> resting orders by id, oldest first.
    resting: dict[tuple[str, str], dict[int, Order]] = field(default_factory=dict)
    #: (account, symbol) -> everything that happened there.
    history: dict[tuple[str, str], list[Order]] = field(default_factory=dict)
    trades: dict[tuple[str, str], list[Trade]] = field(default_factory=dict)
    listener: Listener = field(default_factory=Listener)
    #: Called with an order that fills for the first time: it no longer counts as unfilled.
    on_first_fill: Callable[[Order], None] = lambda order: None
    next_order_id: int = 1

    def add_market(self, market: Market) -> None:
        """List a market."""
        self.markets[market.symbol] = market
        self.books[market.symbol] = Book()

    def market(self, symbol: str) -> Market:
        """A listed market, else -1121."""
        market = self.markets.get(symbol)
        if market is None or not market.listed:
            raise ApiError(*BAD_SYMBOL)
        return market

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Resting orders of an account, oldest first."""
        names = self.markets if symbol is None else [symbol]
        found = [order for name in names for order in self.resting.get((account, name), {}).values()]
        return found if symbol else sorted(found, key=lambda order: order.id)

    def find(self, account: str, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """An order by exchange id (and client id, if both are given) or the newest one with a client id."""
        if order_id is not None:
            order = self.orders.get(order_id)
            fits = order is not None and order.account == account and order.symbol == symbol
            return order if order is not None and fits and client_id in (None, order.client_id) else None
        found = self.by_client.get((account, symbol, client_id or ""), [])
        return next((order for order in reversed(found) if order.is_open), found[-1] if found else None)

    def check(self, account: Account, new: NewOrder, allow_duplicate: bool = False) -> Market:
        """Refuse what the exchange refuses before it accepts an order."""
        market = self.market(new.symbol)
        market.check(new.qty, None if new.type == "MARKET" else new.price)
        if new.type == "MARKET" and not market.last:
            raise ApiError(-1112, "No orders on book for symbol.")
        if not account.can_trade:
            raise rejected("This account may not place or cancel orders.")
        same = self.by_client.get((account.name, new.symbol, new.client_id), [])
        if not allow_duplicate and any(order.is_open for order in same):
            raise rejected(DUPLICATE)
        if new.type != "MARKET" and len(self.resting.get((account.name, new.symbol), ())) >= market.max_orders:
            raise filter_failure("MAX_NUM_ORDERS")
        if new.type == "LIMIT_MAKER" and market.crosses(new.is_buy, new.price):
            raise rejected(MATCHES)
        return market

    def place(self, account: Account, new: NewOrder, allow_duplicate: bool = False) -> Order:
        """Accept an order: it takes from the tape, rests or expires at once. ApiError when refused."""
        market = self.check(account, new, allow_duplicate)
        takes = new.type == "MARKET" or market.crosses(new.is_buy, new.price)
        now, wall = self.clock.stamp(), self.clock.wall()
        order = Order(
            self.next_order_id, account.name, new.symbol, new.client_id, new.is_buy, new.type, new.tif,
            new.price, new.qty, now, wall, now,
        )  # fmt: skip
        price = 0
        if takes:
            price = market.buy_take_price() if new.is_buy else market.sell_take_price()
        self._afford(account, market, order, price)
        self.next_order_id += 1
        self.orders[order.id] = order
        self.by_client.setdefault((account.name, order.symbol, order.client_id), []).append(order)
        self.history.setdefault((account.name, order.symbol), []).append(order)
        if not takes and new.tif in ("IOC", "FOK"):
            self.listener.on_order(order, "NEW", None)
            self._end(
                order, "EXPIRED", f"UNFILLED_{new.tif}_" + ("QUANTITY_EXPIRED" if new.tif == "IOC" else "ORDER_EXPIRED")
            )
            return order
        if takes:
            self.listener.on_order(order, "NEW", None)
            self._fill(account, market, order, price, order.qty, is_maker=False)
            return order
        self.books[order.symbol].side(order.is_buy).add(order)
        self.resting.setdefault((account.name, order.symbol), {})[order.id] = order
        self._relock(account, market, order)
        self.listener.on_order(order, "NEW", None)
        self.listener.on_balance(account, (market.quote if order.is_buy else market.base,))
        return order

    def _afford(self, account: Account, market: Market, order: Order, take_price: int) -> None:
        asset = market.quote if order.is_buy else market.base
        if order.is_buy and take_price:
            cost = take_price * order.qty
            if account.fee_asset == "quote":
                cost += fee_of(order, market.quote, cost * market.taker_ppm, market.commission_decimals)
        else:
            cost = reserve(account, market, order)
        if cost > account.free(asset):
            raise rejected(NO_FUNDS)

    def _relock(self, account: Account, market: Market, order: Order) -> None:
        asset = market.quote if order.is_buy else market.base
        wanted = reserve(account, market, order) if order.is_open else 0
        # A fee asset changed meanwhile may ask for more than is there: lock what there is.
        wanted = min(wanted, order.locked + max(0, account.free(asset)))
        account.lock(asset, wanted - order.locked)
        order.locked = wanted

    def _fill(self, account: Account, market: Market, order: Order, price: int, qty: int, is_maker: bool) -> Trade:
        ppm = market.maker_ppm if is_maker else market.taker_ppm
        account.lock(market.quote if order.is_buy else market.base, -order.locked)
        order.locked = 0
        sign = 1 if order.is_buy else -1
        account.add(market.base, sign * qty * E8)
        account.add(market.quote, -sign * price * qty)
        asset, exact = choose(account, market, order, price, qty, ppm)
        fee = fee_of(order, asset, exact, market.commission_decimals)
        order.fee_exact[asset] = order.fee_exact.get(asset, 0) + exact
        order.fee_paid[asset] = order.fee_paid.get(asset, 0) + fee
        account.add(asset, -fee)
        if not order.filled:
            self.on_first_fill(order)
        order.filled += qty
        order.quote += price * qty
        order.status = "PARTIALLY_FILLED" if order.rest else "FILLED"
        order.update_time = self.clock.stamp()
        trade = Trade(
            market.next_trade_id, order.id, order.symbol, order.is_buy, price, qty, fee, asset,
            order.update_time, self.clock.tape(), self.clock.wall(), is_maker,
        )  # fmt: skip
        market.next_trade_id += 1
        order.trades.append(trade)
        self.trades.setdefault((account.name, order.symbol), []).append(trade)
        if is_maker and not order.rest:
            self._unrest(order)
        self._relock(account, market, order)
        self.listener.on_order(order, "TRADE", trade)
        self.listener.on_balance(account, tuple(dict.fromkeys((market.base, market.quote, asset))))
        return trade

    def fill(self, order: Order, qty: int | None = None) -> Trade:
        """Fill a resting order at its price, whole or in part; the price does not move."""
        amount = order.rest if qty is None else min(qty, order.rest)
        return self._fill(
            self.accounts[order.account], self.markets[order.symbol], order, order.price, amount, is_maker=True
        )

    def cancel(self, order: Order | None, cancel_id: str = "") -> Order:
        """Cancel a resting order; -2011 where there is none."""
        if order is None or not order.is_open:
            raise ApiError(*UNKNOWN_CANCEL)
        order.cancel_id = cancel_id
        self._unrest(order)
        self._end(order, "CANCELED")
        return order

    def _unrest(self, order: Order) -> None:
        self.books[order.symbol].side(order.is_buy).remove(order)
        del self.resting[order.account, order.symbol][order.id]

    def expire(self, order: Order, status: str = "EXPIRED", reason: str = "EXCHANGE_CANCELED") -> Order:
        """The exchange ends a resting order itself."""
        if order.is_open:
            self._unrest(order)
            self._end(order, status, reason)
        return order

    def _end(self, order: Order, status: str, reason: str | None = None) -> None:
        account, market = self.accounts[order.account], self.markets[order.symbol]
        order.status, order.expiry_reason, order.update_time = status, reason, self.clock.stamp()
        self._relock(account, market, order)
        self.listener.on_order(order, status, None)
        self.listener.on_balance(account, (market.quote if order.is_buy else market.base,))

    def print(self, symbol: str, price: int, qty: int, side: str | None = None) -> list[Trade]:
        """The tape trades at `price`: resting orders it reaches fill, best price first, then first come.

        `side` is the taker's, None where unknown. With liquidity "full" every order at least
        `penetration_ticks` inside fills whole; with "tape" orders through the price, and orders at it whose
        side fits, share `qty`. Fills are at the orders' prices.
        """
        market, book = self.markets[symbol], self.books[symbol]
        market.last = price
        if not market.tradable:
            return []
        fills: list[Trade] = []
        left = qty
        for is_buy in (True, False):
            while (order := book.side(is_buy).best()) is not None:
                through = order.price - price if is_buy else price - order.price
                if market.liquidity == "full":
                    if through < market.penetration_ticks * market.tick:
                        break
                    amount = order.rest
                else:
                    fits = side is None or (side == "sell") == is_buy
                    amount = order.rest if left >= order.rest else left // market.lot * market.lot
                    if through < 0 or (through == 0 and not fits) or amount <= 0:
                        break
                    left -= amount
                fills.append(self._fill(self.accounts[order.account], market, order, order.price, amount, True))
        return fills

    def relock_all(self, account: Account) -> None:
        """After a change of the fee asset or rates."""
        for order in self.open_orders(account.name):
            self._relock(account, self.markets[order.symbol], order)

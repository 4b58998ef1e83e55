"""One account on one market, in memory: paper bots, replays and tests trade here.

Deterministic: nothing happens but what `match`, `take` and the calls of the port make happen. A resting order is
filled when the price trades `penetration` ticks through it, at its own price, best price first, first come first
served; market orders get the last price and lose `slippage` ticks.
"""

from bisect import insort
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from autogrid.core.ledger import MICRO
from autogrid.core.market import Market, fee_atoms
from autogrid.errors import InvalidInput, Rejected
from autogrid.exchange import port
from autogrid.exchange.port import Balance, ExchangeOrder, Execution, NewOrder, Page, Permissions


@dataclass(slots=True)
class _Resting:
    """A resting order in units; lists of them sort by `rank`."""

    #: Best price first, then first come.
    rank: tuple[int, int]
    price: int
    lots: int
    #: Quote a buy holds back, in atoms: notional and fee.
    held: int
    order: ExchangeOrder

    def __lt__(self, other: "_Resting") -> bool:
        return self.rank < other.rank


@dataclass
class Simulated:
    """An account with `quote` atoms and `base_micro` millionths of a lot at `symbol`."""

    symbol: str
    market: Market
    quote: int = 0
    base_micro: int = 0
    penetration: int = 1
    slippage: int = 0
    #: Last traded price in ticks, 0 before the first.
    last: int = 0
    #: Time of what happens next.
    now_ms: int = 0
    orders: dict[str, ExchangeOrder] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    _by_client: dict[str, _Resting] = field(default_factory=dict)
    _buys: list[_Resting] = field(default_factory=list)
    _sells: list[_Resting] = field(default_factory=list)
    _of_order: dict[str, list[Execution]] = field(default_factory=dict)
    _held_quote: int = 0
    _held_lots: int = 0

    # The market moves.

    def reach(self) -> tuple[int | None, int | None]:
        """Prices (ticks) at or below, at or above which something fills; None where nothing rests."""
        down = self._buys[0].price - self.penetration if self._buys else None
        up = self._sells[0].price + self.penetration if self._sells else None
        return down, up

    def match(self, price: int, lots: int | None = None) -> int:
        """The price trades to `price`; fills what it reaches, at most `lots` in all. Returns the number of fills.

        The last price becomes that of the last fill: the caller lets bots react, calls again until nothing
        fills any more, and then says `arrive`.
        """
        count = 0
        while lots is None or lots > 0:
            if self._buys and price <= self._buys[0].price - self.penetration:
                resting, side = self._buys[0], port.BUY
            elif self._sells and price >= self._sells[0].price + self.penetration:
                resting, side = self._sells[0], port.SELL
            else:
                break
            part = resting.lots if lots is None else min(lots, resting.lots)
            self._fill(resting, side, part)
            self.last = resting.price
            lots = None if lots is None else lots - part
            count += 1
        return count

    def arrive(self, price: int) -> None:
        """The last price is `price`, whatever rests there."""
        self.last = price

    def _fill(self, resting: _Resting, side: str, lots: int) -> None:
        order = resting.order
        filled = order.filled + self.market.amount(lots)
        status = port.FILLED if lots == resting.lots else port.OPEN
        resting.order = self.orders[order.exchange_id] = replace(order, filled=filled, status=status)
        if side == port.BUY:
            part = resting.held if lots == resting.lots else resting.held * lots // resting.lots
            self._held_quote -= part
            resting.held -= part
        else:
            self._held_lots -= lots
        resting.lots -= lots
        if not resting.lots:
            self._remove(resting, side)
        self._book(order.exchange_id, side, resting.price, lots, self.market.maker_ppm)

    def _remove(self, resting: _Resting, side: str) -> None:
        (self._buys if side == port.BUY else self._sells).remove(resting)
        del self._by_client[resting.order.client_id]

    def _book(self, exchange_id: str, side: str, price: int, lots: int, ppm: int) -> None:
        market, notional = self.market, price * lots
        base, quote = self.symbol.split("/")
        if side == port.BUY and market.fee_in_base:
            fee, asset = Decimal(lots * ppm) * market.lot / MICRO, base
            self.base_micro += lots * (MICRO - ppm)
            self.quote -= notional
        else:
            charged = fee_atoms(notional, ppm)
            fee, asset = market.money(charged), quote
            sign = 1 if side == port.BUY else -1
            self.base_micro += sign * lots * MICRO
            self.quote -= sign * notional + charged
        execution = Execution(
            str(len(self.executions) + 1),
            exchange_id,
            self.now_ms,
            side,
            market.price(price),
            market.amount(lots),
            fee,
            asset,
        )
        self.executions.append(execution)
        self._of_order.setdefault(exchange_id, []).append(execution)

    # The port.

    def rules(self, symbol: str, *, fresh: bool = False) -> Market:
        return self.market

    def price(self, symbol: str) -> Decimal:
        if self.last <= 0:
            raise InvalidInput(f"{symbol}: expected a traded price, nothing has traded yet; feed the simulation first")
        return self.market.price(self.last)

    def balances(self) -> dict[str, Balance]:
        base, quote = self.symbol.split("/")
        total = Decimal(self.base_micro) * self.market.lot / MICRO
        return {
            base: Balance(total - self.market.amount(self._held_lots), total),
            quote: Balance(self.market.money(self.quote - self._held_quote), self.market.money(self.quote)),
        }

    def permissions(self) -> Permissions:
        return Permissions(trade=True, withdraw=False)

    def place(self, order: NewOrder) -> ExchangeOrder:
        if order.client_id in self._by_client:
            raise Rejected(f"order {order.client_id} is open already", "duplicate")
        lots = int(Fraction(order.amount) / Fraction(self.market.lot))
        price = self.market.price_ticks(order.price) if order.price is not None else self.last
        exchange_id = str(len(self.orders) + 1)
        accepted = ExchangeOrder(
            exchange_id, order.client_id, order.side, order.price, order.amount, Decimal(0), port.OPEN
        )
        if lots < 1 or price * lots < self.market.min_notional_atoms:
            raise Rejected(f"{lots} lots at {price} ticks are below the market's least amount", "filter")
        if order.price is None:
            return self._take(accepted, lots)
        if order.post_only and (price > self.last if order.side == port.BUY else price < self.last):
            raise Rejected(
                f"a {order.side} at {order.price} would take at {self.market.price(self.last)}", "would_cross"
            )
        held = self._reserve(order.side, price, lots, self.market.maker_ppm)
        resting = _Resting((-price if order.side == port.BUY else price, len(self.orders)), price, lots, held, accepted)
        self.orders[exchange_id] = accepted
        self._by_client[order.client_id] = resting
        insort(self._buys if order.side == port.BUY else self._sells, resting)
        return accepted

    def _reserve(self, side: str, price: int, lots: int, ppm: int) -> int:
        """Hold back what the order may cost; Rejected where it is not there."""
        if side == port.SELL:
            if (self._held_lots + lots) * MICRO > self.base_micro:
                raise Rejected(f"{lots} lots to sell are not there", "insufficient_funds")
            self._held_lots += lots
            return 0
        cost = price * lots + (0 if self.market.fee_in_base else fee_atoms(price * lots, ppm))
        if self._held_quote + cost > self.quote:
            raise Rejected(f"{self.market.money(cost)} to buy with are not there", "insufficient_funds")
        self._held_quote += cost
        return cost

    def _take(self, order: ExchangeOrder, lots: int) -> ExchangeOrder:
        buy = order.side == port.BUY
        price = self.last + self.slippage if buy else self.last - self.slippage
        held = self._reserve(order.side, price, lots, self.market.taker_ppm)
        if buy:
            self._held_quote -= held
        else:
            self._held_lots -= lots
        done = replace(order, filled=order.amount, status=port.FILLED)
        self.orders[order.exchange_id] = done
        self._book(order.exchange_id, order.side, price, lots, self.market.taker_ppm)
        return done

    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> None:
        resting = self._by_client.get(client_id)
        if resting is None:
            raise Rejected(f"order {client_id} is not open", "unknown_order")
        if resting.order.side == port.BUY:
            self._held_quote -= resting.held
        else:
            self._held_lots -= resting.lots
        self._remove(resting, resting.order.side)
        self.orders[resting.order.exchange_id] = replace(resting.order, status=port.CANCELED)

    def open_orders(self, symbol: str) -> list[ExchangeOrder]:
        return [resting.order for resting in self._by_client.values()]

    def find(self, symbol: str, client_id: str, exchange_id: str | None) -> ExchangeOrder | None:
        if exchange_id is not None:
            return self.orders.get(exchange_id)
        return next((o for o in reversed(self.orders.values()) if o.client_id == client_id), None)

    def executions_since(self, symbol: str, cursor: str) -> Page:
        start = int(cursor) if cursor else len(self.executions)
        return Page(self.executions[start:], str(len(self.executions)))

    def executions_of(self, symbol: str, exchange_id: str) -> list[Execution]:
        return list(self._of_order.get(exchange_id, ()))

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
from autogrid.exchange.grid_units import units
from autogrid.exchange.port import Balance, ExchangeOrder, Execution, NewOrder, Page, Permissions

#: Finest part of a third coin that a fee is taken in.
_COIN = Decimal("0.00000001")


@dataclass(slots=True)
class Resting:
    """A resting order in units; lists of them sort by `rank`."""

    #: Best price first, then first come.
    rank: tuple[int, int]
    price: int
    lots: int
    #: Quote a buy holds back, in atoms: notional and fee.
    held: int
    order: ExchangeOrder

    def __lt__(self, other: "Resting") -> bool:
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
    #: Third coin that fees are taken from while there is enough of it, "" for none; see `pay_fees_with`.
    fee_coin: str = ""
    fee_coin_price: Decimal = Decimal(1)
    fee_share_ppm: int = MICRO
    fee_coins: Decimal = Decimal(0)
    #: Numbers of the next order and trade.
    next_order: int = 1
    next_trade: int = 1
    _by_client: dict[str, Resting] = field(default_factory=dict)
    _buys: list[Resting] = field(default_factory=list)
    _sells: list[Resting] = field(default_factory=list)
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

    def fill(self, client_id: str, lots: int) -> None:
        """So many lots of a resting order fill, at its price."""
        resting = self._open(client_id)
        self._fill(resting, resting.order.side, min(lots, resting.lots))

    def end(self, client_id: str, status: str = port.EXPIRED) -> None:
        """The exchange ends a resting order."""
        resting = self._open(client_id)
        if resting.order.side == port.BUY:
            self._held_quote -= resting.held
        else:
            self._held_lots -= resting.lots
        self._remove(resting, resting.order.side)
        self.orders[resting.order.exchange_id] = replace(resting.order, status=status)

    def deposit(self, coin: str, amount: Decimal) -> None:
        """Money in; negative: out."""
        base, quote = self.symbol.split("/")
        if coin == quote:
            self.quote += int(Fraction(amount) / Fraction(self.market.atom))
        elif coin == base:
            self.base_micro += int(Fraction(amount) / Fraction(self.market.lot) * MICRO)
        elif coin == self.fee_coin:
            self.fee_coins += amount
        else:
            raise InvalidInput(f"coin must be {base}, {quote} or the fee coin {self.fee_coin or '(none)'}, was {coin}")

    def pay_fees_with(self, coin: str, price: Decimal, share_ppm: int = MICRO) -> None:
        """Take fees from `coin` at `price` quote each, `share_ppm` of the usual fee; "" goes back to the market's."""
        self.fee_coin, self.fee_coin_price, self.fee_share_ppm = coin, price, share_ppm

    def _open(self, client_id: str) -> Resting:
        resting = self._by_client.get(client_id)
        if resting is None:
            raise Rejected(f"order {client_id} is not open", "unknown_order")
        return resting

    def _fill(self, resting: Resting, side: str, lots: int) -> None:
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

    def _remove(self, resting: Resting, side: str) -> None:
        (self._buys if side == port.BUY else self._sells).remove(resting)
        del self._by_client[resting.order.client_id]

    def _book(self, exchange_id: str, side: str, price: int, lots: int, ppm: int) -> None:
        market, notional = self.market, price * lots
        sign = 1 if side == port.BUY else -1
        self.quote -= sign * notional
        self.base_micro += sign * lots * MICRO
        fee, coin = self._charge(side, notional, lots, ppm)
        number, at, amount = str(self.next_trade), market.price(price), market.amount(lots)
        self.next_trade += 1
        self.remember(Execution(number, exchange_id, self.now_ms, side, at, amount, fee, coin))

    def remember(self, execution: Execution) -> None:
        """Add to the history that executions are read from."""
        self.executions.append(execution)
        self._of_order.setdefault(execution.exchange_id, []).append(execution)

    def _charge(self, side: str, notional: int, lots: int, ppm: int) -> tuple[Decimal, str]:
        """Take the fee of a fill; what was taken, and of which coin."""
        market = self.market
        base, _, quote = self.symbol.partition("/")
        if self.fee_coin:
            usual = market.money(notional) * (ppm * self.fee_share_ppm)
            fee = (usual / MICRO / MICRO / self.fee_coin_price).quantize(_COIN)
            if fee <= self.fee_coins:
                self.fee_coins -= fee
                return fee, self.fee_coin
        if side == port.BUY and market.fee_in_base:
            self.base_micro -= lots * ppm
            return Decimal(lots * ppm) * market.lot / MICRO, base
        charged = fee_atoms(notional, ppm)
        self.quote -= charged
        return market.money(charged), quote

    # The port.

    def rules(self, symbol: str, *, fresh: bool = False) -> Market:
        if symbol != self.symbol:
            raise InvalidInput(f"symbol must be {self.symbol}, the only market of this simulation, was {symbol}")
        return self.market

    def price(self, symbol: str) -> Decimal:
        if self.last <= 0:
            raise InvalidInput(f"{symbol}: expected a traded price, nothing has traded yet; feed the simulation first")
        return self.market.price(self.last)

    def last_close(self, symbol: str) -> None:
        """It has no candles: they are what moves it."""

    def balances(self) -> dict[str, Balance]:
        base, quote = self.symbol.split("/")
        total = Decimal(self.base_micro) * self.market.lot / MICRO
        coin = {self.fee_coin: Balance(self.fee_coins, self.fee_coins)} if self.fee_coin else {}
        return coin | {
            base: Balance(total - self.market.amount(self._held_lots), total),
            quote: Balance(self.market.money(self.quote - self._held_quote), self.market.money(self.quote)),
        }

    def permissions(self) -> Permissions:
        return Permissions(trade=True, withdraw=False)

    def place(self, order: NewOrder) -> ExchangeOrder:
        if order.client_id in self._by_client:
            raise Rejected(f"order {order.client_id} is open already", "duplicate")
        lots, ticks = units(self.market, order)
        price = self.last if ticks is None else ticks
        if lots < 1 or self.market.money(price * lots) < self.market.min_notional:
            raise Rejected(f"{lots} lots at {price} ticks are below the market's least amount", "filter")
        most = self.market.max_market_lots(price) if ticks is None else self.market.max_lots
        if most is not None and lots > most:
            raise Rejected(f"{lots} lots are more than the {most} of one order", "filter")
        buy = order.side == port.BUY
        limit = None if ticks is None else self.market.price(ticks)
        accepted = ExchangeOrder(
            str(self.next_order), order.client_id, order.side, limit, self.market.amount(lots), Decimal(0), port.OPEN
        )
        if ticks is None:
            return self._take(accepted, lots, self.last + (self.slippage if buy else -self.slippage))
        if ticks > self.last if buy else ticks < self.last:
            if not order.post_only:
                best = self.last + self.slippage if buy else self.last - self.slippage
                return self._take(accepted, lots, min(best, ticks) if buy else max(best, ticks))
            at = self.market.price(self.last)
            raise Rejected(f"a {order.side} at {order.price} would take at {at}", "would_cross")
        held = self._needed(order.side, ticks, lots, self.market.maker_ppm)
        resting = Resting((-ticks if buy else ticks, self.next_order), ticks, lots, held, accepted)
        self._accept(accepted)
        self.rest(resting)
        return accepted

    def _accept(self, order: ExchangeOrder) -> None:
        self.orders[order.exchange_id] = order
        self.next_order += 1

    def _needed(self, side: str, price: int, lots: int, ppm: int) -> int:
        """What a buy may cost, in atoms, 0 for a sell; Rejected where money or base is not there."""
        if side == port.SELL:
            if (self._held_lots + lots) * MICRO > self.base_micro:
                raise Rejected(f"{lots} lots to sell are not there", "insufficient_funds")
            return 0
        cost = price * lots + (0 if self.market.fee_in_base or self.fee_coin else fee_atoms(price * lots, ppm))
        if self._held_quote + cost > self.quote:
            raise Rejected(f"{self.market.money(cost)} to buy with are not there", "insufficient_funds")
        return cost

    def rest(self, resting: Resting) -> None:
        """Put an order into the book and hold back what it may cost."""
        buy = resting.order.side == port.BUY
        self._held_quote += resting.held
        self._held_lots += 0 if buy else resting.lots
        self._by_client[resting.order.client_id] = resting
        insort(self._buys if buy else self._sells, resting)

    def resting(self) -> list[Resting]:
        """Orders in the book, in order of arrival."""
        return list(self._by_client.values())

    def _take(self, order: ExchangeOrder, lots: int, price: int) -> ExchangeOrder:
        self._needed(order.side, price, lots, self.market.taker_ppm)
        done = replace(order, filled=order.amount, status=port.FILLED)
        self._accept(done)
        self._book(order.exchange_id, order.side, price, lots, self.market.taker_ppm)
        return done

    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> None:
        self.end(client_id, port.CANCELED)

    def open_orders(self, symbol: str) -> list[ExchangeOrder]:
        return [resting.order for resting in self._by_client.values()]

    def find(self, symbol: str, client_id: str, exchange_id: str | None) -> ExchangeOrder | None:
        if exchange_id is not None:
            return self.orders.get(exchange_id)
        return next((o for o in reversed(self.orders.values()) if o.client_id == client_id), None)

    def executions_since(self, symbol: str, cursor: str) -> Page:
        newest = self.next_trade - 1
        seen = int(cursor) if cursor else newest
        return Page(self.executions[max(0, len(self.executions) - newest + seen) :], str(newest))

    def executions_of(self, symbol: str, exchange_id: str) -> list[Execution]:
        return list(self._of_order.get(exchange_id, ()))

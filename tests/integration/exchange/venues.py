"""What the contract tests need of an exchange under test: the port, and hands to move the market with."""

import http.client
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import urlsplit

from autogrid.core.market import Market
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.open import open_exchange
from autogrid.exchange.port import Exchange, NewOrder
from autogrid.exchange.simulated import Simulated
from autogrid.exchange.simulated_state import from_json, to_json
from tests.loopback_client import Loopback

SYMBOL = "BTC/USDT"
#: Rules of the market under test.
TICK, LOT, LEAST, MAKER, TAKER = "0.01", "0.00001", "5", "0.001", "0.002"


class Venue(Protocol):
    """One account with 10,000 USDT and 1 BTC at a market that last traded at 100."""

    exchange: Exchange

    def trade(self, price: str) -> None:
        """The market trades at `price`, with more than enough volume."""

    def fill(self, client_id: str, amount: str, times: int = 1) -> None:
        """So much of a resting order fills, at its price, so many times."""

    def foreign(self, side: str, price: str, amount: str) -> str:
        """Somebody else with the same account rests an order; returns its client id."""

    def end(self, client_id: str) -> None:
        """The exchange ends a resting order on its own."""

    def drain(self, coin: str) -> None:
        """Take all free money of a coin away."""


class LoopbackVenue:
    """ccxt against the loopback exchange."""

    def __init__(self, loopback: Loopback, name: str, fee_asset: str) -> None:
        self._loopback, self._name = loopback, name
        loopback.control(
            "account",
            name=name,
            balances={"USDT": "10000", "BTC": "1", "BNB": "100"},
            fee_asset=fee_asset,
            fee_price="10",
        )
        self._control("print", price="100")
        self.exchange = open_exchange(
            "binance",
            api_key=f"{name}key",
            secret=f"{name}secret",
            base_url=loopback.url,
            limiter=MemoryLimiter(),
            maker_fee=Decimal(MAKER),
            taker_fee=Decimal(TAKER),
            buy_fee_asset="base" if fee_asset == "received" else "quote",
        )

    def _control(self, command: str, **body: Any) -> dict[str, Any]:
        return self._loopback.control(command, account=self._name, symbol=SYMBOL, **body)

    def trade(self, price: str) -> None:
        self._control("print", price=price, qty="1000000")

    def fill(self, client_id: str, amount: str, times: int = 1) -> None:
        connection = http.client.HTTPConnection(urlsplit(self._loopback.url).netloc)
        body = json.dumps({"account": self._name, "symbol": SYMBOL, "client_id": client_id, "qty": amount})
        for _ in range(times):
            connection.request("POST", "/control/fill", body)
            with connection.getresponse() as answer:
                assert answer.status == 200, answer.read()
                answer.read()
        connection.close()

    def foreign(self, side: str, price: str, amount: str) -> str:
        return str(self._control("order", side=side, price=price, qty=amount, client_id="web_1")["clientOrderId"])

    def end(self, client_id: str) -> None:
        self._control("expire", client_id=client_id)

    def drain(self, coin: str) -> None:
        self._control("drain", asset=coin)


class SimulatedVenue:
    """The simulated exchange, written to JSON and read again between any two steps."""

    def __init__(self, fee_asset: str) -> None:
        market = Market(TICK, LOT, LEAST, MAKER, TAKER, "base" if fee_asset == "received" else "quote")
        self.exchange = Simulated(SYMBOL, market, last=market.price_ticks("100"))
        self.exchange.deposit("USDT", Decimal(10000))
        self.exchange.deposit("BTC", Decimal(1))
        if fee_asset == "BNB":
            self.exchange.pay_fees_with("BNB", Decimal(10), 750_000)
            self.exchange.deposit("BNB", Decimal(100))

    def _saved(self) -> None:
        again = from_json(to_json(self.exchange, keep=3000), self.exchange.market)
        assert again == self.exchange
        self.exchange.__dict__.update(again.__dict__)

    def trade(self, price: str) -> None:
        self._saved()
        ticks = self.exchange.market.price_ticks(price)
        self.exchange.match(ticks)
        self.exchange.arrive(ticks)
        self._saved()

    def fill(self, client_id: str, amount: str, times: int = 1) -> None:
        self._saved()
        for _ in range(times):
            self.exchange.fill(client_id, self.exchange.market.lots(amount))
        self._saved()

    def foreign(self, side: str, price: str, amount: str) -> str:
        return self.exchange.place(NewOrder(SYMBOL, "web_1", side, Decimal(amount), Decimal(price))).client_id

    def end(self, client_id: str) -> None:
        self.exchange.end(client_id)

    def drain(self, coin: str) -> None:
        self.exchange.deposit(coin, -self.exchange.balances()[coin].free)


#: Makes a venue whose account pays fees so: "received", "quote" or a third coin.
Maker = Callable[[str], Venue]

"""What AutoGrid needs of an exchange. Every implementation passes the same contract tests.

Money and amounts are Decimals, times are milliseconds UTC. Reads may lag behind the matching engine: absence of
an order or a trade in an answer proves nothing (see FAULTS in the live engine's documentation).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from autogrid.core.market import Market

BUY, SELL = "buy", "sell"
#: States of an order at an exchange. All but OPEN are final.
OPEN, FILLED, CANCELED, EXPIRED, REFUSED = "open", "filled", "canceled", "expired", "rejected"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be sent."""

    symbol: str
    #: At most 18 characters [0-9A-Za-z]; unique for ever among our orders.
    client_id: str
    #: BUY or SELL.
    side: str
    #: Base.
    amount: Decimal
    #: Limit price; None for a market order.
    price: Decimal | None = None
    #: Refuse instead of taking. Ignored for market orders.
    post_only: bool = True


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """An order as the exchange reports it."""

    exchange_id: str
    #: Empty where the exchange knows none (a foreign order).
    client_id: str
    side: str
    #: None for a market order.
    price: Decimal | None
    amount: Decimal
    #: Executed so far, base.
    filled: Decimal
    #: OPEN, FILLED, CANCELED, EXPIRED or REFUSED.
    status: str


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade of one of the account's orders."""

    trade_id: str
    exchange_id: str
    ts_ms: int
    side: str
    price: Decimal
    amount: Decimal
    #: Never negative for a cost; a rebate is negative.
    fee: Decimal
    #: Coin the fee was taken in, such as "USDT", "BTC" or "BNB".
    fee_asset: str


@dataclass(frozen=True, slots=True)
class Balance:
    """One coin of the account."""

    free: Decimal
    #: Free and in orders.
    total: Decimal


@dataclass(frozen=True, slots=True)
class Page:
    """Executions after a cursor, oldest first, and the cursor to go on from."""

    executions: list[Execution]
    cursor: str


@dataclass(frozen=True, slots=True)
class Close:
    """How the market's last finished minute ended."""

    price: Decimal
    #: When it ended.
    at_ms: int


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the account's key may do; None where the exchange does not say."""

    trade: bool | None
    withdraw: bool | None


class Exchange(Protocol):
    """One account at one exchange. Not thread-safe.

    Every method may raise RetryLater (not accepted, send again later), AccountBlocked, or Unavailable (reads:
    nothing happened). `place` and `cancel` raise OutcomeUnknown whenever it is not certain that the request was
    refused: timeout, connection lost, an answer that cannot be read.
    """

    def rules(self, symbol: str, *, fresh: bool = False) -> Market:
        """Tick, lot, least notional and fees; `fresh` asks the exchange again."""

    def price(self, symbol: str) -> Decimal:
        """Price of the last trade."""

    def last_close(self, symbol: str) -> Close | None:
        """Close of the last finished 1m candle; None where the exchange has none."""

    def balances(self) -> dict[str, Balance]:
        """Coins the account holds."""

    def permissions(self) -> Permissions:
        """What the key may do."""

    def place(self, order: NewOrder) -> ExchangeOrder:
        """Send one order. Rejected (see `Rejected.reason`) if it was definitely refused."""

    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> None:
        """Cancel one order. Returning says that it was accepted; Rejected("unknown_order") settles nothing."""

    def open_orders(self, symbol: str) -> list[ExchangeOrder]:
        """Orders that rest now, foreign ones included. May be short."""

    def find(self, symbol: str, client_id: str, exchange_id: str | None) -> ExchangeOrder | None:
        """One order in any state, by exchange id where known, else by client id; None: the exchange knows none."""

    def executions_since(self, symbol: str, cursor: str) -> Page:
        """All executions after the cursor (all pages); "" begins now: it returns none and the newest cursor."""

    def executions_of(self, symbol: str, exchange_id: str) -> list[Execution]:
        """Every execution of one order (all pages)."""

"""An order and its fills, and how the API shows them."""

from dataclasses import dataclass, field
from typing import Any

from services.loopback.units import e8_text, units_text

OPEN = ("NEW", "PARTIALLY_FILLED")


@dataclass(slots=True, frozen=True)
class Trade:
    """One fill of an order."""

    id: int
    order_id: int
    symbol: str
    is_buy: bool
    #: e8.
    price: int
    #: e8.
    qty: int
    #: Units of `fee_asset`.
    fee: int
    fee_asset: str
    #: When, in ms of the exchange's stamps, of the tape and of the machine.
    time: int
    tape_time: int
    wall_time: int
    is_maker: bool

    @property
    def quote(self) -> int:
        """Notional, units."""
        return self.price * self.qty

    def show(self) -> dict[str, Any]:
        """As in myTrades."""
        return {
            "symbol": self.symbol,
            "id": self.id,
            "orderId": self.order_id,
            "orderListId": -1,
            "price": e8_text(self.price),
            "qty": e8_text(self.qty),
            "quoteQty": units_text(self.quote),
            "commission": units_text(self.fee),
            "commissionAsset": self.fee_asset,
            "time": self.time,
            "isBuyer": self.is_buy,
            "isMaker": self.is_maker,
            "isBestMatch": True,
        }


@dataclass(slots=True, eq=False)
class Order:
    """One order of one account."""

    id: int
    account: str
    symbol: str
    client_id: str
    is_buy: bool
    type: str
    tif: str
    #: e8; 0 for MARKET.
    price: int
    #: e8.
    qty: int
    time: int
    wall_time: int
    update_time: int
    status: str = "NEW"
    #: Executed amount, e8, and what it cost, units.
    filled: int = 0
    quote: int = 0
    #: Locked money, units of quote for a buy, of base for a sell.
    locked: int = 0
    expiry_reason: str | None = None
    #: Client id of the request that cancelled it.
    cancel_id: str = ""
    #: Per fee asset: exact commission so far (numerator) and what was charged of it, units.
    fee_exact: dict[str, int] = field(default_factory=dict)
    fee_paid: dict[str, int] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)

    @property
    def rest(self) -> int:
        """What is still to be filled, e8."""
        return self.qty - self.filled

    @property
    def is_open(self) -> bool:
        """True while it can fill."""
        return self.status in OPEN

    def core(self) -> dict[str, Any]:
        """The fields every reply shares."""
        return {
            "price": e8_text(self.price),
            "origQty": e8_text(self.qty),
            "executedQty": e8_text(self.filled),
            "origQuoteOrderQty": "0.00000000",
            "cummulativeQuoteQty": units_text(self.quote),
            "status": self.status,
            "timeInForce": self.tif,
            "type": self.type,
            "side": "BUY" if self.is_buy else "SELL",
            "selfTradePreventionMode": "NONE",
        }

    def show(self) -> dict[str, Any]:
        """As a query answers."""
        shown = {
            "symbol": self.symbol,
            "orderId": self.id,
            "orderListId": -1,
            "clientOrderId": self.client_id,
            **self.core(),
            "stopPrice": "0.00000000",
            "icebergQty": "0.00000000",
            "time": self.time,
            "updateTime": self.update_time,
            "isWorking": True,
            "workingTime": self.time,
        }
        if self.expiry_reason:
            shown["expiryReason"] = self.expiry_reason
        return shown

    def placed(self, response: str) -> dict[str, Any]:
        """As placing it answers: ACK, RESULT or FULL."""
        ack = {
            "symbol": self.symbol,
            "orderId": self.id,
            "orderListId": -1,
            "clientOrderId": self.client_id,
            "transactTime": self.update_time,
        }
        if response == "ACK":
            return ack
        result = {**ack, **self.core(), "workingTime": self.time}
        if response == "FULL":
            result["fills"] = [
                {
                    "price": e8_text(trade.price),
                    "qty": e8_text(trade.qty),
                    "commission": units_text(trade.fee),
                    "commissionAsset": trade.fee_asset,
                    "tradeId": trade.id,
                }
                for trade in self.trades
            ]
        return result

    def cancelled(self, cancel_id: str) -> dict[str, Any]:
        """As cancelling it answers; the client id there is the cancel's own."""
        return {
            "symbol": self.symbol,
            "origClientOrderId": self.client_id,
            "orderId": self.id,
            "orderListId": -1,
            "clientOrderId": cancel_id,
            "transactTime": self.update_time,
            **self.core(),
        }

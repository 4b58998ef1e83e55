"""A market's rules and the filters an order must pass."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.loopback.errors import ApiError, filter_failure
from services.loopback.units import E8, PPM, e8, e8_text, units, units_text

ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")


@dataclass
class Market:
    """One symbol. Prices and amounts in e8, money in units; everything may change while orders rest."""

    base: str
    quote: str
    tick: int = e8("0.01")
    lot: int = e8("0.00001")
    min_notional: int = units("5")
    #: Filters' bounds of price and amount.
    max_price: int = e8("1000000")
    max_qty: int = e8("9000")
    max_market_qty: int = e8("1000")
    max_notional: int = units("9000000")
    #: Whether market orders are held to it, too.
    max_notional_market: bool = False
    max_orders: int = 200
    maker_ppm: int = 1000
    taker_ppm: int = 1000
    #: TRADING, HALT or BREAK.
    status: str = "TRADING"
    #: Delisted: gone from exchangeInfo, its name is unknown.
    listed: bool = True
    #: A resting order fills when a print is at least so many ticks beyond its price.
    penetration_ticks: int = 1
    #: A taker pays so many ticks more than the last price.
    slippage_ticks: int = 0
    #: "full": the tape has any amount; "tape": a print fills as much as it traded.
    liquidity: str = "full"
    #: Commissions are rounded half up to so many decimals.
    commission_decimals: int = 8
    #: Price of the last print, 0 before the first.
    last: int = 0
    next_trade_id: int = 1
    #: Of the last depth update.
    depth_id: int = 1

    @property
    def symbol(self) -> str:
        """The exchange's name, BTCUSDT."""
        return self.base + self.quote

    def buy_take_price(self) -> int:
        """What a buy pays that takes now."""
        return self.last + self.slippage_ticks * self.tick

    def sell_take_price(self) -> int:
        """What a sell gets that takes now."""
        return max(self.last - self.slippage_ticks * self.tick, self.tick)

    def ask(self) -> int:
        """The tape's best ask: the least price at which a limit buy takes."""
        return self.last + max(self.slippage_ticks, 1) * self.tick

    def bid(self) -> int:
        """The tape's best bid: the greatest price at which a limit sell takes."""
        return max(self.last - max(self.slippage_ticks, 1) * self.tick, self.tick)

    def crosses(self, is_buy: bool, price: int) -> bool:
        """True if a limit order at this price would take at once."""
        return self.last > 0 and (price >= self.ask() if is_buy else price <= self.bid())

    def check(self, qty: int, price: int | None) -> None:
        """Refuse an order that breaks a filter; price None means MARKET."""
        if not self.tradable:
            raise ApiError(-1013, "Market is closed.")
        if qty <= 0 or price == 0:
            raise ApiError(-1013, "Price * QTY is zero or less.")
        if price is not None and (price % self.tick or not self.tick <= price <= self.max_price):
            raise filter_failure("PRICE_FILTER")
        if qty % self.lot or not self.lot <= qty <= self.max_qty:
            raise filter_failure("LOT_SIZE")
        if price is None and qty > self.max_market_qty:
            raise filter_failure("MARKET_LOT_SIZE")
        notional = qty * (self.last if price is None else price)
        limited = price is not None or self.max_notional_market
        if notional < self.min_notional or (limited and notional > self.max_notional):
            raise filter_failure("NOTIONAL")

    @property
    def tradable(self) -> bool:
        """True while orders are taken."""
        return self.listed and self.status == "TRADING"

    def info(self) -> dict[str, Any]:
        """The symbol's entry in exchangeInfo."""
        return {
            "symbol": self.symbol,
            "status": self.status,
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": list(ORDER_TYPES),
            "icebergAllowed": False,
            "ocoAllowed": False,
            "otoAllowed": False,
            "quoteOrderQtyMarketAllowed": False,
            "allowTrailingStop": False,
            "cancelReplaceAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self._filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": ["NONE"],
        }

    def _filters(self) -> list[dict[str, Any]]:
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": e8_text(self.tick),
                "maxPrice": e8_text(self.max_price),
                "tickSize": e8_text(self.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": e8_text(self.lot),
                "maxQty": e8_text(self.max_qty),
                "stepSize": e8_text(self.lot),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": e8_text(0),
                "maxQty": e8_text(self.max_market_qty),
                "stepSize": e8_text(0),
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": units_text(self.min_notional),
                "applyMinToMarket": True,
                "maxNotional": units_text(self.max_notional),
                "applyMaxToMarket": self.max_notional_market,
                "avgPriceMins": 0,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": self.max_orders},
        ]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Market":
        """A market from JSON: `symbol` "BTC/USDT" and any field; numbers that are money as strings."""
        base, _, quote = str(config["symbol"]).partition("/")
        if not base or not quote:
            raise ValueError(f"market symbol: expected BASE/QUOTE, found {config['symbol']!r}")
        market = cls(base, quote)
        market.change({key: value for key, value in config.items() if key != "symbol"})
        return market

    def change(self, values: dict[str, Any]) -> None:
        """Set fields from JSON; ValueError for an unknown one."""
        for key, value in values.items():
            if key in ("tick", "lot", "max_price", "max_qty", "max_market_qty"):
                setattr(self, key, e8(str(value)))
            elif key in ("min_notional", "max_notional"):
                setattr(self, key, units(str(value)))
            elif key in ("maker_fee", "taker_fee"):
                setattr(self, key.replace("fee", "ppm"), int(Decimal(str(value)) * PPM))
            elif key in ("max_orders", "penetration_ticks", "slippage_ticks", "commission_decimals"):
                setattr(self, key, int(value))
            elif key in ("status", "liquidity"):
                setattr(self, key, str(value))
            elif key in ("listed", "max_notional_market"):
                setattr(self, key, bool(value))
            else:
                raise ValueError(f"market: unknown field {key!r}")
        if self.tick <= 0 or self.lot <= 0 or self.liquidity not in ("full", "tape"):
            raise ValueError("market: expected tick > 0, lot > 0, liquidity full or tape")

    def price_e8(self, price: float) -> int:
        """A recorded price on the tick grid, rounded half to even like every candle."""
        return round(Decimal(repr(float(price))) * E8 / self.tick) * self.tick

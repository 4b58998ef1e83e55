"""What differs between exchanges, one row each. Nothing else in AutoGrid branches on an exchange's name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from autogrid.errors import InvalidInput
from autogrid.exchange.port import Permissions

#: Our id goes where ccxt expects the exchange's.
ID = "id"


@dataclass(frozen=True, slots=True)
class Profile:
    """How ccxt must be used for one exchange. Checked against ccxt 4.5.90 by tests/unit/exchange."""

    #: Parameter of create_order that carries our id. Coinbase ignores ccxt's own name without a word.
    place_key: str = "clientOrderId"
    #: Parameter of cancel_order, ID = in place of the exchange's own id; None: look that up in the open orders first.
    cancel_key: str | None = "clientOrderId"
    #: Whether ccxt's answer to a cancel carries the order's id.
    cancel_tells_id: bool = True
    #: Parameter of fetch_order, or ID; None: search the open and closed orders.
    find_key: str | None = "clientOrderId"
    #: What the exchange puts before our id.
    id_prefix: str = ""
    #: What else create_order needs for a limit order that must not take.
    maker: Mapping[str, Any] = field(default_factory=lambda: {"postOnly": True})
    #: False where a market buy is given in quote: it is sent as a limit order that takes at once or is cancelled.
    market_buy_in_base: bool = True
    #: "id": trades by ascending id from `fromId` on; "time": newest first, by time.
    trades: Literal["id", "time"] = "time"
    #: Parameter of fetch_my_trades that restricts it to one order; "": none, the trades since the order are searched.
    order_key: str = "orderId"
    #: Most trades in one page.
    page: int = 100
    #: Most milliseconds back that trades can be asked for, 0 = no limit.
    reach_ms: int = 0
    #: What the fee of a buy is taken from.
    buy_fee_asset: str = "base"
    #: Request weight: limit and seconds; the weights of each call, default 1.
    weight: tuple[float, float] = (60, 10)
    weights: Mapping[str, float] = field(default_factory=dict)
    #: Orders per account: limit and seconds.
    orders: tuple[float, float] = (50, 10)
    #: Answer header that tells the weight used in the present window.
    used_header: str = ""
    #: Options for the ccxt class.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Name of the ccxt option for the time a request stays valid, "" = none.
    window_option: str = ""
    #: Parameters of load_markets that restrict it to some symbols (ids given), None = all markets come.
    only: Callable[[list[str]], dict[str, Any]] | None = None
    #: Asks what ccxt would otherwise ask before the first order, where failing would leave its outcome open.
    prepare: Callable[[Any], Any] | None = None
    #: Calls whose answer is a JSON array and nothing else; elsewhere ccxt takes an empty object for "none".
    arrays: frozenset[str] = frozenset()
    #: Asks what the key may do.
    permissions: Callable[[Any], Permissions] | None = None


def _binance_permissions(client: Any) -> Permissions:
    key = client.sapi_get_account_apirestrictions()
    return Permissions(_flag(key, "enableSpotAndMarginTrading"), _flag(key, "enableWithdrawals"))


def _okx_permissions(client: Any) -> Permissions:
    granted = str(client.private_get_account_config()["data"][0].get("perm", "")).split(",")
    return Permissions("trade" in granted, "withdraw" in granted)


def _bybit_permissions(client: Any) -> Permissions:
    key = client.private_get_v5_user_query_api()["result"]
    return Permissions(str(key.get("readOnly")) == "0", "Withdraw" in (key.get("permissions") or {}).get("Wallet", []))


def _coinbase_permissions(client: Any) -> Permissions:
    key = client.v3_private_get_brokerage_key_permissions()
    return Permissions(_flag(key, "can_trade"), _flag(key, "can_transfer"))


def _flag(answer: Any, name: str) -> bool | None:
    value = answer.get(name)
    return None if value is None else str(value).lower() == "true"


_SPOT = {"defaultType": "spot"}

PROFILES: Mapping[str, Profile] = {
    "binance": Profile(
        place_key="newClientOrderId",
        cancel_key="origClientOrderId",
        find_key="origClientOrderId",
        trades="id",
        page=1000,
        weight=(6000, 60),
        weights={
            "load_markets": 20,
            "fetch_balance": 20,
            "fetch_ticker": 2,
            "fetch_ohlcv": 2,
            "fetch_order": 4,
            "fetch_open_orders": 6,
            "fetch_my_trades": 20,
            "trades_of_order": 5,
            "permissions": 2,
        },
        orders=(100, 10),
        used_header="x-mbx-used-weight-1m",
        options={**_SPOT, "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False},
        window_option="recvWindow",
        arrays=frozenset({"fetch_open_orders", "fetch_my_trades", "trades_of_order"}),
        only=lambda ids: {"symbols": "[" + ",".join(f'"{name}"' for name in ids) + "]"},
        permissions=_binance_permissions,
    ),
    "okx": Profile(
        order_key="ordId",
        weight=(60, 2),
        orders=(60, 2),
        options={**_SPOT, "fetchMarkets": {"types": ["spot"]}},
        permissions=_okx_permissions,
    ),
    "kucoin": Profile(
        buy_fee_asset="quote",
        weight=(4000, 30),
        weights={"fetch_my_trades": 10, "fetch_balance": 5, "fetch_open_orders": 2, "fetch_order": 2},
        orders=(60, 2),
        reach_ms=7 * 86_400_000,
        options={**_SPOT, "fetchMarkets": {"types": ["spot"]}, "hf": True},
        prepare=lambda client: client.is_uta_enabled(),
    ),
    "bitget": Profile(
        prepare=lambda client: client.handle_uta_and_params({}, "fetchOrder"),
        market_buy_in_base=False,
        weight=(100, 10),
        orders=(100, 10),
        options={**_SPOT, "fetchMarkets": {"types": ["spot"]}},
    ),
    "bybit": Profile(
        place_key="orderLinkId",
        cancel_key="orderLinkId",
        find_key=None,
        weight=(600, 5),
        orders=(20, 1),
        reach_ms=7 * 86_400_000,
        options={
            **_SPOT,
            "fetchMarkets": {"types": ["spot"]},
            "enableUnifiedMargin": False,
            "enableUnifiedAccount": True,
        },
        window_option="recvWindow",
        permissions=_bybit_permissions,
    ),
    "gate": Profile(
        place_key="text",
        cancel_key=ID,
        find_key=ID,
        id_prefix="t-",
        order_key="order_id",
        market_buy_in_base=False,
        page=1000,
        weight=(200, 10),
        orders=(10, 1),
        options={**_SPOT, "fetchMarkets": {"types": ["spot"]}, "unifiedAccount": False},
    ),
    "kraken": Profile(
        cancel_tells_id=False,
        order_key="",
        find_key=None,
        buy_fee_asset="quote",
        page=50,
        weight=(15, 45),
        weights={"fetch_my_trades": 2, "load_markets": 0, "fetch_ticker": 0},
        orders=(60, 60),
    ),
    "coinbase": Profile(
        place_key="client_order_id",
        order_key="order_ids",
        cancel_key=None,
        find_key=None,
        market_buy_in_base=False,
        buy_fee_asset="quote",
        weight=(300, 10),
        orders=(300, 10),
        permissions=_coinbase_permissions,
    ),
}


def profile(exchange: str) -> Profile:
    """The row of an exchange; InvalidInput if nobody has checked how its client ids work."""
    if exchange not in PROFILES:
        raise InvalidInput(f"exchange must be one of {', '.join(PROFILES)}, was {exchange!r}")
    return PROFILES[exchange]

"""What really goes out for every exchange of the table: our id in its place, prices and amounts to the digit."""

import contextlib
import json
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from autogrid.errors import AutogridError, InvalidInput, OutcomeUnknown, Rejected, RetryLater
from autogrid.exchange.ccxt_adapter import CcxtExchange
from autogrid.exchange.ccxt_link import Connection, Credentials
from autogrid.exchange.ccxt_table import PROFILES, profile
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.port import NewOrder
from tests.unit.exchange.canned import Reply, Transport, mount

SYMBOL, MINE = "BTC/USDT", "ag1x0"
MARKET_IDS = {"okx": "BTC-USDT", "kucoin": "BTC-USDT", "gate": "BTC_USDT", "kraken": "XBTUSDT", "coinbase": "BTC-USDT"}


def secret_of(name: str) -> str:
    if name == "coinbase":
        key = ec.generate_private_key(ec.SECP256R1())
        kind = serialization.PrivateFormat.TraditionalOpenSSL
        return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()
    return "c2VjcmV0c2VjcmV0"


def account(name: str, answer: Callable[[requests.PreparedRequest], Reply]) -> tuple[CcxtExchange, Transport]:
    """An account with one known market; what ccxt asks about the account first is answered."""

    def routed(request: requests.PreparedRequest) -> Reply:
        url = str(request.url)
        if "account/mode" in url:
            return 200, {}, json.dumps({"code": "200000", "data": {"selfAccountMode": "CLASSIC"}})
        if "account/settings" in url:
            return 400, {}, json.dumps({"code": "40084", "msg": "not a unified account"})
        if "ticker" in url and name in TICKERS:
            return 200, {}, json.dumps(TICKERS[name])
        return answer(request)

    exchange = CcxtExchange(Connection(name, Credentials("key", secret_of(name), "pass")), MemoryLimiter())
    client = exchange._client
    market = {
        "id": MARKET_IDS.get(name, "BTCUSDT"),
        "symbol": SYMBOL,
        **{"base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT"},
        **{"spot": True, "type": "spot", "active": True},
        "precision": {"amount": "0.00001", "price": "0.01"},
        "limits": {"amount": {"min": "0.00001"}, "cost": {"min": "5"}, "price": {}},
        "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"]},
    }
    client.set_markets([client.safe_market_structure(market)])
    return exchange, mount(exchange, routed)


TICKERS = {
    "bitget": {"code": "00000", "data": [{"symbol": "BTCUSDT", "lastPr": "50000", "ts": "1"}]},
    "gate": [{"currency_pair": "BTC_USDT", "last": "50000"}],
    "coinbase": {"trades": [{"product_id": "BTC-USDT", "price": "50000", "size": "1", "side": "BUY"}]},
}


def fields(request: requests.PreparedRequest) -> dict[str, object]:
    """Query and body as one flat dictionary, whatever their form."""
    found: dict[str, object] = {"path": unquote(urlsplit(str(request.url)).path)}
    found.update({k: v[0] for k, v in parse_qs(urlsplit(str(request.url)).query).items()})
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    if body[:1] in "[{" and body:
        parsed = json.loads(body)
        stack = [parsed[0] if isinstance(parsed, list) else parsed]
        while stack:
            for key, value in stack.pop().items():
                stack += [value] if isinstance(value, dict) else []
                found[key] = value
    else:
        found.update({k: v[0] for k, v in parse_qs(body).items()})
    return found


def sent(name: str, act: Callable[[CcxtExchange], object]) -> dict[str, object]:
    exchange, transport = account(name, lambda request: (200, {}, "{}"))
    with pytest.raises(AutogridError):
        act(exchange)
    return fields(transport.requests[-1])


POSTED = {
    "binance": {"newClientOrderId": MINE, "type": "LIMIT_MAKER", "price": "50000.12", "quantity": "0.00012"},
    "okx": {"clOrdId": MINE, "ordType": "post_only", "px": "50000.12", "sz": "0.00012"},
    "kucoin": {"clientOid": MINE, "postOnly": True, "price": "50000.12", "size": "0.00012"},
    "bitget": {"clientOid": MINE, "force": "post_only", "price": "50000.12", "size": "0.00012"},
    "bybit": {"orderLinkId": MINE, "timeInForce": "PostOnly", "price": "50000.12", "qty": "0.00012"},
    "gate": {"text": "t-" + MINE, "time_in_force": "poc", "price": "50000.12", "amount": "0.00012"},
    "kraken": {"cl_ord_id": MINE, "oflags": "post", "price": "50000.12", "volume": "0.00012"},
    "coinbase": {"client_order_id": MINE, "post_only": True, "limit_price": "50000.12", "base_size": "0.00012"},
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_resting_order(name: str) -> None:
    order = NewOrder(SYMBOL, MINE, "buy", Decimal("0.000129"), Decimal("50000.129"))
    assert POSTED[name].items() <= sent(name, lambda e: e.place(order)).items()


MARKET_BUYS = {
    "binance": {"newClientOrderId": MINE, "type": "MARKET", "quantity": "0.00012"},
    "okx": {"clOrdId": MINE, "ordType": "market", "sz": "0.00012", "tgtCcy": "base_ccy"},
    "kucoin": {"clientOid": MINE, "type": "market", "size": "0.00012"},
    "bitget": {"clientOid": MINE, "force": "IOC", "price": "51000.00", "size": "0.00012"},
    "bybit": {"orderLinkId": MINE, "orderType": "Market", "qty": "0.00012", "marketUnit": "baseCoin"},
    "gate": {"text": "t-" + MINE, "time_in_force": "ioc", "price": "51000", "amount": "0.00012"},
    "kraken": {"cl_ord_id": MINE, "ordertype": "market", "volume": "0.00012"},
    "coinbase": {"client_order_id": MINE, "limit_price": "51000", "base_size": "0.00012"},
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_buy_that_takes_is_given_in_base(name: str) -> None:
    found = sent(name, lambda e: e.place(NewOrder(SYMBOL, MINE, "buy", Decimal("0.00012"))))
    wanted = {k: v.rstrip("0").rstrip(".") if k == "price" and "." in v else v for k, v in MARKET_BUYS[name].items()}
    assert wanted.items() <= found.items()


CANCELS = {
    "binance": {"origClientOrderId": MINE},
    "okx": {"clOrdId": MINE},
    "kucoin": {"path": f"/api/v1/hf/orders/client-order/{MINE}"},
    "bitget": {"clientOid": MINE},
    "bybit": {"orderLinkId": MINE},
    "gate": {"path": f"/api/v4/spot/orders/t-{MINE}"},
    "kraken": {"cl_ord_id": MINE},
}


@pytest.mark.parametrize("name", CANCELS)
def test_cancel_by_our_id(name: str) -> None:
    exchange, transport = account(name, lambda request: (200, {}, "{}"))
    with contextlib.suppress(OutcomeUnknown):
        exchange.cancel(SYMBOL, MINE, None)
    assert CANCELS[name].items() <= fields(transport.requests[-1]).items()


FINDS = {
    "binance": {"origClientOrderId": MINE},
    "okx": {"clOrdId": MINE},
    "kucoin": {"path": f"/api/v1/hf/orders/client-order/{MINE}"},
    "bitget": {"clientOid": MINE},
    "gate": {"path": f"/api/v4/spot/orders/t-{MINE}"},
}


@pytest.mark.parametrize("name", FINDS)
def test_find_by_our_id(name: str) -> None:
    assert FINDS[name].items() <= sent(name, lambda e: e.find(SYMBOL, MINE, None)).items()


def test_kraken_is_searched_by_listing() -> None:
    descr = {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "90"}
    order = {"status": "canceled", "cl_ord_id": MINE, "opentm": 1.5, "vol": "2", "vol_exec": "0.5", "descr": descr}
    empty = {"error": [], "result": {"open": {}}}
    closed = {"error": [], "result": {"closed": {"OID-1": order}, "count": 1}}
    exchange, _ = account(
        "kraken", lambda request: (200, {}, json.dumps(empty if "OpenOrders" in str(request.url) else closed))
    )
    found = exchange.find(SYMBOL, MINE, None)
    assert found is not None
    assert (found.exchange_id, found.client_id, found.status) == ("OID-1", MINE, "canceled")
    assert (found.price, found.amount, found.filled) == (90, 2, Decimal("0.5"))
    assert exchange.find(SYMBOL, "other", None) is None


REFUSALS = [
    ("okx", 200, {"code": "1", "data": [{"sCode": "51008", "sMsg": "Insufficient balance"}]}, "insufficient_funds"),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51016", "sMsg": "Client order ID already exists."}]}, "duplicate"),
    (
        "okx",
        200,
        {"code": "1", "data": [{"sCode": "51020", "sMsg": "amount should be greater than the min "}]},
        "filter",
    ),
    ("kucoin", 200, {"code": "200004", "msg": "Balance insufficient!"}, "insufficient_funds"),
    ("bybit", 200, {"retCode": 170131, "retMsg": "Insufficient balance."}, "insufficient_funds"),
    ("bybit", 200, {"retCode": 170141, "retMsg": "Duplicate clientOrderId."}, "duplicate"),
    ("gate", 400, {"label": "BALANCE_NOT_ENOUGH", "message": "Not enough balance"}, "insufficient_funds"),
    ("gate", 400, {"label": "POC_FILL_IMMEDIATELY", "message": "would match and take immediately"}, "would_cross"),
    ("kraken", 200, {"error": ["EOrder:Insufficient funds"]}, "insufficient_funds"),
    ("bitget", 400, {"code": "43012", "msg": "Insufficient balance"}, "insufficient_funds"),
]


@pytest.mark.parametrize(("name", "status", "body", "reason"), REFUSALS)
def test_definite_refusals(name: str, status: int, body: object, reason: str) -> None:
    exchange, _ = account(name, lambda request: (status, {}, json.dumps(body)))
    with pytest.raises(Rejected) as caught:
        exchange.place(NewOrder(SYMBOL, MINE, "buy", Decimal("0.001"), Decimal("50000")))
    assert caught.value.reason == reason


OPEN_OUTCOMES = [
    ("okx", {"code": "50004", "msg": "Endpoint request timeout", "data": []}),
    ("okx", {"code": "50026", "msg": "System error", "data": []}),
    ("kucoin", {"code": "500000", "msg": "Internal Server Error"}),
    ("bybit", {"retCode": 10016, "retMsg": "System error. Please try again later."}),
    ("gate", {"label": "INTERNAL", "message": "Internal server error"}),
    ("kraken", {"error": ["EGeneral:Internal error"]}),
    ("kraken", {"error": ["EService:Busy"]}),
    ("bitget", {"code": "40015", "msg": "System is abnormal, please try again later"}),
]


@pytest.mark.parametrize(("name", "body"), OPEN_OUTCOMES)
def test_doubtful_refusals_leave_the_outcome_open(name: str, body: object) -> None:
    exchange, _ = account(name, lambda request: (200, {}, json.dumps(body)))
    with pytest.raises(OutcomeUnknown):
        exchange.place(NewOrder(SYMBOL, MINE, "buy", Decimal("0.001"), Decimal("50000")))


def test_rates_are_refused_for_now() -> None:
    exchange, _ = account("okx", lambda request: (429, {}, json.dumps({"code": "50011", "msg": "Too Many Requests"})))
    with pytest.raises(RetryLater) as caught:
        exchange.place(NewOrder(SYMBOL, MINE, "buy", Decimal("0.001"), Decimal("50000")))
    assert caught.value.banned


def test_only_checked_exchanges() -> None:
    with pytest.raises(InvalidInput, match="binance"):
        profile("mtgox")

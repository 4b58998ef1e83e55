"""Answers without a network: a transport below `requests`, so that all of ccxt and requests runs for real."""

import json
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import BaseAdapter

from autogrid.exchange.ccxt_adapter import CcxtExchange
from autogrid.exchange.ccxt_link import Connection, Credentials
from autogrid.exchange.limiter import Limiter, MemoryLimiter

Reply = tuple[int, dict[str, str], str]

INFO = {
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
            "isSpotTradingAllowed": True,
            "permissions": ["SPOT"],
            "filters": [
                {
                    "filterType": "PRICE_FILTER",
                    "minPrice": "0.01000000",
                    "maxPrice": "1000000",
                    "tickSize": "0.01000000",
                },
                {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000", "stepSize": "0.00001000"},
                {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
            ],
        }
    ]
}


class Transport(BaseAdapter):
    """Gives out what `answer(request)` returns or raises; remembers every request."""

    def __init__(self, answer: Callable[[requests.PreparedRequest], Reply]) -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        self.requests.append(request)
        status, headers, body = self.answer(request)
        response = requests.Response()
        response.status_code, response.reason, response.request, response.url = status, "", request, str(request.url)
        response.headers.update({"Content-Type": "application/json", **headers})
        response._content = body.encode()
        return response

    def close(self) -> None:
        """Nothing to close."""


def binance(
    answer: Callable[[requests.PreparedRequest], Reply], limiter: Limiter | None = None
) -> tuple[CcxtExchange, Transport]:
    """A Binance account whose market rules are answered, everything else by `answer`."""

    def routed(request: requests.PreparedRequest) -> Reply:
        if "exchangeInfo" in str(request.url):
            return 200, {}, json.dumps(INFO)
        return answer(request)

    connection = Connection("binance", Credentials("key", "secret"))
    exchange = CcxtExchange(connection, limiter or MemoryLimiter())
    return exchange, mount(exchange, routed)


def mount(exchange: CcxtExchange, answer: Callable[[requests.PreparedRequest], Reply]) -> Transport:
    """Put the transport below an exchange."""
    transport = Transport(answer)
    exchange._link.client.session.mount("https://", transport)
    return transport

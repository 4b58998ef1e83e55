"""The exchange as a process, with unmodified ccxt: the life of an order, and the books at the end."""

from collections.abc import Iterator
from decimal import Decimal

import ccxt
import pytest

from tests.loopback_client import Loopback, ccxt_options

SYMBOL = "BTC/USDT"
ACCOUNT = {
    "name": "a",
    "key": "akey",
    "secret": "asecret",
    "balances": {"USDT": "10000", "BTC": "1"},
    "fee_asset": "quote",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback({"markets": [{"symbol": SYMBOL}], "accounts": [ACCOUNT]}) as loopback:
        yield loopback


@pytest.fixture
def exchange(running: Loopback) -> Iterator[ccxt.binance]:
    client = ccxt.binance(ccxt_options(running.url, "akey", "asecret"))
    yield client
    client.close()


def test_an_order_lives_and_dies(running: Loopback, exchange: ccxt.binance) -> None:
    running.control("print", price="100")
    bought = exchange.create_order(SYMBOL, "market", "buy", 1)
    assert (bought["status"], bought["average"], bought["filled"]) == ("closed", 100.0, 1.0)
    rests = exchange.create_order(SYMBOL, "limit", "buy", 2, 99, {"newClientOrderId": "one"})
    assert rests["status"] == "open"
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        exchange.create_order(SYMBOL, "limit", "buy", 2, 98, {"newClientOrderId": "one"})
    assert running.control("print", price="99")["fills"] == []
    filled = running.control("print", price="98.99")["fills"]
    assert [(f["price"], f["qty"], f["clientOrderId"]) for f in filled] == [("99.00000000", "2.00000000", "one")]
    found = exchange.fetch_order(None, SYMBOL, {"origClientOrderId": "one"})
    assert found["status"] == "closed"
    other = exchange.create_order(SYMBOL, "limit", "sell", 0.5, 110)
    assert exchange.cancel_order(other["id"], SYMBOL)["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        exchange.cancel_order(other["id"], SYMBOL)
    state = running.control("state")
    assert state["problems"] == []
    fees = Decimal("0.1") + Decimal("0.198")
    assert Decimal(state["accounts"]["a"]["balances"]["USDT"]["total"]) == 10000 - 100 - 198 - fees
    assert Decimal(state["accounts"]["a"]["balances"]["BTC"]["total"]) == 4

"""Exact numbers in and out, pages, status words: through real ccxt, with canned answers."""

import decimal
import json
import subprocess
import sys
from decimal import Decimal

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.core.market import Market
from autogrid.errors import InvalidInput, RetryLater
from autogrid.exchange import ccxt_parse as parse
from autogrid.exchange.ccxt_link import Credentials
from autogrid.exchange.open import Pool, open_exchange, open_limiter
from autogrid.exchange.port import CANCELED, EXPIRED, FILLED, OPEN, REFUSED, NewOrder
from tests.unit.exchange.canned import Reply, binance


def order_row(**values: object) -> dict[str, object]:
    row = {
        **{"symbol": "BTCUSDT", "orderId": 4611686018427387905, "clientOrderId": "ag1x0", "side": "BUY"},
        **{"type": "LIMIT_MAKER", "status": "NEW", "price": "12345678.90123456", "origQty": "0.123456789012345678"},
        **{"executedQty": "0.100000000000000001", "cummulativeQuoteQty": "1", "time": 1, "updateTime": 1},
    }
    return {**row, **values}


def test_no_digit_is_lost_on_the_way_in() -> None:
    exchange, _ = binance(lambda request: (200, {}, json.dumps([order_row()])))
    (order,) = exchange.open_orders("BTC/USDT")
    assert order.exchange_id == "4611686018427387905"
    assert (order.price, order.amount) == (Decimal("12345678.90123456"), Decimal("0.123456789012345678"))
    assert order.filled == Decimal("0.100000000000000001")


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("NEW", "0", OPEN),
        ("PENDING_NEW", "0", OPEN),
        ("PARTIALLY_FILLED", "0.1", OPEN),
        ("PENDING_CANCEL", "0.1", OPEN),
        ("FILLED", "1", FILLED),
        ("FILLED", "0.5", CANCELED),
        ("CANCELED", "0.1", CANCELED),
        ("EXPIRED", "0", EXPIRED),
        ("EXPIRED_IN_MATCH", "0", EXPIRED),
        ("REJECTED", "0", REFUSED),
    ],
)
def test_status_words(word: str, filled: str, status: str) -> None:
    row = order_row(status=word, origQty="1", executedQty=filled)
    exchange, _ = binance(lambda request: (200, {}, json.dumps(row)))
    found = exchange.find("BTC/USDT", "ag1x0", None)
    assert found is not None
    assert found.status == status


prices = st.decimals("0.00000001", "99999999", places=8)


@settings(max_examples=60, deadline=None)
@given(price=prices, amount=st.decimals("0.00001", "9999", places=8), side=st.sampled_from(["buy", "sell"]))
def test_quantised_strings_pass_ccxt_unchanged(price: Decimal, amount: Decimal, side: str) -> None:
    rules = Market("0.01", "0.00001")
    new = NewOrder("BTC/USDT", "x", side, amount, price)
    sent_amount, sent_price = parse.quantised(rules, new)
    assert sent_price is not None
    assert 0 <= amount - Decimal(sent_amount) < rules.lot
    off = price - Decimal(sent_price) if side == "buy" else Decimal(sent_price) - price
    assert 0 <= off < rules.tick
    client = _loaded()._client
    with decimal.localcontext():
        if Decimal(sent_price) > 0:
            assert Decimal(client.price_to_precision("BTC/USDT", sent_price)) == Decimal(sent_price)
        assert Decimal(client.amount_to_precision("BTC/USDT", sent_amount)) == Decimal(sent_amount)


def _loaded() -> object:
    exchange, _ = binance(lambda request: (200, {}, "[]"))
    exchange.rules("BTC/USDT")
    return exchange


def test_ccxt_does_not_leak_its_decimal_context() -> None:
    context = decimal.getcontext()
    before = (context.rounding, context.traps[decimal.Underflow])
    exchange, _ = binance(lambda request: (200, {}, json.dumps(order_row())))
    exchange.place(NewOrder("BTC/USDT", "ag1x0", "buy", Decimal("0.001"), Decimal("50000.1")))
    assert (context.rounding, context.traps[decimal.Underflow]) == before


def test_rules_fees_and_overrides() -> None:
    exchange = open_exchange("binance", limiter=open_limiter(None), maker_fee=Decimal("0.0002"), buy_fee_asset="quote")
    raw = {"precision": {"price": "1e-8", "amount": "0.1"}, "limits": {"cost": {"min": None}}, "taker": 0.001}
    rules = parse.market(raw, "base", None, None)
    assert rules == Market("0.00000001", "0.1", "0", "0", "0.001", "base")
    assert (exchange._fees, exchange._buy_fee_asset) == ((Decimal("0.0002"), None), "quote")


def test_only_the_markets_in_use_are_loaded() -> None:
    exchange, transport = binance(lambda request: (200, {}, "[]"))
    exchange.rules("BTC/USDT")
    exchange.rules("BTC/USDT")
    (asked,) = [str(request.url) for request in transport.requests]
    assert "symbols=%5B%22BTCUSDT%22%5D" in asked


def trade_row(number: int) -> dict[str, object]:
    return {
        **{"symbol": "BTCUSDT", "id": number, "orderId": 7, "price": "90", "qty": "0.001", "commission": "0.00000123"},
        **{"commissionAsset": "BNB", "time": number, "isBuyer": True, "isMaker": True},
    }


def test_pages_are_drained_by_id() -> None:
    trades = [trade_row(3 * number) for number in range(1, 2501)]

    def answer(request: requests.PreparedRequest) -> Reply:
        start = int(str(request.url).split("fromId=")[1].split("&")[0])
        return 200, {}, json.dumps([row for row in trades if int(str(row["id"])) >= start][:1000])

    exchange, transport = binance(answer)
    page = exchange.executions_since("BTC/USDT", "4")
    assert [int(e.trade_id) for e in page.executions] == [3 * number for number in range(2, 2501)]
    assert page.cursor == "7501"
    assert len(transport.requests) == 4
    assert (page.executions[0].fee, page.executions[0].fee_asset) == (Decimal("0.00000123"), "BNB")
    with pytest.raises(InvalidInput):
        exchange.executions_since("BTC/USDT", "newest")


def test_the_exchange_is_believed_about_its_weight() -> None:
    exchange, _ = binance(lambda request: (200, {"X-MBX-USED-WEIGHT-1M": "5990"}, "[]"))
    assert exchange.open_orders("BTC/USDT") == []
    assert exchange.budget_left() <= 10
    with pytest.raises(RetryLater):
        exchange.open_orders("BTC/USDT")


def test_credentials_hide_themselves() -> None:
    assert "secret" not in repr(Credentials("key123456", "secret", "password"))


class Door:
    def __init__(self) -> None:
        self.open = True

    def close(self) -> None:
        self.open = False


def test_pool_keeps_the_last_used() -> None:
    pool: Pool[Door] = Pool(2)
    first, second = pool.get("a", Door), pool.get("b", Door)
    assert pool.get("a", Door) is first
    third = pool.get("c", Door)
    assert (first.open, second.open, third.open) == (True, False, True)
    pool.drop("a")
    pool.drop("nobody")
    pool.close()
    assert (first.open, third.open) == (False, False)


LOADING = """
import sys
from autogrid.exchange.ccxt_load import exchange_class, stream_class
binance = exchange_class("binance")
assert "ccxt.kraken" not in sys.modules
pro = stream_class("binance")
assert "ccxt.kraken" not in sys.modules and "ccxt.async_support.kraken" not in sys.modules
import ccxt, ccxt.pro
assert ccxt.binance is binance and ccxt.pro.binance is pro
assert ccxt.InvalidOrder.__name__ == "InvalidOrder"
assert ccxt.kraken().id == "kraken" and ccxt.pro.kraken().id == "kraken" and "okx" in ccxt.exchanges
"""


def test_one_class_is_loaded_and_the_package_still_works() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

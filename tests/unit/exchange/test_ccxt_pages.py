"""Trades where ids do not ascend (OKX as the example): pages by time lose nothing and repeat nothing."""

import json
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.errors import InvalidInput, Rejected, RetryLater, Unavailable
from autogrid.exchange.ccxt_adapter import CcxtExchange
from autogrid.exchange.ccxt_link import Connection, Credentials, client_config
from autogrid.exchange.ccxt_table import PROFILES
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.port import NewOrder, Permissions
from tests.unit.exchange.canned import Reply
from tests.unit.exchange.test_ccxt_table import SYMBOL, account

START = 1_700_000_000_000


class Fills:
    """OKX's fills-history: newest first, `begin` and `end` inclusive, few in a page."""

    def __init__(self, page: int) -> None:
        self.page = page
        self.rows: list[dict[str, str]] = []

    def add(self, ts: int, order: str) -> None:
        number = str(len(self.rows) + 1)
        row = {"tradeId": number, "ordId": order, "ts": str(START + ts), "instId": "BTC-USDT", "side": "buy"}
        self.rows.append({**row, "fillPx": "90.1", "fillSz": "0.01", "fee": "-0.00001", "feeCcy": "BTC"})

    def __call__(self, request: requests.PreparedRequest) -> Reply:
        query = {name: value[0] for name, value in parse_qs(urlsplit(str(request.url)).query).items()}
        begin, end = int(query.get("begin", 0)), int(query.get("end", 1 << 60))
        found = [
            row for row in self.rows if begin <= int(row["ts"]) <= end and query.get("ordId") in (None, row["ordId"])
        ]
        found.sort(key=lambda row: (int(row["ts"]), int(row["tradeId"])), reverse=True)
        return 200, {}, json.dumps({"code": "0", "data": found[: self.page]})


@settings(max_examples=50, deadline=None)
@given(
    batches=st.lists(st.lists(st.integers(0, 3), max_size=8), min_size=1, max_size=6),
)
def test_nothing_lost_nothing_twice(batches: list[list[int]]) -> None:
    # Fewer trades share a millisecond than a page holds; a batch may begin in the last millisecond of the one before.
    fills, ts, cursor, seen = Fills(12), 0, f"{START}|", []
    exchange, _ = account("okx", fills)
    for batch in batches:
        for step in batch:
            ts += step if sum(int(row["ts"]) == START + ts for row in fills.rows) < 8 else 1
            fills.add(ts, "7")
        page = exchange.executions_since(SYMBOL, cursor)
        cursor = page.cursor
        assert [one.ts_ms for one in page.executions] == sorted(one.ts_ms for one in page.executions)
        seen += [one.trade_id for one in page.executions]
    assert sorted(seen, key=int) == [row["tradeId"] for row in fills.rows]
    every = exchange.executions_of(SYMBOL, "7")
    assert {one.trade_id for one in every} == set(seen)
    assert exchange.executions_of(SYMBOL, "8") == []


def test_cursor_begins_now_and_is_checked() -> None:
    fills = Fills(10)
    exchange, _ = account("okx", fills)
    fills.add(0, "7")
    page = exchange.executions_since(SYMBOL, "")
    assert page.executions == []
    assert exchange.executions_since(SYMBOL, page.cursor) == page
    with pytest.raises(InvalidInput):
        exchange.executions_since(SYMBOL, "12")
    (fill,) = exchange.executions_of(SYMBOL, "7")
    assert (fill.price, fill.amount, fill.side) == (Decimal("90.1"), Decimal("0.01"), "buy")
    assert (fill.fee, fill.fee_asset) == (Decimal("0.00001"), "BTC")


def test_kraken_searches_the_trades_since_the_order() -> None:
    def answer(request: requests.PreparedRequest) -> Reply:
        url, body = str(request.url), str(request.body)
        if "QueryOrders" in url:
            descr = {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "90"}
            row = {"status": "closed", "opentm": 1_700_000_000.5, "vol": "2", "vol_exec": "2", "descr": descr}
            return 200, {}, json.dumps({"error": [], "result": {"OID": row}})
        assert "start=1700000000" in body
        trade = {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "90", "cost": "90", "fee": "0.2"}
        rows = {
            "T1": {**trade, "ordertxid": "OID", "time": 1_700_000_001.25, "vol": "1"},
            "T2": {**trade, "ordertxid": "OTHER", "time": 1_700_000_002.25, "vol": "1"},
            "T3": {**trade, "ordertxid": "OID", "time": 1_700_000_003.25, "vol": "1"},
        }
        return 200, {}, json.dumps({"error": [], "result": {"trades": rows, "count": 3}})

    exchange, _ = account("kraken", answer)
    found = exchange.executions_of(SYMBOL, "OID")
    assert [one.trade_id for one in found] == ["T1", "T3"]
    assert found[0].ts_ms == 1_700_000_001_250


def test_coinbase_cancels_what_it_finds_in_the_open_orders() -> None:
    order = {
        **{"order_id": "X1", "client_order_id": "ag1x0", "product_id": "BTC-USDT", "side": "BUY", "status": "OPEN"},
        "order_configuration": {"limit_limit_gtc": {"base_size": "0.5", "limit_price": "90", "post_only": True}},
        **{"filled_size": "0", "created_time": "2024-01-01T00:00:00Z", "total_fees": "0", "filled_value": "0"},
    }

    def answer(request: requests.PreparedRequest) -> Reply:
        if "batch_cancel" in str(request.url):
            return 200, {}, json.dumps({"results": [{"success": True, "failure_reason": "", "order_id": "X1"}]})
        return 200, {}, json.dumps({"orders": [order], "has_next": False})

    exchange, transport = account("coinbase", answer)
    exchange.cancel(SYMBOL, "ag1x0", None)
    assert json.loads(transport.requests[-1].body or b"") == {"order_ids": ["X1"]}
    with pytest.raises(Rejected) as caught:
        exchange.cancel(SYMBOL, "other", None)
    assert caught.value.reason == "unknown_order"
    found = exchange.find(SYMBOL, "ag1x0", None)
    assert found is not None
    assert (found.exchange_id, found.price, found.amount) == ("X1", 90, Decimal("0.5"))


PERMITS = [
    ("okx", {"code": "0", "data": [{"perm": "read_only,trade"}]}, Permissions(True, False)),
    (
        "bybit",
        {"retCode": 0, "result": {"readOnly": 0, "permissions": {"Wallet": ["Withdraw"]}}},
        Permissions(True, True),
    ),
    ("coinbase", {"can_view": True, "can_trade": True, "can_transfer": False}, Permissions(True, False)),
    ("binance", {"enableSpotAndMarginTrading": False}, Permissions(False, None)),
    ("kraken", {}, Permissions(None, None)),
]


@pytest.mark.parametrize(("name", "body", "allowed"), PERMITS)
def test_permissions(name: str, body: object, allowed: Permissions) -> None:
    exchange, _ = account(name, lambda request: (200, {}, json.dumps(body)))
    assert exchange.permissions() == allowed


@pytest.mark.parametrize("name", sorted(set(PROFILES) - {"binance"}))
def test_every_address_moves_to_another_server(name: str) -> None:
    connection = Connection(name, Credentials("k", "s"), "http://127.0.0.1:9/")
    stack = [client_config(connection)["urls"]["api"]]
    while stack:
        for address in stack.pop().values():
            if isinstance(address, dict):
                stack.append(address)
            else:
                assert address.startswith(("http://127.0.0.1:9", "ws://127.0.0.1:9")), address
    with pytest.raises(Unavailable, match="no connection"):
        CcxtExchange(connection, MemoryLimiter()).rules(SYMBOL)


def test_a_market_without_a_price() -> None:
    row = {"instId": "BTC-USDT", "last": ""}
    exchange, _ = account("okx", lambda request: (200, {}, json.dumps({"code": "0", "data": [row]})))
    with pytest.raises(Unavailable, match="last trade"):
        exchange.price(SYMBOL)


def test_nobody_is_there() -> None:
    connection = Connection("binance", Credentials("k", "s"), "http://127.0.0.1:9")
    exchange = CcxtExchange(connection, MemoryLimiter())
    with pytest.raises(Unavailable):
        exchange.balances()
    with pytest.raises(RetryLater):
        exchange.place(NewOrder(SYMBOL, "x", "buy", Decimal(1), Decimal(1)))

"""Every row of the fault catalogue, as real ccxt sees it, and what the exchange's books say afterwards."""

import contextlib
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import ccxt
import pytest

from services.loopback.catalogue import ROWS
from services.loopback.server import Running
from tests.loopback_client import ccxt_options

SYMBOL = "BTC/USDT"
Control = Callable[..., dict[str, Any]]


def orders(move: Control) -> list[tuple[str, str]]:
    state = move("state", account="a")
    assert state["problems"] == []
    return [(row["clientOrderId"], row["status"]) for row in state["accounts"]["a"]["orders"]]


def buy(client: ccxt.binance, price: float = 99, amount: float = 1, name: str = "ag1", **params: Any) -> dict[str, Any]:
    return client.create_order(SYMBOL, "limit", "buy", amount, price, {"newClientOrderId": name, **params})


@contextlib.contextmanager
def impatient(client: ccxt.binance) -> Iterator[None]:
    """It gives up on an answer after two seconds: what hangs does so for longer."""
    patience, client.timeout = client.timeout, 2_000
    yield
    client.timeout = patience


def until(done: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def in_one_window(move: Control, seconds: int, act: Callable[[], Any]) -> Any:
    """What `act` gives when no window of the exchange's limits ends meanwhile; they begin by the clock on the wall."""
    while True:
        move("limits", lift=True)
        window = time.time() // seconds
        found = act()
        if time.time() // seconds == window:
            return found


@pytest.mark.parametrize(
    ("number", "values", "error", "accepted"),
    [
        (1, {"seconds": 6}, ccxt.RequestTimeout, True),
        (2, {"seconds": 6}, ccxt.RequestTimeout, False),
        (4, {}, ccxt.NetworkError, True),
        (4, {"action": "close"}, ccxt.NetworkError, True),
        (4, {"action": "truncate"}, ccxt.NetworkError, True),
        (4, {"stage": "before"}, ccxt.NetworkError, False),
        (5, {}, ccxt.ExchangeNotAvailable, True),
        (5, {"stage": "before", "body": "empty"}, ccxt.ExchangeNotAvailable, False),
        (6, {}, ccxt.RequestTimeout, True),
        (6, {"code": -1006}, ccxt.BaseError, True),
        (8, {}, ccxt.InvalidOrder, True),
        (20, {}, ccxt.OrderImmediatelyFillable, False),
        (22, {}, ccxt.DDoSProtection, False),
        (24, {}, ccxt.OperationFailed, False),
        (24, {"action": "status"}, ccxt.ExchangeNotAvailable, False),
        (25, {}, ccxt.BaseError, False),
        (25, {"status": 451}, ccxt.BaseError, False),
    ],
)
def test_orders_that_go_wrong(
    client: ccxt.binance, move: Control, number: int, values: dict[str, Any], error: type[Exception], accepted: bool
) -> None:
    move("row", row=number, **values)
    with impatient(client), pytest.raises(error):
        buy(client)
    assert orders(move) == ([("ag1", "NEW")] if accepted else [])
    if not accepted:
        assert buy(client)["status"] == "open"


@pytest.mark.parametrize("action", ["garbage", "empty"])
def test_row_7_an_order_without_an_id(client: ccxt.binance, move: Control, action: str) -> None:
    move("row", row=7, action=action)
    assert buy(client)["id"] is None
    assert orders(move) == [("ag1", "NEW")]
    move("fault", action=action, path="openOrders")
    with pytest.raises(AttributeError):
        client.fetch_open_orders(SYMBOL)


def test_row_3_late_requests_die_by_their_receive_window(client: ccxt.binance, running: Running, move: Control) -> None:
    move("row", row=3, seconds=0.3, reply="reset")
    with pytest.raises(ccxt.NetworkError):
        buy(client, name="out", recvWindow=100)
    move("row", row=3, seconds=0.5, reply="reset")
    sent_ms = time.time() * 1000
    with pytest.raises(ccxt.NetworkError):
        buy(client, name="in", recvWindow=50_000)
    until(lambda: orders(move))
    # The one that was sent first and was to arrive first has arrived, too.
    assert orders(move) == [("in", "NEW")]
    (order,) = running.exchange.engine.orders.values()
    assert order.wall_time >= sent_ms + 490


def test_row_9_one_id_accepted_twice(client: ccxt.binance, move: Control) -> None:
    move("row", row=9)
    buy(client)
    assert orders(move) == [("ag1", "NEW"), ("ag1", "NEW")]
    buy(client, name="ag2")
    move("print", price="98.99")
    buy(client, price=98, name="ag2")
    assert [name for name, _ in orders(move)] == ["ag1", "ag1", "ag2", "ag2"]


def test_row_10_lookups_lag(client: ccxt.binance, move: Control) -> None:
    move("row", row=10, seconds=600)
    order = buy(client)
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        client.fetch_order(order["id"], SYMBOL)
    move("clear")
    move("row", row=10, seconds=0.4)

    def found() -> Any:
        with contextlib.suppress(ccxt.OrderNotFound):
            return client.fetch_order(None, SYMBOL, {"origClientOrderId": "ag1"})["id"]

    until(lambda: found() == order["id"])


def test_row_11_open_orders_come_short(client: ccxt.binance, move: Control) -> None:
    for number in range(3):
        buy(client, price=90 + number, name=f"ag{number}")
    move("row", row=11, drop=2, times=2)
    assert [len(client.fetch_open_orders(SYMBOL)) for _ in range(3)] == [1, 1, 3]


def test_row_12_a_fill_beats_the_cancel(client: ccxt.binance, move: Control) -> None:
    order = buy(client)
    move("row", row=12)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        client.cancel_order(order["id"], SYMBOL)
    assert client.fetch_order(order["id"], SYMBOL)["status"] == "closed"
    half = buy(client, name="ag2")
    move("row", row=12, fill="0.5")
    cancelled = client.cancel_order(half["id"], SYMBOL)
    assert (cancelled["status"], cancelled["filled"]) == ("canceled", 0.5)


def test_rows_13_15_18_the_exchange_ends_orders(client: ccxt.binance, move: Control) -> None:
    found = {}
    for number in (13, 15, 18):
        move("row", row=number)
        order = buy(client, name=f"ag{number}")
        assert order["status"] == "open"
        ended = client.fetch_order(order["id"], SYMBOL)
        found[number] = (ended["status"], ended["filled"])
    assert found == {13: ("canceled", 0.5), 15: ("expired", 0.0), 18: ("canceled", 0.97)}
    rest = buy(client, name="hand")
    move("expire", order_id=int(rest["id"]))
    assert client.fetch_order(rest["id"], SYMBOL)["info"]["expiryReason"] == "EXCHANGE_CANCELED"


def test_row_14_a_cancel_times_out(client: ccxt.binance, move: Control) -> None:
    order = buy(client)
    move("row", row=14, seconds=6)
    with impatient(client), pytest.raises(ccxt.RequestTimeout):
        client.cancel_order(order["id"], SYMBOL)
    assert orders(move) == [("ag1", "CANCELED")]


def test_rows_16_17_fee_assets_change_midway(client: ccxt.binance, move: Control) -> None:
    order = buy(client, amount=3)
    move("fill", order_id=int(order["id"]), qty="1")
    move("row", row=16, account="a")
    move("fill", order_id=int(order["id"]), qty="1")
    move("row", row=17, account="a")
    move("fill", order_id=int(order["id"]))
    trades = client.fetch_my_trades(SYMBOL)
    assert [(trade["fee"]["currency"], trade["fee"]["cost"]) for trade in trades] == [
        ("USDT", 0.099),
        ("BTC", 0.001),
        ("BNB", 0.00012375),
    ]
    assert orders(move) == [("ag1", "FILLED")]


def test_row_19_filters_change_under_a_client(client: ccxt.binance, move: Control) -> None:
    move("row", row=19)
    with pytest.raises(ccxt.InvalidOrder, match="PRICE_FILTER"):
        buy(client, price=99.05)
    move("market", lot="0.1")
    with pytest.raises(ccxt.InvalidOrder, match="LOT_SIZE"):
        buy(client, price=99.1, amount=1.05)
    client.load_markets(reload=True)
    assert client.market(SYMBOL)["precision"] == {"amount": 0.1, "price": 0.1, "base": 1e-08, "quote": 1e-08}


def test_row_20_post_only_would_cross(client: ccxt.binance, move: Control) -> None:
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        buy(client, price=100.01, postOnly=True)
    assert buy(client, price=100, postOnly=True)["status"] == "open"


def test_row_21_clock_drift(client: ccxt.binance, move: Control) -> None:
    move("row", row=21)
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        client.fetch_balance()
    client.load_time_difference()
    assert client.fetch_balance()["USDT"]["free"] == 10000
    move("clock", offset_ms=-20_000)
    with pytest.raises(ccxt.InvalidNonce, match="1000ms ahead"):
        client.fetch_balance()


def test_rows_22_23_limits_are_counted(client: ccxt.binance, move: Control) -> None:
    client.fetch_balance()
    assert int(client.last_response_headers["X-MBX-USED-WEIGHT-1M"]) >= 40
    move("limits", weight_per_minute=50, ban_after=1, ban_s=300)

    def weigh() -> list[tuple[str, int]]:
        seen = []
        for _ in range(6):
            try:
                client.fetch_balance()
            except ccxt.DDoSProtection as error:
                seen.append((str(error)[8:11], int(client.last_response_headers["Retry-After"])))
        return seen

    seen = in_one_window(move, 60, weigh)
    assert [status for status, _ in seen].count("429") == 2
    assert seen[-1][0] == "418"
    assert 0 < seen[-1][1] <= 300
    move("limits", weight_per_minute=6000, lift=True)
    move("limits", orders_per_10s=1)
    names = (f"ag{number}" for number in count())

    def order() -> tuple[str, str]:
        buy(client, name=next(names))
        counted = client.last_response_headers["X-MBX-ORDER-COUNT-10S"]
        try:
            buy(client, name=next(names))
        except ccxt.DDoSProtection as error:
            return counted, str(error)
        return counted, ""

    counted, refusal = in_one_window(move, 10, order)
    assert counted == "1"
    assert "-1015" in refusal
    move("limits", lift=True)
    move("row", row=23, seconds=60)
    with pytest.raises(ccxt.DDoSProtection, match="418.*banned until"):
        client.fetch_time()
    move("row", row=23, undo=True)
    assert client.fetch_time() > 0


def test_row_26_keys(client: ccxt.binance, running: Running, move: Control) -> None:
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        ccxt.binance(ccxt_options(running.url, "nokey", "x")).fetch_balance()
    with pytest.raises(ccxt.AuthenticationError, match="-2014"):
        ccxt.binance(ccxt_options(running.url, "bad key", "x")).fetch_balance()
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        ccxt.binance(ccxt_options(running.url, "akey", "wrong")).fetch_balance()
    client.fetch_balance()
    move("row", row=26, account="a")
    with pytest.raises(ccxt.DDoSProtection, match="-2015"):
        client.fetch_balance()
    move("row", row=26, account="a", undo=True)
    move("key", account="a", can_withdraw=True)
    assert client.sapi_get_account_apirestrictions()["enableWithdrawals"] is True


def test_row_27_halted_and_delisted(client: ccxt.binance, move: Control) -> None:
    order = buy(client)
    move("row", row=27)
    with pytest.raises(ccxt.BaseError, match="Market is closed"):
        buy(client, name="ag2")
    client.load_markets(reload=True)
    assert client.market(SYMBOL)["active"] is False
    move("row", row=27, undo=True)
    assert buy(client, name="ag2")["status"] == "open"
    move("delist")
    with pytest.raises(ccxt.BadSymbol, match="-1121"):
        client.fetch_order(order["id"], SYMBOL)
    assert orders(move) == [("ag1", "EXPIRED"), ("ag2", "EXPIRED")]


def test_row_28_pages_of_trades(client: ccxt.binance, move: Control, running: Running) -> None:
    order = buy(client, price=9, amount=1.2)
    engine = running.exchange.engine
    running.do(lambda: [engine.fill(engine.orders[int(order["id"])], 100_000) for _ in range(1200)])
    found, first = [], 0
    while page := client.fetch_my_trades(SYMBOL, limit=1000, params={"fromId": first}):
        found += page
        # ccxt sorts by time, then by id as a string: the last one need not have the greatest id.
        first = max(int(trade["id"]) for trade in page) + 1
    assert len(found) == 1200
    assert len({trade["id"] for trade in found}) == 1200
    assert len(client.fetch_my_trades(SYMBOL, limit=1000)) == 1000
    found.sort(key=lambda trade: int(trade["id"]))
    since = client.fetch_my_trades(SYMBOL, since=found[0]["timestamp"], limit=5)
    assert {trade["id"] for trade in since} == {trade["id"] for trade in found[:5]}
    move("row", row=28, drop=3)
    short = client.fetch_my_trades(SYMBOL, limit=1000, params={"fromId": int(found[-10]["id"])})
    assert len(short) == 7
    assert len(client.fetch_order_trades(order["id"], SYMBOL)) == 500


def test_row_30_the_balance_is_gone(client: ccxt.binance, move: Control) -> None:
    buy(client)
    move("row", row=30, account="a")
    with pytest.raises(ccxt.InsufficientFunds):
        buy(client, name="ag2")
    assert client.fetch_balance()["USDT"] == {"free": 0.0, "used": 99.099, "total": 99.099}
    assert orders(move) == [("ag1", "NEW")]


def test_every_row_has_a_name_and_a_way(move: Control) -> None:
    assert sorted(ROWS) == list(range(1, 31))
    assert all(row.rules or row.commands for row in ROWS.values())
    assert len(move("help")["rows"]) == 30
    with pytest.raises(RuntimeError, match="expected 1 to 30"):
        move("row", row=31)
    with pytest.raises(RuntimeError, match="expected one of"):
        move("nonsense")

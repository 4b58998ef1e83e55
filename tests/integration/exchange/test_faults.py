"""Faults on the wire between ccxt and the loopback exchange: what the port says, and what the books say."""

from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest

from autogrid.errors import (
    AccountBlocked,
    AutogridError,
    InvalidInput,
    OutcomeUnknown,
    Rejected,
    RetryLater,
    Unavailable,
)
from autogrid.exchange.ccxt_adapter import CcxtExchange
from autogrid.exchange.ccxt_link import Connection, Credentials
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.port import NewOrder
from tests.integration.exchange.venues import SYMBOL
from tests.loopback_client import Loopback


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    account = {"name": "a", "key": "akey", "secret": "asecret", "balances": {"USDT": "1000000"}}
    with Loopback({"markets": [{"symbol": SYMBOL}], "accounts": [account]}) as running:
        running.control("print", price="100")
        yield running


@pytest.fixture
def exchange(loopback: Loopback) -> Iterator[CcxtExchange]:
    for command in ("clear", "clock"):
        loopback.control(command)
    loopback.control("limits", lift=True)
    loopback.control("key", revoked=False)
    connection = Connection("binance", Credentials("akey", "asecret"), loopback.url, timeout_s=60)
    opened = CcxtExchange(connection, MemoryLimiter())
    opened.rules(SYMBOL)
    yield opened
    opened.close()


def order(name: str) -> NewOrder:
    return NewOrder(SYMBOL, name, "buy", D("0.5"), D("90"))


ORDERS = {"method": "POST", "path": "/api/v3/order$"}
UNKNOWN = [
    {"action": "hang", "seconds": 6},
    {"action": "reset"},
    {"action": "close"},
    {"action": "truncate"},
    {"action": "garbage"},
    {"action": "empty"},
    {"action": "status", "status": 502},
    {"action": "status", "status": 504, "body": "empty"},
    {"action": "status", "status": 408},
    {"action": "status", "status": 200, "body": "garbage"},
    {"action": "error", "status": 504, "code": -1007},
    {"action": "error", "status": 500, "code": -1006},
    {"action": "error", "status": 400, "code": -1001},
]


def title(rule: dict[str, Any]) -> str:
    return "-".join(str(value) for value in rule.values())


@pytest.mark.parametrize("stage", ["before", "after"])
@pytest.mark.parametrize("rule", UNKNOWN, ids=title)
def test_place_with_an_open_outcome(
    exchange: CcxtExchange, loopback: Loopback, rule: dict[str, Any], stage: str
) -> None:
    loopback.control("fault", **rule, **ORDERS, stage=stage, times=1)
    name = f"p{len(loopback.control('state')['accounts']['a'])}{stage}{title(rule).replace('-', 'x')}"[:18]
    client = exchange._link.client
    patience, client.timeout = client.timeout, 2_000 if rule["action"] == "hang" else client.timeout
    with pytest.raises(OutcomeUnknown):
        exchange.place(order(name))
    client.timeout = patience
    found = exchange.find(SYMBOL, name, None)
    assert (found is not None) == (stage == "after")
    if found is None:
        found = exchange.place(order(name))
    exchange.cancel(SYMBOL, name, found.exchange_id)


@pytest.mark.parametrize("stage", ["before", "after"])
def test_cancel_with_an_open_outcome(exchange: CcxtExchange, loopback: Loopback, stage: str) -> None:
    placed = exchange.place(order("c" + stage))
    loopback.control("fault", action="reset", method="DELETE", path="/api/v3/order$", stage=stage, times=1)
    with pytest.raises(OutcomeUnknown):
        exchange.cancel(SYMBOL, "c" + stage, placed.exchange_id)
    if stage == "after":
        with pytest.raises(Rejected) as caught:
            exchange.cancel(SYMBOL, "c" + stage, placed.exchange_id)
        assert caught.value.reason == "unknown_order"
    else:
        exchange.cancel(SYMBOL, "c" + stage, placed.exchange_id)
    assert exchange.open_orders(SYMBOL) == []


@pytest.mark.parametrize("rule", UNKNOWN[1:8], ids=title)
def test_reads_say_try_again(exchange: CcxtExchange, loopback: Loopback, rule: dict[str, Any]) -> None:
    loopback.control("fault", **rule, method="GET", times=4)
    for read in (
        lambda: exchange.open_orders(SYMBOL),
        lambda: exchange.find(SYMBOL, "x", None),
        lambda: exchange.executions_since(SYMBOL, "0"),
        exchange.balances,
    ):
        with pytest.raises(Unavailable):
            read()
    assert exchange.open_orders(SYMBOL) == []


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"action": "status", "status": 403}, AccountBlocked),
        ({"action": "status", "status": 451}, AccountBlocked),
        ({"action": "status", "status": 429, "retry_after": 60}, RetryLater),
        ({"action": "status", "status": 418, "retry_after": 60}, RetryLater),
        ({"action": "error", "status": 503, "code": -1008}, RetryLater),
        ({"action": "error", "code": -1015}, RetryLater),
        ({"action": "error", "code": -1016}, RetryLater),
        ({"action": "error", "code": -1013, "message": "Filter failure: LOT_SIZE"}, Rejected),
    ],
    ids=lambda value: title(value) if isinstance(value, dict) else value.__name__,
)
def test_definite_refusals(
    exchange: CcxtExchange, loopback: Loopback, rule: dict[str, Any], kind: type[AutogridError]
) -> None:
    loopback.control("fault", **rule, **ORDERS, stage="before", times=1)
    with pytest.raises(kind) as caught:
        exchange.place(order("definite"))
    if "retry_after" in rule:
        assert isinstance(caught.value, RetryLater)
        assert (caught.value.after_s, caught.value.banned) == (60, True)
        with pytest.raises(RetryLater):
            exchange.open_orders(SYMBOL)


def test_clock_drift_is_measured_and_the_same_id_goes_through(exchange: CcxtExchange, loopback: Loopback) -> None:
    loopback.control("clock", offset_ms=-60_000)
    with pytest.raises(RetryLater) as caught:
        exchange.place(order("drift"))
    assert caught.value.after_s == 0
    exchange.place(order("drift"))
    exchange.cancel(SYMBOL, "drift", None)


def test_a_revoked_key_blocks_and_a_halted_market_is_named(exchange: CcxtExchange, loopback: Loopback) -> None:
    loopback.control("market", symbol=SYMBOL, status="BREAK")
    with pytest.raises(Rejected) as caught:
        exchange.place(order("halted"))
    loopback.control("market", symbol=SYMBOL, status="TRADING")
    assert caught.value.reason == "halted"
    exchange.open_orders(SYMBOL)
    loopback.control("key", revoked=True)
    with pytest.raises(AccountBlocked):
        exchange.open_orders(SYMBOL)
    with pytest.raises(AccountBlocked):
        exchange.place(order("revoked"))


def test_new_filters_are_seen_when_asked_for(exchange: CcxtExchange, loopback: Loopback) -> None:
    loopback.control("market", symbol=SYMBOL, tick="0.05")
    with pytest.raises(Rejected) as caught:
        exchange.place(NewOrder(SYMBOL, "oldtick", "buy", D("0.5"), D("90.01")))
    assert caught.value.reason == "filter"
    assert exchange.rules(SYMBOL, fresh=True).tick == D("0.05")
    placed = exchange.place(NewOrder(SYMBOL, "oldtick", "buy", D("0.5"), D("90.01")))
    assert placed.price == D("90.00")
    exchange.cancel(SYMBOL, "oldtick", None)
    loopback.control("market", symbol=SYMBOL, tick="0.01")


def test_nobody_there(loopback: Loopback) -> None:
    connection = Connection("binance", Credentials("akey", "asecret"), "http://127.0.0.1:9", timeout_s=60)
    exchange = CcxtExchange(connection, MemoryLimiter())
    with pytest.raises(Unavailable):
        exchange.rules(SYMBOL)


def test_a_market_that_is_gone(exchange: CcxtExchange, loopback: Loopback) -> None:
    loopback.control("delist", symbol=SYMBOL)
    with pytest.raises(Rejected) as caught:
        exchange.place(order("delisted"))
    assert caught.value.reason == "halted"
    with pytest.raises(InvalidInput):
        exchange.rules(SYMBOL, fresh=True)
    loopback.control("delist", symbol=SYMBOL, listed=True)


def test_the_connection_is_kept(exchange: CcxtExchange) -> None:
    pools = exchange._link.client.session.adapters["http://"].poolmanager.pools
    for _ in range(3):
        exchange.open_orders(SYMBOL)
    (key,) = pools.keys()
    pool = pools[key]
    assert pool.num_connections == 1
    assert pool.num_requests >= 4

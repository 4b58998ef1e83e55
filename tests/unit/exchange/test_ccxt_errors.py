"""Every way an order can go wrong at Binance, through real ccxt, and what we make of it (FAULTS facts 3 to 6)."""

import json
import time
from decimal import Decimal

import pytest
import requests
import urllib3

from autogrid.errors import (
    AccountBlocked,
    AutogridError,
    InvalidInput,
    OutcomeUnknown,
    Rejected,
    RetryLater,
    Unavailable,
)
from autogrid.exchange.ccxt_errors import never_connected
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.port import NewOrder
from tests.unit.exchange.canned import Reply, binance

ORDER = NewOrder("BTC/USDT", "ag1x0", "buy", Decimal("0.001"), Decimal("50000"))


def failing(status: int, body: str, **headers: str) -> AutogridError:
    """What `place` raises when the order is answered so."""
    exchange, _ = binance(lambda request: (status, {k.replace("_", "-"): v for k, v in headers.items()}, body))
    with pytest.raises(AutogridError) as caught:
        exchange.place(ORDER)
    return caught.value


def coded(code: int, text: str = "text", status: int = 400, **headers: str) -> AutogridError:
    return failing(status, json.dumps({"code": code, "msg": text}), **headers)


@pytest.mark.parametrize("code", [-1000, -1001, -1004, -1006, -1007])
@pytest.mark.parametrize("status", [200, 400, 500, 503, 504])
def test_codes_that_leave_the_outcome_open(code: int, status: int) -> None:
    assert isinstance(coded(code, "Timeout waiting for response from backend server.", status), OutcomeUnknown)


@pytest.mark.parametrize("status", [301, 307, 404, 408, 500, 502, 503, 504, 520])
@pytest.mark.parametrize("body", ["", "<html>Bad gateway</html>", "null", "[]", '{"code":'])
def test_answers_without_a_code_leave_the_outcome_open(status: int, body: str) -> None:
    assert isinstance(failing(status, body), OutcomeUnknown)


@pytest.mark.parametrize("body", ["", "<html>hello</html>", "{}", "[]", "null", '"OK"', "12", '{"orderId"', '{"a":1}'])
def test_garbage_with_status_200_leaves_the_outcome_open(body: str) -> None:
    assert isinstance(failing(200, body), OutcomeUnknown)
    exchange, _ = binance(lambda request: (200, {}, body))
    with pytest.raises(OutcomeUnknown):
        exchange.cancel("BTC/USDT", "ag1x0", None)


@pytest.mark.parametrize("body", ["", "<html>hello</html>", "null", '"OK"', "12", '{"orderId"', '[{"a":1}]', "[1]"])
def test_reads_that_cannot_be_read_are_unavailable(body: str) -> None:
    exchange, _ = binance(lambda request: (200, {}, body))
    reads = (
        lambda: exchange.open_orders("BTC/USDT"),
        lambda: exchange.find("BTC/USDT", "ag1x0", None),
        lambda: exchange.executions_since("BTC/USDT", "5"),
        lambda: exchange.executions_of("BTC/USDT", "7"),
        lambda: exchange.price("BTC/USDT"),
    )
    for read in reads:
        with pytest.raises(Unavailable):
            read()


@pytest.mark.parametrize(("code", "after"), [(-1008, 2), (-1015, 10), (-1016, 5), (-1021, 0), (-1034, 5)])
def test_refused_for_now(code: int, after: float) -> None:
    error = coded(code)
    assert isinstance(error, RetryLater)
    assert (error.after_s, error.banned) == (after, False)


def test_rate_limits_say_how_long() -> None:
    error = coded(-1003, "Too many requests", 429, retry_after="17")
    assert isinstance(error, RetryLater)
    assert (error.after_s, error.banned) == (17, True)
    until = int(time.time() * 1000) + 90_000
    error = coded(-1003, f"Way too many requests; IP banned until {until}. Please use the websocket.", 418)
    assert isinstance(error, RetryLater)
    assert error.banned
    assert 85 < error.after_s <= 90
    assert isinstance(failing(429, "<html>slow down</html>"), RetryLater)
    assert isinstance(failing(418, ""), RetryLater)


def test_a_ban_stops_every_account_behind_the_address() -> None:
    limiter = MemoryLimiter()
    first, _ = binance(lambda request: (418, {"Retry-After": "60"}, ""), limiter)
    second, transport = binance(lambda request: (200, {}, "[]"), limiter)
    with pytest.raises(RetryLater):
        first.open_orders("BTC/USDT")
    with pytest.raises(RetryLater) as caught:
        second.open_orders("BTC/USDT")
    assert caught.value.banned
    assert transport.requests == []
    assert second.budget_left() == 0


def test_clock_is_set_before_the_same_id_is_sent_again() -> None:
    answered = []

    def answer(request: requests.PreparedRequest) -> Reply:
        answered.append(str(request.url))
        if "/time" in str(request.url):
            return 200, {}, json.dumps({"serverTime": int(time.time() * 1000) + 60_000})
        return 400, {}, json.dumps({"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."})

    exchange, transport = binance(answer)
    with pytest.raises(RetryLater):
        exchange.place(ORDER)
    assert answered[-1].endswith("/api/v3/time")
    with pytest.raises(RetryLater):
        exchange.place(ORDER)
    stamp = int(next(part for part in body_of(transport, "/order").split("&") if "timestamp" in part).split("=")[1])
    assert 55_000 < stamp - time.time() * 1000 < 65_000


def body_of(transport: object, path: str) -> str:
    sent = [request for request in transport.requests if path in str(request.url)]  # type: ignore[attr-defined]
    body = sent[-1].body
    return body.decode() if isinstance(body, bytes) else str(body)


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (-2010, "Account has insufficient balance for requested action.", "insufficient_funds"),
        (-2010, "Order would immediately match and take.", "would_cross"),
        (-2010, "Duplicate order sent.", "duplicate"),
        (-2010, "Market is closed.", "halted"),
        (-1013, "Market is closed.", "halted"),
        (-1013, "Filter failure: PRICE_FILTER", "filter"),
        (-1013, "Filter failure: LOT_SIZE", "filter"),
        (-1013, "Filter failure: NOTIONAL", "filter"),
        (-1013, "Invalid quantity.", "filter"),
        (-1111, "Parameter 'price' has too much precision.", "filter"),
        (-1121, "Invalid symbol.", "halted"),
        (-2010, "This symbol is restricted for this account.", "halted"),
        (-2011, "Unknown order sent.", "unknown_order"),
        (-1102, "Mandatory parameter 'quantity' was not sent.", "other"),
        (-2010, "Something new.", "other"),
    ],
)
def test_definite_rejections(code: int, text: str, reason: str) -> None:
    error = coded(code, text)
    assert isinstance(error, Rejected)
    assert error.reason == reason


@pytest.mark.parametrize("code", [-1002, -1022, -2008, -2014, -2015])
def test_key_troubles_block_the_account(code: int) -> None:
    assert isinstance(coded(code, "Invalid API-key, IP, or permissions for action.", 401), AccountBlocked)


@pytest.mark.parametrize("status", [401, 403, 451])
def test_refused_address_blocks_the_account(status: int) -> None:
    assert isinstance(failing(status, "<html>forbidden</html>"), AccountBlocked)


def test_key_revoked_after_good_calls_still_blocks() -> None:
    replies = [(200, {}, "[]"), (401, {}, json.dumps({"code": -2015, "msg": "Invalid API-key"}))]
    exchange, _ = binance(lambda request: replies.pop(0))
    assert exchange.open_orders("BTC/USDT") == []
    with pytest.raises(AccountBlocked):
        exchange.open_orders("BTC/USDT")


def raising(error: Exception) -> AutogridError:
    def answer(request: requests.PreparedRequest) -> Reply:
        raise error

    exchange, _ = binance(answer)
    with pytest.raises(AutogridError) as caught:
        exchange.place(ORDER)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        requests.ReadTimeout("read"),
        requests.ConnectionError("('Connection aborted.', RemoteDisconnected('closed'))"),
        requests.exceptions.ChunkedEncodingError("Connection broken: IncompleteRead"),
        requests.exceptions.SSLError("record layer failure"),
        ConnectionResetError(104, "Connection reset by peer"),
        RuntimeError("anything"),
        ValueError("anything"),
    ],
)
def test_a_lost_answer_leaves_the_outcome_open(error: Exception) -> None:
    assert isinstance(raising(error), OutcomeUnknown)


def test_a_connection_that_was_never_made_is_no_order() -> None:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", 9)
    refused = urllib3.exceptions.NewConnectionError(pool, "refused")  # type: ignore[arg-type]
    tried = urllib3.exceptions.MaxRetryError(pool, "/", refused)
    assert isinstance(raising(requests.ConnectionError(tried)), RetryLater)
    assert isinstance(raising(requests.ConnectTimeout("connect")), RetryLater)
    assert not never_connected(requests.ReadTimeout("read"))


def test_reads_fail_harmlessly() -> None:
    missing = json.dumps({"code": -2013, "msg": "Order does not exist."})
    exchange, _ = binance(lambda request: (400, {}, missing))
    assert exchange.find("BTC/USDT", "ag1x0", None) is None
    assert exchange.find("BTC/USDT", "ag1x0", "77") is None
    exchange, _ = binance(lambda request: (500, {}, ""))
    with pytest.raises(Unavailable):
        exchange.find("BTC/USDT", "ag1x0", None)
    with pytest.raises(InvalidInput):
        exchange.price("NOPE/USDT")


def test_messages_never_show_secrets() -> None:
    def answer(request: requests.PreparedRequest) -> Reply:
        assert "signature=" in str(request.url) + str(request.body)
        raise requests.ReadTimeout(f"timed out: {request.url}")

    exchange, _ = binance(answer)
    for act in (lambda: exchange.open_orders("BTC/USDT"), lambda: exchange.place(ORDER)):
        with pytest.raises(AutogridError, match="https://api.binance.com/api/v3/o") as caught:
            act()
        assert "secret" not in str(caught.value)
        assert "signature" not in str(caught.value)

"""Signatures, parameters, limits and fault rules, without a server."""

import pytest

from services.loopback.auth import check_time, sign
from services.loopback.config import Config, build, parse_account
from services.loopback.errors import ApiError
from services.loopback.exchange import Exchange, answer
from services.loopback.faults import ENGINE, TRANSPORT, Faults, Rule
from services.loopback.limits import Limits
from services.loopback.params import Call, Params, rest_call
from services.loopback.rest_orders import ROUTES
from services.loopback.units import e8, e8_text, parse, units, units_text

NOW = 1_700_000_030_000


def test_the_signature_of_the_documentation() -> None:
    """The example keys and payload Binance publishes."""
    payload = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    payload += "&timestamp=1499827319559"
    # The secret of Binance's published example, put together so that scanners do not take it for a live one.
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP" + "1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    digest = sign(secret, payload)
    assert digest.startswith("c8db56825ae71d6d79447849e617115f4a920fa2")
    assert len(digest) == 64


def test_the_payload_is_what_was_sent_without_the_signature() -> None:
    call = rest_call("POST", "/api/v3/order", "a=1&signature=zz", "b=2%2F3&signature=yy&c=4", "key", "ip")
    assert (call.payload, call.signature) == ("a=1b=2%2F3&c=4", "zz")
    assert call.params.text("b") == "2/3"


@pytest.mark.parametrize(
    ("sent", "window", "words"),
    [
        (NOW - 5000, None, None),
        (NOW - 5001, None, "outside of the recvWindow"),
        (NOW - 3001, "3000", "outside of the recvWindow"),
        (NOW + 999, None, None),
        (NOW + 1000, None, "1000ms ahead"),
        ((NOW - 10) * 1000, None, None),
        (NOW, "60001", "recvWindow must be less than 60000"),
        ("x", None, "Illegal characters"),
    ],
)
def test_the_receive_window(sent: object, window: str | None, words: str | None) -> None:
    values = {"timestamp": str(sent)} | ({"recvWindow": window} if window else {})
    call = Call("GET", "/", Params(values), "ip")
    if words is None:
        check_time(call, NOW)
        assert call.params.peek("timestamp") == str(sent)
        return
    with pytest.raises(ApiError, match=words):
        check_time(call, NOW)


def order_call(exchange: Exchange, **values: str) -> tuple[int, dict[str, object]]:
    now = exchange.clock.server()
    base = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "99"}
    base |= {"timestamp": str(now)} | values
    query = "&".join(f"{name}={value}" for name, value in base.items() if value != "-")
    query += "&signature=" + sign("asecret", query)
    call = rest_call("POST", "/api/v3/order", query, "", values.get("key", "akey"), "127.0.0.1")
    reply = answer(exchange, call, ROUTES["POST", "/api/v3/order"])
    return reply.status, reply.payload


@pytest.fixture
def exchange() -> Exchange:
    made = build(Config(accounts=[parse_account("a:akey:asecret:USDT=1000")]))
    made.engine.print("BTCUSDT", e8("100"), e8("1"))
    return made


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"symbol": "-"}, -1102, "Mandatory parameter 'symbol'"),
        ({"symbol": "XX"}, -1121, "Invalid symbol."),
        ({"side": "UP"}, -1117, "Invalid side."),
        ({"type": "FANCY"}, -1116, "Invalid orderType."),
        ({"type": "STOP_LOSS"}, -1014, "Unsupported order combination."),
        ({"timeInForce": "-"}, -1102, "Mandatory parameter 'timeInForce'"),
        ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        ({"quantity": "-"}, -1102, "Mandatory parameter 'quantity'"),
        ({"quantity": "-1"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": "1.123456789"}, -1111, "Parameter 'quantity' has too much precision."),
        ({"price": "-"}, -1102, "Mandatory parameter 'price'"),
        ({"price": ""}, -1105, "Parameter 'price' was empty."),
        ({"type": "MARKET", "timeInForce": "-"}, -1106, "Parameter 'price' sent when not required."),
        ({"type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
        ({"newClientOrderId": "a b"}, -1100, "newClientOrderId"),
        ({"newOrderRespType": "ALL"}, -1100, "newOrderRespType"),
        ({"quoteOrderQty": "5"}, -2010, "Quote order qty"),
        ({"nonsense": "1"}, -1104, "Not all sent parameters were read; read '6' parameter(s) but was sent '7'."),
        ({"timestamp": "1"}, -1021, "outside of the recvWindow"),
        ({"timestamp": "-"}, -1102, "Mandatory parameter 'timestamp'"),
    ],
)
def test_refusals_in_binances_words(exchange: Exchange, values: dict[str, str], code: int, words: str) -> None:
    status, payload = order_call(exchange, **values)
    assert (status, payload["code"]) == (400, code)
    assert words in str(payload["msg"])
    assert exchange.engine.orders == {}


def test_the_three_response_types(exchange: Exchange) -> None:
    fields = {}
    for kind in ("ACK", "RESULT", "FULL"):
        status, payload = order_call(exchange, newOrderRespType=kind, price="101", newClientOrderId=kind)
        assert (status, payload["clientOrderId"]) == (200, kind)
        fields[kind] = set(payload)
    assert fields["ACK"] < fields["RESULT"] < fields["FULL"]
    assert fields["FULL"] - fields["RESULT"] == {"fills"}


def test_weights_bring_429_then_a_ban_that_doubles() -> None:
    limits = Limits(weight_per_minute=100, ban_after=2, ban_s=10)
    for _ in range(5):
        limits.take("ip", 20, NOW)
    assert limits.used("ip", NOW) == 100
    limits.take("other", 20, NOW)
    for _ in range(3):
        with pytest.raises(ApiError) as refused:
            limits.take("ip", 1, NOW)
        assert (refused.value.code, refused.value.status, refused.value.retry_after_s) == (-1003, 429, 10)
    with pytest.raises(ApiError, match=f"IP banned until {NOW + 10_000}") as refused:
        limits.take("ip", 1, NOW + 4_001)
    assert (refused.value.status, refused.value.retry_after_s) == (418, 6)
    limits.take("ip", 1, NOW + 10_000)
    assert limits.used("ip", NOW + 10_000) == 1


def test_order_counts_fall_when_orders_fill() -> None:
    limits = Limits(orders_per_10s=2)
    for _ in range(2):
        limits.check_order("a", NOW)
        limits.count_order("a", NOW)
    with pytest.raises(ApiError, match="current limit is 2 orders per 10 SECOND") as refused:
        limits.check_order("a", NOW)
    assert (refused.value.code, refused.value.status) == (-1015, 429)
    limits.check_order("b", NOW)
    limits.count_order("a", NOW, -1)
    limits.check_order("a", NOW)
    assert limits.order_counts("a", NOW) == {"10S": 1, "1D": 1}


def test_rules_match_spare_and_end() -> None:
    faults = Faults(0, [Rule("hang", method="POST", client="^ag", skip=1, times=2)])
    hit = {"method": "POST", "client": "ag1"}
    fired = [len(faults.fire(hit, TRANSPORT)) for _ in range(5)]
    assert fired == [0, 1, 1, 0, 0]
    assert faults.fire({"method": "GET", "client": "ag1"}, TRANSPORT) == []
    assert faults.fire({"method": "POST", "client": "other"}, TRANSPORT) == []


def test_draws_are_the_seeds() -> None:
    def draw(seed: int) -> list[int]:
        faults = Faults(seed, [Rule("reset", probability=0.3)])
        return [len(faults.fire({}, TRANSPORT)) for _ in range(200)]

    assert draw(1) == draw(1) != draw(2)
    assert 30 < sum(draw(1)) < 90


def test_one_transport_fault_hits_but_engine_faults_add_up() -> None:
    faults = Faults(0, [Rule("hang"), Rule("reset"), Rule("lag"), Rule("short")])
    assert [rule.action for rule in faults.fire({}, TRANSPORT + ENGINE)] == ["hang", "lag", "short"]
    assert faults.rules[1].fired == 0


@pytest.mark.parametrize("values", [{"action": "explode"}, {"action": "hang", "stage": "x"}, {"actoin": "hang"}, {}])
def test_bad_rules_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Rule.from_json(values)


def test_numbers_are_exact() -> None:
    assert e8_text(e8("0.00000001")) == "0.00000001"
    assert e8_text(-e8("1.5")) == "-1.50000000"
    assert units_text(units("12.3400000000000001")) == "12.3400000000000001"
    assert units_text(units("1")) == "1.00000000"
    assert [parse(text, 10**8) for text in ("0.000000001", "x", "1e400", "nan")] == [None] * 4
    with pytest.raises(ValueError, match="8 decimals"):
        e8("0.000000001")

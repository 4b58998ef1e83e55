"""Market streams, the user data stream and the websocket API, as ccxt.pro hears them."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import ccxt.pro as pro
import pytest

from services.loopback import server
from services.loopback.config import Config
from services.loopback.server import Running
from tests.loopback_client import ccxt_options, control

SYMBOL = "BTC/USDT"
Script = Callable[[pro.binance, Callable[..., Coroutine[Any, Any, dict[str, Any]]]], Coroutine[Any, Any, None]]
T0 = 1_714_521_600_000


def run(running: Running, script: Script, secret: str = "asecret") -> None:
    """Run a script with account a's ccxt.pro and an awaitable control."""

    async def main() -> None:
        client = pro.binance(ccxt_options(running.url, "akey", secret))
        try:
            await client.load_markets()
            async with asyncio.timeout(60):
                await script(
                    client, lambda command, **body: asyncio.to_thread(partial(control, running.url, command, **body))
                )
        finally:
            await client.close()

    asyncio.run(main())


async def subscribed(running: Running, count: int) -> None:
    """Wait until so many streams and user subscriptions are live."""

    def live() -> int:
        hub: Any = running.exchange.engine.listener
        return sum(len(session.streams) + len(session.accounts) for session in hub.sessions)

    while await asyncio.to_thread(running.do, live) < count:
        await asyncio.sleep(0.01)


def test_market_streams(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    rows = [f"{T0 + i * 60_000},{100 + i},{101 + i},{99 + i},{100.5 + i},8" for i in range(30)]
    path.write_text("ts,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    running = server.start(Config(markets=[{"symbol": SYMBOL, "candles": str(path), "start_row": 10}]))

    async def script(client: pro.binance, move: Any) -> None:
        watches = [
            client.watch_trades(SYMBOL),
            client.watch_ohlcv(SYMBOL, "1m"),
            client.watch_ticker(SYMBOL),
            client.watch_bids_asks([SYMBOL]),
            client.watch_order_book(SYMBOL),
        ]
        tasks = [asyncio.ensure_future(watch) for watch in watches]
        await subscribed(running, 5)
        await move("step", candles=1)
        trades, candles, ticker, tops, book = await asyncio.gather(*tasks)
        assert trades[-1]["price"] in (110.0, 109.0, 111.0, 110.5)
        assert candles[-1][:5] == [T0 + 600_000, 110.0, 111.0, 109.0, 110.5]
        assert (ticker["last"], ticker["high"]) == (110.5, 111.0)
        assert (tops[SYMBOL]["bid"], tops[SYMBOL]["ask"]) == (110.49, 110.51)
        assert book["bids"][0][0] <= 110.49
        again = asyncio.ensure_future(client.watch_order_book(SYMBOL))
        await move("step", candles=1)
        book = await again
        assert (book["bids"][0][0], book["asks"][0][0]) == (111.49, 111.51)
        assert len(book["bids"]) == 1

    try:
        run(running, script)
    finally:
        running.close()


def test_the_user_stream(running: Running) -> None:
    async def script(client: pro.binance, move: Any) -> None:
        first = asyncio.ensure_future(client.watch_orders())
        balance = asyncio.ensure_future(client.watch_balance())
        await subscribed(running, 1)
        placed = await client.create_order(SYMBOL, "limit", "buy", 2, 99, {"newClientOrderId": "ag1"})
        seen = [(order["clientOrderId"], order["status"], order["filled"]) for order in await first]
        assert seen == [("ag1", "open", 0.0)]
        assert (await balance)["USDT"]["used"] == 198.198
        trades = asyncio.ensure_future(client.watch_my_trades())
        await move("fill", order_id=int(placed["id"]), qty="0.5")
        (trade,) = await trades
        assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (99.0, 0.5, "maker")
        assert trade["fee"] == {"cost": 0.0495, "currency": "USDT"}
        orders = asyncio.ensure_future(client.watch_orders(SYMBOL))
        await client.cancel_order(placed["id"], SYMBOL)
        (order,) = await orders
        assert (order["clientOrderId"], order["status"], order["filled"]) == ("ag1", "canceled", 0.5)

    run(running, script)


def test_streams_are_cut_and_muted(running: Running) -> None:
    async def script(client: pro.binance, move: Any) -> None:
        for action in ("cut", "reset"):
            orders = asyncio.ensure_future(client.watch_orders())
            await subscribed(running, 1)
            assert await move("stream", action=action, target="user") == {"sessions": 1}
            with pytest.raises(ccxt.NetworkError):
                await orders
        orders = asyncio.ensure_future(client.watch_orders())
        await subscribed(running, 1)
        await move("stream", action="mute", target="user", account="a")
        lost = await client.create_order(SYMBOL, "limit", "buy", 1, 98, {"newClientOrderId": "lost"})
        await move("fill", order_id=int(lost["id"]))
        await move("stream", action="unmute", target="user")
        await client.create_order(SYMBOL, "limit", "buy", 1, 97, {"newClientOrderId": "heard"})
        assert [order["clientOrderId"] for order in await orders] == ["heard"]
        await move("fault", action="cut", path="user/executionReport", client="fatal", times=1)
        orders = asyncio.ensure_future(client.watch_orders())
        await client.create_order(SYMBOL, "limit", "buy", 1, 96, {"newClientOrderId": "fatal"})
        with pytest.raises(ccxt.NetworkError):
            await orders

    run(running, script)


def test_a_connection_lives_only_so_long() -> None:
    running = server.start(Config(stream_max_age_s=0.2))

    async def script(client: pro.binance, move: Any) -> None:
        with pytest.raises(ccxt.NetworkError, match="1001"):
            await client.watch_trades(SYMBOL)

    try:
        run(running, script)
    finally:
        running.close()


def test_orders_by_websocket(running: Running) -> None:
    async def script(client: pro.binance, move: Any) -> None:
        order = await client.create_order_ws(SYMBOL, "limit", "buy", 1, 99, {"newClientOrderId": "ws1"})
        assert order["status"] == "open"
        assert (await client.fetch_order_ws(order["id"], SYMBOL))["clientOrderId"] == "ws1"
        assert len(await client.fetch_open_orders_ws(SYMBOL)) == 1
        assert (await client.cancel_order_ws(order["id"], SYMBOL))["status"] == "canceled"
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order_ws(SYMBOL, "limit", "buy", 1000, 99)
        await move("row", row=6)
        with pytest.raises(ccxt.RequestTimeout):
            await client.create_order_ws(SYMBOL, "limit", "buy", 1, 99, {"newClientOrderId": "ws2"})
        state = await move("state", account="a")
        assert [row["clientOrderId"] for row in state["accounts"]["a"]["orders"]] == ["ws1", "ws2"]

    run(running, script)


async def talk(url: str, messages: list[Any]) -> list[Any]:
    """Send messages, one answer each."""
    answers = []
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        for message in messages:
            await (socket.send_str(message) if isinstance(message, str) else socket.send_json(message))
            answers.append(await socket.receive_json(timeout=60))
    return answers


def test_subscriptions_and_their_errors(running: Running) -> None:
    asks: list[Any] = [
        {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1},
        {"method": "LIST_SUBSCRIPTIONS", "id": 2},
        {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3},
        {"method": "GET_PROPERTY", "params": ["combined"], "id": 4},
        {"method": "GET_PROPERTY", "params": ["other"], "id": 5},
        {"method": "DANCE", "id": 6},
        {"id": 7},
        "{",
    ]
    answers = asyncio.run(talk(running.url + "/stream", asks))
    assert [answer.get("result", answer.get("error", {}).get("code")) for answer in answers] == [
        None, ["btcusdt@trade"], None, True, 0, 2, 2, 3,
    ]  # fmt: skip


def test_sessions_of_the_websocket_api(running: Running) -> None:
    def signed(params: dict[str, Any], secret: str = "asecret") -> dict[str, Any]:
        from services.loopback.auth import sign

        params = {"apiKey": "akey", "timestamp": running.exchange.clock.server(), **params}
        return {**params, "signature": sign(secret, "&".join(f"{k}={params[k]}" for k in sorted(params)))}

    asks: list[Any] = [
        {"id": 1, "method": "session.status"},
        {"id": 2, "method": "session.logon", "params": signed({}, "wrong")},
        {"id": 3, "method": "session.logon", "params": signed({})},
        {"id": 4, "method": "openOrders.status", "params": {"timestamp": running.exchange.clock.server()}},
        {"id": 5, "method": "userDataStream.subscribe"},
        {"id": 6, "method": "userDataStream.subscribe.signature", "params": signed({})},
        {"id": 7, "method": "session.subscriptions"},
        {"id": 8, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}},
        {"id": 9, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 9}},
        {"id": 10, "method": "session.logout"},
        {"id": 11, "method": "nonsense"},
        {"id": 12, "method": "ping", "params": []},
    ]
    answers = asyncio.run(talk(running.url + "/ws-api/v3", asks))
    assert [answer["id"] for answer in answers] == [*range(1, 12), None]
    statuses = [(answer["status"], answer.get("error", {}).get("code")) for answer in answers]
    assert statuses == [
        (200, None), (400, -1022), (200, None), (200, None), (200, None), (400, -2035), (200, None), (200, None),
        (400, -2036), (200, None), (400, -1000), (400, -1135),
    ]  # fmt: skip
    assert answers[6]["result"] == [{"subscriptionId": 0}]
    assert answers[9]["result"]["apiKey"] is None

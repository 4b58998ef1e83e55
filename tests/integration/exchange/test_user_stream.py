"""The user stream of the loopback exchange through ccxt.pro: every order wakes, every loss is mended."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from decimal import Decimal as D
from typing import Any

import pytest

from autogrid.errors import AccountBlocked
from autogrid.exchange.ccxt_adapter import CcxtExchange
from autogrid.exchange.ccxt_stream import Sockets, watch
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.open import connection_to, open_exchange, open_user_stream
from autogrid.exchange.port import NewOrder
from autogrid.exchange.user_stream import EVERYTHING, OrderEvents, UserStream, Wake
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
    loopback.control("clear")
    opened = open_exchange("binance", api_key="akey", secret="asecret", base_url=loopback.url, limiter=MemoryLimiter())
    yield opened
    for order in opened.open_orders(SYMBOL):
        opened.cancel(SYMBOL, order.client_id, order.exchange_id)
    opened.close()


async def next_of(wakes: AsyncIterator[set[Wake]]) -> set[Wake]:
    return await asyncio.wait_for(anext(wakes), 60)


def stream_of(loopback: Loopback, sockets: Sockets, secret: str = "asecret", **options: Any) -> UserStream:
    return open_user_stream(connection_to("binance", "akey", secret, base_url=loopback.url), sockets, **options)


def run(test: Callable[[Sockets], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with Sockets() as sockets:
            await test(sockets)

    asyncio.run(whole())


def order(name: str) -> NewOrder:
    return NewOrder(SYMBOL, name, "buy", D("0.5"), D("90"))


def test_fills_and_ends_wake(loopback: Loopback, exchange: CcxtExchange) -> None:
    async def main(sockets: Sockets) -> None:
        stream = stream_of(loopback, sockets)
        wakes = stream.wakes()
        assert await next_of(wakes) == {EVERYTHING}
        assert (stream.connected, stream.connections) == (True, 1)
        await asyncio.to_thread(exchange.place, order("w1"))
        await asyncio.to_thread(loopback.control, "fill", client_id="w1", qty="0.1")
        assert await next_of(wakes) == {Wake("BTCUSDT", "w1")}
        await asyncio.to_thread(exchange.cancel, SYMBOL, "w1", None)
        assert await next_of(wakes) == {Wake("BTCUSDT", "w1")}
        names = [f"burst{number}" for number in range(20)]
        for name in names:
            await asyncio.to_thread(exchange.place, order(name))
        began = time.monotonic()
        await asyncio.to_thread(loopback.control, "print", price="80", qty="1000")
        seen: set[str] = set()
        while len(seen) < len(names):
            seen |= {wake.client_id for wake in await next_of(wakes)}
        assert seen == set(names)
        assert stream.stale_s() <= time.monotonic() - began
        await asyncio.to_thread(loopback.control, "print", price="100")
        await wakes.aclose()
        assert not stream.connected

    run(main)


def test_a_cut_stream_comes_back_and_wakes_all(loopback: Loopback, exchange: CcxtExchange) -> None:
    happened: list[object] = []

    async def main(sockets: Sockets) -> None:
        seen = asyncio.Event()

        def event(symbols: set[str]) -> None:
            happened.append(symbols)
            seen.set()

        async def happens(count: int) -> None:
            while happened.count("open") < count:
                await asyncio.sleep(0.01)

        connection = connection_to("binance", "akey", "asecret", base_url=loopback.url)
        opened, lost = (lambda: happened.append("open")), (lambda reason: happened.append("lost"))
        watching = asyncio.ensure_future(watch(connection, sockets, opened, event, lost))
        async with asyncio.timeout(60):
            await happens(1)
            await asyncio.to_thread(loopback.control, "stream", action="cut", target="user")
            await happens(2)
            await asyncio.to_thread(exchange.place, order("after"))
            await asyncio.to_thread(exchange.cancel, SYMBOL, "after", None)
            await seen.wait()
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching

    run(main)
    assert happened == ["open", "lost", "open", {"BTCUSDT"}]


def test_a_mute_stream_is_connected_anew(loopback: Loopback, exchange: CcxtExchange) -> None:
    async def main(sockets: Sockets) -> None:
        stream = stream_of(loopback, sockets, quiet_s=0.5)
        wakes = stream.wakes()
        assert await next_of(wakes) == {EVERYTHING}
        await asyncio.to_thread(loopback.control, "stream", action="mute", target="user", account="a")
        await asyncio.to_thread(exchange.place, order("unheard"))
        await asyncio.to_thread(exchange.cancel, SYMBOL, "unheard", None)
        assert await next_of(wakes) == {EVERYTHING}
        await wakes.aclose()
        await asyncio.to_thread(loopback.control, "stream", action="unmute", target="user")

    run(main)


def test_a_wrong_key_ends_the_stream(loopback: Loopback) -> None:
    async def main(sockets: Sockets) -> None:
        wakes = stream_of(loopback, sockets, "wrong").wakes()
        with pytest.raises(AccountBlocked):
            await next_of(wakes)

    run(main)


class Broken:
    """A connection that never comes about."""

    closed = 0

    async def start(self) -> None:
        raise ConnectionError("refused")

    async def next(self) -> set[Wake]:
        raise AssertionError("never started")

    async def close(self) -> None:
        Broken.closed += 1


class Quiet(Broken):
    async def start(self) -> None:
        """There at once."""


def test_failing_connections_are_retried_ever_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    really = asyncio.sleep

    async def slept(seconds: float) -> None:
        pauses.append(seconds)
        await really(0)

    monkeypatch.setattr(asyncio, "sleep", slept)
    kinds: list[Callable[[], OrderEvents]] = [Broken] * 8 + [Quiet]

    async def main() -> None:
        stream = UserStream(lambda: kinds.pop(0)(), draw=lambda: 0.5)
        wakes = stream.wakes()
        assert await anext(wakes) == {EVERYTHING}
        await wakes.aclose()
        assert stream.connections == 1

    asyncio.run(main())
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert Broken.closed == 9

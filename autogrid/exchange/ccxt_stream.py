"""Order events of one account through ccxt.pro: they say that something happened, never what is true."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import certifi

from autogrid.exchange import outbound
from autogrid.exchange.ccxt_errors import translate
from autogrid.exchange.ccxt_link import Connection, client_config
from autogrid.exchange.ccxt_load import stream_class
from autogrid.exchange.ccxt_table import profile
from autogrid.exchange.user_stream import EVERYTHING, UserStream, Wake

T = TypeVar("T")
#: Connections that are being made at once: more only make each other late, past the time their signatures hold.
AT_ONCE = 4


class Sockets:
    """What all streams of one process share: a TLS context costs 1 MB and 20 ms, so there is one. An event loop's own.

    `async with` closes it.
    """

    def __init__(self) -> None:
        self.connecting = asyncio.Semaphore(AT_ONCE)
        self.tls = ssl.create_default_context(cafile=certifi.where())
        # Accounts share no cookies, and each keeps a connection of its own for good.
        connector = aiohttp.TCPConnector(ssl=self.tls, limit=0)
        self.session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def __aenter__(self) -> "Sockets":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()


async def watch(
    connection: Connection,
    sockets: Sockets,
    on_open: Callable[[], None],
    on_event: Callable[[set[str]], None],
    on_lost: Callable[[str], None],
) -> None:
    """Listen until cancelled, connecting again for ever.

    `on_open` is called whenever a connection stands: what happened before it is only to be found by asking.
    `on_event` gets the symbols of orders that filled or ended (as the exchange writes them where ccxt does not know
    the market). `on_lost` gets the reason. AccountBlocked ends it.
    """
    stream = UserStream(lambda: CcxtOrderEvents(connection, sockets), on_lost=on_lost)
    async with contextlib.aclosing(stream.wakes()) as wakes:
        async for batch in wakes:
            if EVERYTHING in batch:
                on_open()
            else:
                on_event({wake.symbol for wake in batch})


class CcxtOrderEvents:
    """One connection. Tells of orders that filled or ended; that a new one rests is our own doing."""

    def __init__(self, connection: Connection, sockets: Sockets) -> None:
        self._exchange = connection.exchange
        self._row = profile(connection.exchange)
        #: Whether a user has chosen the address.
        self._chosen = bool(connection.base_url or connection.ws_url)
        self._connection, self._sockets = connection, sockets
        self._client: Any = None
        self._events: asyncio.Queue[Wake] = asyncio.Queue()
        self._watching: asyncio.Task[None] | None = None
        self._hooked = False

    async def start(self) -> None:
        with outbound.guarded(self._chosen):
            async with self._sockets.connecting:
                shared = {"session": self._sockets.session}
                self._client = stream_class(self._exchange)(client_config(self._connection) | shared)
                self._client.ssl_context = self._sockets.tls
                self._hooked = self._hook()
                await self._told(self._subscribe())
            # The task keeps the guard: it has a copy of this context.
            self._watching = asyncio.ensure_future(self._watch())

    async def next(self) -> set[Wake]:
        assert self._watching is not None, "start first"
        event = asyncio.ensure_future(self._events.get())
        try:
            await asyncio.wait({event, self._watching}, return_when=asyncio.FIRST_COMPLETED)
            if not event.done():
                await self._told(self._watching)
            batch = {await event}
            while not self._events.empty():
                batch.add(self._events.get_nowait())
            return batch
        finally:
            event.cancel()

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await self._watching
        if self._client is not None:
            await self._client.close()

    async def _subscribe(self) -> None:
        if self._hooked:
            # The symbols come from the events; loading all markets would take 100 MB.
            self._client.markets, self._client.markets_by_id, self._client.symbols = {}, {}, []
            await self._client.authenticate({"type": "spot"})

    async def _watch(self) -> None:
        while True:
            orders = await self._client.watch_orders()
            for order in [] if self._hooked else orders:
                if order.get("status") != "open" or float(order.get("filled") or 0) > 0:
                    name = str(order.get("clientOrderId") or "").removeprefix(self._row.id_prefix)
                    self._events.put_nowait(Wake(str(order.get("symbol") or ""), name))

    def _hook(self) -> bool:
        """Binance: take every report as it is received; of two that come at once ccxt announces only the last."""
        if self._exchange != "binance":
            return False
        handle: Callable[[Any, dict[str, Any]], Any] = self._client.handle_order_update

        def handled(client: Any, message: dict[str, Any]) -> Any:
            if message.get("e") == "executionReport" and message.get("x") != "NEW":
                # A cancel's report carries the cancel's own id in "c" and the order's in "C".
                names = (name for name in (message.get("C"), message.get("c")) if name not in (None, "", "null"))
                self._events.put_nowait(Wake(str(message.get("s") or ""), str(next(names, ""))))
            return handle(client, message)

        self._client.handle_order_update = handled
        return True

    async def _told(self, work: Awaitable[T]) -> T:
        """The result; errors as this package's."""
        try:
            return await work
        except Exception as error:
            raise translate(self._exchange, _said(error), None, sent=False, writes=False, now_ms=0) from error


def _said(error: Exception) -> Exception:
    """What the exchange said: ccxt trips over its own books (KeyError) while it hands on a refused subscription."""
    found: BaseException | None = error
    while found is not None and not type(found).__module__.startswith("ccxt."):
        found = found.__cause__ or found.__context__
    return found if isinstance(found, Exception) else error

"""The HTTP server: one port for REST, websockets and control, on 127.0.0.1 unless told otherwise."""

import asyncio
import json
import logging
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from aiohttp import web

from services.loopback import control, rest_account, rest_market, rest_orders
from services.loopback.config import Config, build
from services.loopback.errors import ApiError
from services.loopback.exchange import Exchange, Reply, Route, answer
from services.loopback.faults import TRANSPORT, Rule, body_of
from services.loopback.hub import Hub
from services.loopback.params import Call, rest_call
from services.loopback.sockets import Sockets

HOST = "127.0.0.1"
ROUTES: dict[tuple[str, str], Route] = {**rest_market.ROUTES, **rest_orders.ROUTES, **rest_account.ROUTES}


def _json(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    text = json.dumps(payload, separators=(",", ":"))
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


class Server:
    """Serves one exchange. `start` binds, `close` ends every connection and task."""

    def __init__(self, exchange: Exchange, stream_max_age_s: float = 86_400.0) -> None:
        self.exchange = exchange
        self.hub = Hub(exchange)
        self.sockets = Sockets(exchange, self.hub, self._sleep, stream_max_age_s)
        self.port = 0
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0, host: str = HOST) -> int:
        """Bind and begin to play; the port."""
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/control/{command}", self._control)
        self.sockets.routes(app)
        app.router.add_route("*", "/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        self.spawn(self.exchange.player.run())
        self.spawn(self.hub.pulse())
        return self.port

    def spawn(self, work: Any) -> None:
        """Run a coroutine until it ends or the server closes."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop everything."""
        self._closing.set()
        self.sockets.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _control(self, request: web.Request) -> web.Response:
        command = control.COMMANDS.get(request.match_info["command"])
        if command is None:
            return _json({"error": f"expected one of {', '.join(control.COMMANDS)}"}, 404)
        try:
            text = await request.text()
            body = json.loads(text) if text else dict(request.query)
            return _json(command(self.exchange, body))
        except (ValueError, KeyError, TypeError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        route = ROUTES.get((request.method, path))
        if route is None:
            return web.Response(
                text="<html><body><h2>404 Not found</h2></body></html>", status=404, content_type="text/html"
            )
        body = await request.text()
        key, ip = request.headers.get("X-MBX-APIKEY"), request.remote or HOST
        try:
            call = rest_call(request.method, path, query, body, key, ip)
        except ApiError as error:
            return _json(error.payload, error.status)
        self.exchange.count(f"{call.method} {call.path}")
        faults = self.exchange.faults
        rules = faults.fire(self.exchange.facts(call), TRANSPORT) if faults.rules else []
        if not rules:
            return self._reply(answer(self.exchange, call, route))
        return await self._disturbed(request, call, route, rules[0])

    def _reply(self, reply: Reply) -> web.Response:
        statuses = self.exchange.statuses
        statuses[reply.status] = statuses.get(reply.status, 0) + 1
        return _json(reply.payload, reply.status, reply.headers)

    async def _sleep(self, seconds: float) -> None:
        """Wait, at most until the server closes."""
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return

    async def _late(self, call: Call, route: Route, seconds: float) -> None:
        await self._sleep(seconds)
        if not self._closing.is_set():
            answer(self.exchange, call, route)

    async def _disturbed(self, request: web.Request, call: Call, route: Route, rule: Rule) -> web.StreamResponse:
        action = rule.action
        if action == "late":
            self.spawn(self._late(call, route, rule.seconds))
            return await self._break(request, rule.reply, rule.seconds)
        if action == "delay" and rule.stage == "before":
            await self._sleep(rule.seconds)
            return self._reply(answer(self.exchange, call, route))
        reply = answer(self.exchange, call, route) if rule.stage == "after" else None
        if action == "delay":
            await self._sleep(rule.seconds)
            assert reply is not None
            return self._reply(reply)
        if action in ("hang", "reset", "close", "truncate"):
            return await self._break(request, action, rule.seconds or 60.0)
        status = rule.status or (400 if action == "error" else 200)
        self.exchange.statuses[status] = self.exchange.statuses.get(status, 0) + 1
        headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        if action == "error":
            return _json({"code": rule.code, "msg": rule.message}, status, headers)
        text = {"garbage": body_of(Rule("garbage", body="garbage"), status), "empty": ""}.get(action)
        text = body_of(rule, status) if text is None else text
        kind = "application/json" if text.startswith("{") else "text/html"
        return web.Response(text=text, status=status, headers=headers, content_type=kind)

    async def _break(self, request: web.Request, how: str, seconds: float) -> web.StreamResponse:
        """Give no answer: stay silent, then drop; reset; close; or break off inside the body."""
        transport = request.transport
        if how == "hang":
            await self._sleep(seconds)
        if how == "truncate":
            response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "400"})
            await response.prepare(request)
            await response.write(b'{"symbol":"')
        if transport is not None:
            if how == "reset":
                sock = transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.abort()
            else:
                transport.close()
        return response if how == "truncate" else web.Response()


class Running:
    """A server in a thread of this process, for tests: `url`, `exchange`, `close()`."""

    def __init__(self, config: Config) -> None:
        self.exchange = build(config)
        self.max_age_s = config.stream_max_age_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)
        self._thread.start()
        self.port: int = self.do(self._start)

    async def _start(self) -> int:
        self._server = Server(self.exchange, self.max_age_s)
        return await self._server.start()

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://{HOST}:{self.port}"

    def do(self, work: Callable[[], Any]) -> Any:
        """Run a function or coroutine function in the server's thread; its result."""

        async def run() -> Any:
            result = work()
            return await result if asyncio.iscoroutine(result) else result

        future: Future[Any] = asyncio.run_coroutine_threadsafe(run(), self._loop)
        return future.result(30)

    def close(self) -> None:
        """Stop the server and its thread."""
        self.do(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def start(config: Config) -> Running:
    """A running exchange in this process."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    return Running(config)

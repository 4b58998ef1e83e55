"""The websocket endpoints: market streams and the websocket API, faults included."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from services.loopback import ws_api, ws_market
from services.loopback.errors import ApiError
from services.loopback.exchange import Exchange, Reply, Route
from services.loopback.faults import TRANSPORT, Rule
from services.loopback.hub import Hub
from services.loopback.params import Call
from services.loopback.sessions import Session

Sleep = Callable[[float], Awaitable[None]]
Message = dict[str, object]


class Sockets:
    """All websocket connections of a server."""

    def __init__(self, exchange: Exchange, hub: Hub, sleep: Sleep, max_age_s: float) -> None:
        self.exchange = exchange
        self.hub = hub
        self.sleep = sleep
        #: A connection is cut at this age, like Binance's at 24 hours.
        self.max_age_s = max_age_s
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self, app: web.Application) -> None:
        """Put the endpoints on an application."""
        app.router.add_get("/ws-api/v3", self.api)
        for path in ("/stream", "/stream/{tail:.*}", "/ws", "/ws/{tail:.*}"):
            app.router.add_get(path, self.market)

    async def market(self, request: web.Request) -> web.StreamResponse:
        """Market streams; addresses under /ws and /stream/ws are raw, /stream is combined."""
        session = Session("market", combined=request.path.rstrip("/") == "/stream")
        session.streams.update(dict.fromkeys(ws_market.streams_of(request.path, dict(request.query))))

        def handle(text: str) -> None:
            session.reply(ws_market.command(session, text))

        return await self._serve(request, session, handle)

    async def api(self, request: web.Request) -> web.StreamResponse:
        """The websocket API."""
        session = Session("user")
        ip = request.remote or ""

        def handle(text: str) -> None:
            self._api_message(session, text, ip)

        return await self._serve(request, session, handle)

    async def _serve(
        self, request: web.Request, session: Session, handle: Callable[[str], None]
    ) -> web.WebSocketResponse:
        await session.ws.prepare(request)
        session.transport = request.transport
        self.hub.sessions.add(session)
        end = asyncio.get_running_loop().call_later(self.max_age_s, session.cut)
        writer = asyncio.ensure_future(session.write())
        try:
            async for message in session.ws:
                if message.type is WSMsgType.TEXT:
                    handle(message.data)
        finally:
            end.cancel()
            self.hub.forget(session)
            session.cut()
            await writer
        return session.ws

    def close(self) -> None:
        """Cut everything."""
        for session in list(self.hub.sessions):
            session.cut()
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Awaitable[None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _api_message(self, session: Session, text: str, ip: str) -> None:
        message: Message = {}
        try:
            message = ws_api.decode(text)
            call, route = ws_api.parse(session, message, ip)
        except ApiError as error:
            session.reply(ws_api.shown(message, Reply(error.status, error.payload)))
            return
        self.exchange.count(f"WS {message.get('method')}")
        faults = self.exchange.faults
        rules = faults.fire(self.exchange.facts(call), TRANSPORT) if faults.rules else []
        if rules:
            self._spawn(self._disturbed(session, message, call, route, rules[0]))
        else:
            session.reply(ws_api.shown(message, ws_api.respond(self.exchange, session, call, route)))

    async def _disturbed(self, session: Session, message: Message, call: Call, route: Route | None, rule: Rule) -> None:
        """As the REST side does it, in a websocket's words: no answer, a cut, or an error status."""
        action = rule.action
        if action == "late" or (action == "delay" and rule.stage == "before"):
            if action == "late" and rule.reply != "hang":
                session.cut(hard=rule.reply == "reset")
            await self.sleep(rule.seconds)
            reply = ws_api.respond(self.exchange, session, call, route)
        elif rule.stage == "after":
            reply = ws_api.respond(self.exchange, session, call, route)
        else:
            reply = Reply(200, {})
        if action == "delay":
            if rule.stage == "after":
                await self.sleep(rule.seconds)
            session.reply(ws_api.shown(message, reply))
        elif action in ("reset", "close", "truncate"):
            session.cut(hard=action == "reset")
        elif action == "error":
            session.reply(ws_api.shown(message, Reply(rule.status or 400, {"code": rule.code, "msg": rule.message})))
        elif action == "status":
            session.reply(ws_api.shown(message, Reply(rule.status or 500, {"code": rule.code, "msg": rule.message})))
        elif action in ("garbage", "empty"):
            session.reply({} if action == "empty" else "garbage")

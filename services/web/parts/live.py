"""Live pages: one reader of server-sent events per open page, which makes the parts it concerns read again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from nicegui import background_tasks, ui

from services.common import logs
from services.web.client import Api, ApiError, SignedOut
from services.web.parts.away import session_over

#: A part is read again at most this often, and at least that often (prices move without an event).
SOONEST_S, LATEST_S = 0.8, 15.0
Wants = Callable[[str, dict[str, Any]], bool]


@dataclass
class _Part:
    refresh: Callable[[], Awaitable[None]]
    wants: Wants
    dirty: bool = False
    read_at: float = 0.0
    took_s: float = 0.0

    def due(self, now: float) -> bool:
        # What takes long to read is read less often.
        return now - self.read_at >= (max(SOONEST_S, 4 * self.took_s) if self.dirty else LATEST_S)


class Live:
    """Of one open page. Build it inside the page."""

    def __init__(self, api: Api, told: Callable[[bool], None]) -> None:
        """`told` hears whether updates come now."""
        self._api, self._told = api, told
        self._parts: list[_Part] = []
        self._connected, self._answered = False, True
        self._client = client = ui.context.client
        # A page that no browser opens over the socket needs no events, nor does one whose browser has gone.
        client.on_connect(self._start)
        client.on_disconnect(self._pause)
        client.on_delete(self._stop)
        self._reader: asyncio.Task[None] | None = None
        ui.timer(0.4, self._look)

    def on(self, refresh: Callable[[], Awaitable[None]], wants: Wants = lambda name, data: True) -> None:
        """Run `refresh`, which has just been done once, again after events that it wants."""
        self._parts.append(_Part(refresh, wants, read_at=monotonic()))

    def poke(self) -> None:
        """Read everything again soon."""
        for part in self._parts:
            part.dirty = True

    async def _look(self) -> None:
        if not self._client.has_socket_connection:
            return
        for part in self._parts:
            if not part.due(monotonic()):
                continue
            part.dirty, part.read_at = False, monotonic()
            try:
                await part.refresh()
                part.took_s = monotonic() - part.read_at
                self._say(answered=True)
            except SignedOut:
                session_over()
                return
            except ApiError as error:
                logs.get_logger().info("page_refresh_failed", status=error.status)
                self._say(answered=False)

    def _say(self, *, connected: bool | None = None, answered: bool | None = None) -> None:
        """What was just seen; the page says "live" while both are true."""
        self._connected = self._connected if connected is None else connected
        self._answered = self._answered if answered is None else answered
        self._told(self._connected and self._answered)

    def _start(self) -> None:
        if self._reader is None:
            self._reader = background_tasks.create(self._read(), name="events")

    def _pause(self) -> None:
        # Its browser may have come back over another socket before this one was seen to be dead.
        if not self._client.has_socket_connection:
            self._stop()

    def _stop(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def _read(self) -> None:
        pause = 1.0
        while True:
            try:
                async for name, data in self._api.events():
                    if name == "connected":
                        self._say(connected=True)
                        pause = 1.0
                        self.poke()
                    for part in self._parts:
                        part.dirty = part.dirty or part.wants(name, data)
            except SignedOut:
                self.poke()  # whose answer leads to the sign-in page
                return
            except ApiError:
                self._say(connected=False)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 15.0)


def of_bot(bot_id: int) -> Wants:
    """Events of one bot."""

    def wants(name: str, data: dict[str, Any]) -> bool:
        return data.get("bot_id" if name == "bot_event" else "id") == bot_id and name in ("bot", "bot_event")

    return wants


def of(*names: str) -> Wants:
    """Events of these names."""
    return lambda name, data: name in names

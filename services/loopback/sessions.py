"""Websocket sessions: an outbox each, so that a slow reader never holds up the exchange."""

import asyncio
import json
import time
from typing import Any

from aiohttp import WSCloseCode, web

#: A session that is so many messages behind is dropped.
BEHIND = 20_000


class Session:
    """One connection. `push` never waits; muted sessions lose what is pushed."""

    def __init__(self, kind: str, combined: bool = False) -> None:
        #: "market" or "user".
        self.kind = kind
        self.combined = combined
        self.streams: dict[str, None] = {}
        #: Subscription id -> account name.
        self.accounts: dict[int, str] = {}
        self.next_subscription = 0
        #: Key of a logged-on session, and since when (ms).
        self.key: str | None = None
        self.since_ms: int | None = None
        self.began_ms = time.time_ns() // 1_000_000
        self.ws = web.WebSocketResponse(heartbeat=20, max_msg_size=2**20, timeout=1.0)
        self._outbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._muted_until = 0.0
        self._cutting = self._hard = False
        self.transport: asyncio.BaseTransport | None = None

    def push(self, payload: Any) -> None:
        """Send an event, unless muted."""
        if time.monotonic() >= self._muted_until:
            self.reply(payload)

    def reply(self, payload: Any) -> None:
        """Send an answer, muted or not."""
        if self._outbox.qsize() > BEHIND:
            self.cut()
        elif not self._cutting:
            self._outbox.put_nowait(json.dumps(payload, separators=(",", ":")))

    def mute(self, seconds: float) -> None:
        """Lose events for so long; 0: for good; below 0: no longer."""
        self._muted_until = time.monotonic() + seconds if seconds else float("inf")

    def cut(self, hard: bool = False) -> None:
        """Close the connection, `hard` without a close frame; nothing more is sent."""
        if not self._cutting:
            self._cutting, self._hard = True, hard
            while not self._outbox.empty():
                self._outbox.get_nowait()
            self._outbox.put_nowait(None)

    async def write(self) -> None:
        """Send what is pushed until cut."""
        while (text := await self._outbox.get()) is not None:
            try:
                await self.ws.send_str(text)
            except (ConnectionError, RuntimeError):
                return
        if self._hard and isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        await self.ws.close(code=WSCloseCode.GOING_AWAY)

"""Wakes from an account's websocket: something has happened to this order, look now instead of at the next poll.

Only wakes, never the truth. Events during a gap never arrive, a stream may fall silent without an error, so bots are
polled regardless; every (re)connection is a wake for all of them, and a long silence is ended by a new connection.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from typing import NamedTuple, Protocol

import structlog

from autogrid.errors import AccountBlocked


class Wake(NamedTuple):
    """Something happened to an order; both fields "" mean that anything may have happened."""

    #: As the exchange writes it where ccxt does not know the market: BTCUSDT or BTC/USDT.
    symbol: str
    client_id: str


EVERYTHING = Wake("", "")


class OrderEvents(Protocol):
    """One websocket connection of one account."""

    async def start(self) -> None:
        """Connect and subscribe; returns once events would arrive."""

    async def next(self) -> set[Wake]:
        """What has happened since the last call, at least one; raises whatever ended the connection."""

    async def close(self) -> None:
        """Let go of everything."""


class UserStream:
    """Keeps one account's stream alive, for ever."""

    def __init__(
        self,
        open_events: Callable[[], OrderEvents],
        *,
        on_lost: Callable[[str], None] = lambda reason: None,
        quiet_s: float = 1800.0,
        first_pause_s: float = 0.5,
        longest_pause_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._open, self._on_lost = open_events, on_lost
        #: A stream that is silent for so long is connected anew.
        self._quiet_s = quiet_s
        self._first_pause_s, self._longest_pause_s = first_pause_s, longest_pause_s
        self._clock, self._draw = clock, draw
        self._heard = clock()
        self.connected = False
        #: Connections made so far.
        self.connections = 0

    def stale_s(self) -> float:
        """Seconds since the stream last proved to work by an event or a new connection. For metrics."""
        return self._clock() - self._heard

    async def wakes(self) -> AsyncGenerator[set[Wake], None]:
        """What happened, without end: {EVERYTHING} after each connection, then a set at a time.

        AccountBlocked ends it. Close the generator to close the connection.
        """
        pause = self._first_pause_s
        while True:
            events, began, quiet = self._open(), self._clock(), False
            try:
                await events.start()
                self.connected = True
                self.connections += 1
                yield self._hear({EVERYTHING})
                while True:
                    yield self._hear(await asyncio.wait_for(events.next(), self._quiet_s))
            except AccountBlocked as error:
                self._lost(repr(error))
                raise
            except TimeoutError:
                quiet = True
                self._lost(f"silent for {self._quiet_s:g} s")
            except Exception as error:  # noqa: BLE001  whatever ends it, bots are polled and we connect again
                self._lost(repr(error)[:300])
            finally:
                self.connected = False
                await events.close()
            if quiet or self._clock() - began > self._longest_pause_s:
                pause = self._first_pause_s
            await asyncio.sleep(pause * (0.5 + self._draw()))
            pause = min(2 * pause, self._longest_pause_s)

    def _lost(self, reason: str) -> None:
        structlog.get_logger().info("user_stream_lost", reason=reason)
        self._on_lost(reason)

    def _hear(self, batch: set[Wake]) -> set[Wake]:
        self._heard = self._clock()
        return batch

"""Plays the tapes into the engine: step by step, or at a multiple of real time."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from services.loopback.clock import Clock
from services.loopback.engine import Engine
from services.loopback.order import Trade
from services.loopback.tape import Print, Tape

#: Public trades kept per market.
KEPT = 20_000
#: Prints applied before others get their turn, and the longest nap between looks at the clock, seconds.
BATCH, IDLE_S = 100, 0.02


class Player:
    """All tapes in one order of time. `on_print` hears (trade id, print) after it was matched."""

    def __init__(self, engine: Engine, clock: Clock, tapes: list[Tape], speed: float = 0.0) -> None:
        self.engine = engine
        self.clock = clock
        self.tapes = {tape.market.symbol: tape for tape in tapes}
        self.speed = speed
        self.paused = False
        self.prints = 0
        self.recent: dict[str, deque[tuple[int, Print]]] = {name: deque(maxlen=KEPT) for name in engine.markets}
        self.on_print: Callable[[int, Print], None] = lambda number, item: None
        first = self._next()
        clock.tape_ms = first.next.ts if first and first.next else clock.wall()

    def _next(self) -> Tape | None:
        waiting = [tape for tape in self.tapes.values() if tape.next is not None]
        return min(waiting, key=lambda tape: tape.next.ts if tape.next else 0) if waiting else None

    @property
    def done(self) -> bool:
        """True when all tapes have ended."""
        return self._next() is None

    def apply(self, item: Print) -> list[Trade]:
        """One print: match it, then tell the world."""
        self.clock.tape_ms = max(self.clock.tape_ms, item.ts)
        market = self.engine.markets[item.symbol]
        number = market.next_trade_id
        market.next_trade_id += 1
        tape = self.tapes.get(item.symbol)
        if tape is not None:
            tape.bars.add(item.ts, item.price, item.qty, item.side == "buy")
        self.recent[item.symbol].append((number, item))
        fills = self.engine.print(item.symbol, item.price, item.qty, item.side)
        self.prints += 1
        self.on_print(number, item)
        return fills

    def step(self, prints: int | None = None, candles: int | None = None, until: int | None = None) -> list[Trade]:
        """Play so many prints, or rows (candles), or up to and with a tape time; the fills it made."""
        fills: list[Trade] = []
        while (tape := self._next()) is not None and tape.next is not None:
            if prints is not None and prints <= 0:
                break
            if candles is not None and candles <= 0:
                break
            if until is not None and tape.next.ts > until:
                break
            item = tape.pop()
            fills += self.apply(item)
            prints = None if prints is None else prints - 1
            candles = candles if candles is None or not item.ends_row else candles - 1
        return fills

    async def run(self) -> None:
        """Play at `speed` x real time until cancelled; speed 0 or paused: stand still."""
        played, before = float(self.clock.tape_ms), time.monotonic()
        while True:
            now = time.monotonic()
            running = not self.paused and self.speed > 0
            ahead = (now - before) * 1000 * self.speed if running else 0.0
            played = max(played + ahead, float(self.clock.tape_ms)) if running else float(self.clock.tape_ms)
            before = now
            wait_s = IDLE_S
            if running and (tape := self._next()) and tape.next:
                if tape.next.ts <= played:
                    self.step(prints=BATCH, until=int(played))
                    wait_s = 0.0
                else:
                    wait_s = min(IDLE_S, (tape.next.ts - played) / 1000 / self.speed)
            await asyncio.sleep(wait_s)

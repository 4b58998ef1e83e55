"""One look at the database for all listeners: what is new is handed to those whose it is.

Ids are drawn before commits, so a lower id may become visible after a higher one. Each look therefore begins a while
back and leaves out what was handed on already.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool

from autogrid.store import jobs, kill_switch, overview
from services.api.deps import Database
from services.common.logs import get_logger

INTERVAL_S = 0.5
#: How far back each look begins: longer than any transaction that writes events takes to commit.
OVERLAP_S = 10.0
#: A listener that is this far behind has to connect again and catch up.
BACKLOG = 1000


@dataclass(frozen=True)
class Item:
    """Something new. `id` is that of a bot's event, and where a listener goes on from; None for other kinds."""

    kind: str
    owner_id: int | None
    id: int | None
    data: dict[str, Any]
    #: Whether it is everybody's, whoever the owner is.
    concerns_all: bool = False


@dataclass(eq=False)
class _Listener:
    sees: int | None
    queue: asyncio.Queue[Item | None] = field(default_factory=lambda: asyncio.Queue(BACKLOG))


class _Window:
    """Where looks begin, and what was handed on since."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()
        self._seen: set[int] = set()
        self.floor = 0

    def start(self, newest: int) -> None:
        self.floor = newest
        self._marks.clear()
        self._seen.clear()

    def fresh(self, ids: list[int], now: float) -> set[int]:
        """Those of `ids` that are new; the floor follows OVERLAP_S behind."""
        new = {each for each in ids if each not in self._seen}
        self._seen |= new
        if new:
            self._marks.append((now, max(new)))
        while self._marks and self._marks[0][0] < now - OVERLAP_S:
            self.floor = max(self.floor, self._marks.popleft()[1])
            self._seen = {each for each in self._seen if each > self.floor}
        return new


class Feed:
    """Looks while somebody listens."""

    def __init__(self, database: Database, interval_s: float = INTERVAL_S) -> None:
        self._database = database
        self._interval_s = interval_s
        self._listeners: set[_Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._events, self._fills = _Window(), _Window()
        self._jobs: dict[int, datetime] = {}
        self._switches: set[tuple[int, bool]] = set()

    @contextlib.asynccontextmanager
    async def listen(self, sees: int | None) -> AsyncIterator[Callable[[], Any]]:
        """Yields an awaitable's maker: the next item for an owner (None: for everybody's); None when it is too late."""
        listener = _Listener(sees)
        self._listeners.add(listener)
        if self._task is None:
            await run_in_threadpool(self._begin)
            self._task = asyncio.create_task(self._run())
        try:
            yield listener.queue.get
        finally:
            self._listeners.discard(listener)

    def _begin(self) -> None:
        with self._database.begin() as connection:
            events, fills = overview.newest(connection)
        self._events.start(events)
        self._fills.start(fills)
        self._jobs.clear()
        self._switches.clear()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._listeners:
            try:
                for item in await run_in_threadpool(self._look, loop.time()):
                    self._hand_on(item)
            except sa.exc.SQLAlchemyError as error:
                get_logger().warning("feed_interrupted", error=type(error).__name__)
            await asyncio.sleep(self._interval_s)
        self._task = None

    def _look(self, now: float) -> list[Item]:
        with self._database.begin() as connection:
            events = overview.events_after(connection, self._events.floor)
            traded = overview.traded_after(connection, self._fills.floor)
            since = datetime.now(UTC) - timedelta(seconds=OVERLAP_S)
            changed = jobs.changed(connection, None, since)
            switches = kill_switch.changed(connection, since)
        found = []
        new = self._events.fresh([event.id for event in events], now)
        for event in events:
            if event.id in new:
                found.append(Item("bot_event", event.owner_id, event.id, _plain(vars(event))))
        new = self._fills.fresh([fill for _, _, fill in traded], now)
        found += [Item("bot", owner, None, {"id": bot_id}) for bot_id, owner, fill in traded if fill in new]
        for row in changed:
            if self._jobs.get(row["id"]) != row["changed_at"]:
                self._jobs[row["id"]] = row["changed_at"]
                names = ("id", "kind", "status", "progress", "message", "error")
                found.append(Item("job", row["owner_id"], None, {name: row[name] for name in names}))
        return found + self._switched(switches)

    def _switched(self, changed: list[kill_switch.Switch]) -> list[Item]:
        found, seen = [], {(switch.id, switch.released_at is None) for switch in changed}
        for switch in changed:
            engaged = switch.released_at is None
            if (switch.id, engaged) not in self._switches:
                names = ("id", "scope", "bot_id", "account_id")
                data = {name: getattr(switch, name) for name in names} | {"engaged": engaged}
                found.append(Item("kill_switch", switch.owner_id, None, data, switch.scope == "everything"))
        self._switches = seen
        return found

    def _hand_on(self, item: Item) -> None:
        for listener in list(self._listeners):
            if not (item.concerns_all or listener.sees is None or listener.sees == item.owner_id):
                continue
            if listener.queue.full():
                self._listeners.discard(listener)
                listener.queue.get_nowait()
                listener.queue.put_nowait(None)
            else:
                listener.queue.put_nowait(item)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "owner_id"}

"""`python -m services.worker.streams`: a user stream for each live account. It wakes ticks and tells nothing else.

What a stream says is never booked: the tick asks the exchange. What it misses costs a few seconds, not money.
"""

import asyncio
import contextlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.engine import Engine

from autogrid.errors import AutogridError
from autogrid.exchange.ccxt_stream import Sockets, watch
from autogrid.exchange.open import connection_to
from autogrid.settings import settings
from autogrid.store import engine as engines
from autogrid.store import ticking
from services.common import logs, metrics
from services.worker.process import serve_metrics
from services.worker.tasks import WAKE, send_tick

#: Seconds between two looks for accounts and bots that came or went.
LOOK_S = 3.0
#: Account id, exchange, base URL, key version.
Which = tuple[int, str, str | None, int]


class Streams:
    """One listening task per account."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tasks: dict[Which, asyncio.Task[None]] = {}
        #: Database and broker, off the event loop; one thread, so that ticks leave in order.
        self._hands = ThreadPoolExecutor(1, "streams")

    async def run(self) -> None:
        """Follow the accounts until cancelled."""
        loop = asyncio.get_running_loop()
        async with Sockets() as sockets:
            try:
                while True:
                    with contextlib.suppress(AutogridError):
                        wanted = await loop.run_in_executor(self._hands, ticking.streamed_accounts, self._engine)
                        self._follow(wanted, sockets)
                    await asyncio.sleep(LOOK_S)
            finally:
                for task in self._tasks.values():
                    task.cancel()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)
                self._hands.shutdown()

    def _follow(self, wanted: list[Which], sockets: Sockets) -> None:
        for gone in set(self._tasks) - set(wanted):
            self._tasks.pop(gone).cancel()
        for which in wanted:
            task = self._tasks.get(which)
            if task is None or task.done():
                self._tasks[which] = asyncio.get_running_loop().create_task(self._listen(which, sockets))

    async def _listen(self, which: Which, sockets: Sockets) -> None:
        account_id, exchange, base_url, _ = which
        loop = asyncio.get_running_loop()
        connected = metrics.STREAM_CONNECTED.labels(exchange, "user")
        newest = metrics.STREAM_LAST_EVENT.labels(exchange, "user")
        log = logs.get_logger().bind(account_id=account_id)
        up = False

        def opened() -> None:
            nonlocal up
            up = True
            connected.inc()
            newest.set(time.time())
            log.info("stream_open")
            loop.run_in_executor(self._hands, self._wake, account_id, None)

        def event(symbols: set[str]) -> None:
            newest.set(time.time())
            loop.run_in_executor(self._hands, self._wake, account_id, symbols)

        def lost(reason: str) -> None:
            nonlocal up
            if up:
                connected.dec()
            up = False
            metrics.ERRORS.labels("stream", "Unavailable").inc()
            log.warning("stream_lost", reason=reason)

        try:
            found = await loop.run_in_executor(self._hands, ticking.credentials, self._engine, account_id)
            connection = connection_to(exchange, found.api_key, found.secret, found.password or "", base_url or "")
            await watch(connection, sockets, opened, event, lost)
        except AutogridError as error:
            log.warning("stream_ended", reason=str(error))
            await asyncio.sleep(LOOK_S * 10)
        finally:
            if up:
                connected.dec()

    def _wake(self, account_id: int, symbols: set[str] | None) -> None:
        """Have the account's bots ticked now; None: all of them."""
        try:
            # Their due times stay: a wake that gets lost costs no more than the wait for the next poll.
            send_tick(ticking.working_bots(self._engine, account_id, symbols), WAKE)
            metrics.WORK.labels("stream", "ok").inc()
        except Exception as error:  # noqa: BLE001 - whatever it was, dispatch ticks them within seconds anyway
            metrics.WORK.labels("stream", "error").inc()
            logs.get_logger().warning("stream_wake_failed", account_id=account_id, error=str(error))


async def _serve() -> None:
    streams = asyncio.ensure_future(Streams(engines.engine()).run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, streams.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await streams


def main() -> None:
    """Listen until SIGINT or SIGTERM."""
    logs.configure(level=settings().log_level)
    serve_metrics("streams")
    asyncio.run(_serve())
    engines.close()


if __name__ == "__main__":
    main()

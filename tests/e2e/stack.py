"""Everything that trades, as real processes: PostgreSQL, Valkey, loopback exchange, Celery workers, beat."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import redis
import sqlalchemy as sa

from autogrid.cli import supervise
from autogrid.core.bot import Limits
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.live.code import code_hash
from autogrid.settings import settings
from autogrid.store import accounts, bots, budget, candles, embedded_valkey
from autogrid.store import engine as engines
from autogrid.store.coverage import Series
from tests.loopback_client import Loopback
from tests.ports import free_ports

#: Small times, so that what takes 20 s on an exchange takes one here.
FAST = {
    "RECV_WINDOW_MS": "500",
    "SETTLE_MARGIN_MS": "700",
    "HTTP_TIMEOUT_S": "0.6",
    "TICK_INTERVAL_S": "0.4",
    "DISPATCH_INTERVAL_S": "0.2",
    "RATE_LIMIT_SHARE": "100",
    "RECONCILE_INTERVAL_S": "5",
    "LOG_LEVEL": "WARNING",
}
MARKET = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001", buy_fee_asset="base")
MINUTE_MS = 60_000
GRID = Grid(lower="90", upper="110", cells=4, amount="1")


class Stack:
    """A context manager. `markets` are symbols; `workers` Celery workers of `concurrency` children, `beats` beats.

    Workers take live and default tasks; another one those of the queues `apart`, with one child.
    """

    def __init__(
        self,
        markets: list[str],
        workers: int = 1,
        concurrency: int = 2,
        beats: int = 1,
        streams: bool = False,
        apart: str = "",
        metrics: bool = False,
        **environment: str,
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="ag"))
        self.home.chmod(0o755)
        self.environment = {**FAST, **environment, "AUTOGRID_HOME": str(self.home)}
        self._before: dict[str, str | None] = {}
        market = {"tick": "0.01", "lot": "0.001", "min_notional": "1", "maker_fee": "0.001", "taker_fee": "0.001"}
        self.loopback = Loopback({"markets": [{"symbol": each, **market} for each in markets]}, "--no-limits")
        self.workers, self.concurrency, self.beats, self.streams = workers, concurrency, beats, streams
        self.apart, self.metrics = apart, metrics
        #: Process -> where it answers scrapes, if it does.
        self.scraped: dict[str, str] = {}
        self.supervisor: supervise.Supervisor | None = None
        self.log = self.home / "log"

    def __enter__(self) -> "Stack":
        for name, value in {**self.environment, "DATABASE_URL": None, "REDIS_URL": None}.items():
            self._before[name] = os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        settings.cache_clear()
        self.engine = engines.engine()
        self.servers = {"DATABASE_URL": engines.libpq_url(), "REDIS_URL": embedded_valkey.redis_url()}
        self.loopback.__enter__()
        self._output = self.log.open("ab")
        self.start()
        return self

    def start(self) -> None:
        """Start workers and beats."""
        queues = ",".join(name for name in ("live", "default") if name not in self.apart)
        members = [
            supervise.Member(f"w{n}", supervise.worker(queues, self.concurrency, f"w{n}"), self.servers)
            for n in range(self.workers)
        ]
        members += [supervise.Member(f"b{n}", supervise.beat(), self.servers) for n in range(self.beats)]
        if self.apart:
            members.append(supervise.Member("apart", supervise.worker(self.apart, 1, "apart"), self.servers))
        if self.streams:
            command = [sys.executable, "-m", "services.worker.streams"]
            members.append(supervise.Member("streams", command, self.servers))
        for member, port in zip(members, free_ports(len(members)), strict=True):
            member.pause_s = 0.0
            if self.metrics:
                folder = self.home / "metrics" / member.name
                member.environment = {
                    **self.servers, "METRICS_PORT": str(port), "PROMETHEUS_MULTIPROC_DIR": str(folder),
                }  # fmt: skip
                self.scraped[member.name] = f"http://127.0.0.1:{port}/metrics"
        self.supervisor = supervise.Supervisor(members, self._output)
        self.supervisor.start()
        if self.workers and self.beats:
            with redis.Redis.from_url(self.servers["REDIS_URL"]) as client:
                client.delete("autogrid:once:candles")
                self.until(lambda: client.exists("autogrid:once:candles"), "the first dispatch")

    def __exit__(self, *_: object) -> None:
        if self.supervisor is not None:
            self.supervisor.stop(5)
        self._output.close()
        self.loopback.__exit__()
        engines.close()
        embedded_valkey.close()
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        settings.cache_clear()
        shutil.rmtree(self.home, ignore_errors=True)

    # The hands that move the world.

    def account(self, name: str, exchange: str = "binance", **balances: str) -> int:
        """An account at the loopback exchange and its row."""
        self.loopback.control("account", name=name, balances=balances or {"USDT": "10000"})
        with self.engine.begin() as connection:
            keys = accounts.Credentials(f"{name}key", f"{name}secret")
            return accounts.add(connection, name=name, exchange=exchange, credentials=keys, base_url=self.loopback.url)

    def bot(self, account_id: int, symbol: str, grid: Grid = GRID, **changes: Any) -> int:
        """A bot that is due at once, with its budget."""
        values: dict[str, Any] = {
            "name": f"{symbol} bot", "account_id": account_id, "symbol": symbol, "market": MARKET, "grid": grid,
            "code_hash": code_hash(), "exchange": "binance", "cash": Decimal("1000"), "limits": Limits(),
        }  # fmt: skip
        with self.engine.begin() as connection:
            made = bots.create(connection, bots.NewBot(**values | changes))
            has = {"USDT": Decimal("1000000")}
            budget.reserve(connection, made, {"USDT": values["cash"]}, has)
            return made

    def price(self, symbol: str, price: str | Decimal) -> list[dict[str, Any]]:
        """The market trades at `price`; its fills."""
        return self.loopback.control("print", symbol=symbol, price=str(price))["fills"]

    def closes(self, symbol: str, price: str | Decimal | int, minutes_ago: int = 5) -> int:
        """An hour and a half of stored minutes, from some ago on, that close at `price`; when the present one ends, ms.

        Those to come are there already: a bot decides as soon as it may.
        """
        now = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
        ts = np.arange(90, dtype=np.int64) * MINUTE_MS + now - minutes_ago * MINUTE_MS
        close = np.full(len(ts), float(price))
        values = (close, close, close, close, np.ones(len(ts)))
        batch = candles.Batch(ts, values, int(ts[0]), int(ts[-1]) + MINUTE_MS, "test", f"{ts[0]} {price}")
        candles.put(self.engine, Series("binance", symbol, 60), batch)
        return now + MINUTE_MS

    def decide_again(self, bot_id: int) -> None:
        """The bot has not decided on the last closed minute: tests have no minute to wait."""
        with self.engine.begin() as connection:
            connection.execute(sa.text("UPDATE bot SET decided_ms = decided_ms - 1 WHERE id = :b"), {"b": bot_id})

    def wish(self, bot_id: int, wish: str) -> None:
        """What a person wants."""
        with self.engine.begin() as connection:
            bots.set_wish(connection, bot_id, wish, "test")

    def row(self, bot_id: int) -> bots.Row:
        """The bot as it is stored."""
        with self.engine.connect() as connection:
            return bots.get(connection, bot_id)

    def scalar(self, text: str, **values: Any) -> Any:
        """One value of the database."""
        with self.engine.connect() as connection:
            return connection.scalar(sa.text(text), values)

    def open_orders(self, account: str, prefix: str = "g") -> list[dict[str, Any]]:
        """Orders that rest on the exchange."""
        orders = self.loopback.control("state", account=account)["accounts"][account]["orders"]
        return [
            o for o in orders if o["status"] in ("NEW", "PARTIALLY_FILLED") and o["clientOrderId"].startswith(prefix)
        ]

    def until(self, done: Callable[[], Any], what: str, seconds: float = 180.0) -> Any:
        """Wait for something, keeping the processes running."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := done():
                return found
            time.sleep(0.05)
            assert self.supervisor is not None
            self.supervisor.check()
        raise AssertionError(f"{what}: not within {seconds} s\n{self.log.read_text()[-4000:]}")

    # The hands that kill.

    def children(self) -> list[int]:
        """Processes of the Celery pools."""
        assert self.supervisor is not None
        found = []
        for member in self.supervisor.members:
            if member.name.startswith("w") and member.process is not None and member.process.poll() is None:
                try:
                    found += [child.pid for child in psutil.Process(member.process.pid).children()]
                except psutil.NoSuchProcess:
                    continue
        return found

    def kill_child(self, which: int) -> None:
        """SIGKILL one pool process."""
        if found := self.children():
            try:
                os.kill(found[which % len(found)], signal.SIGKILL)
            except ProcessLookupError:
                return

    def kill_worker(self, which: int) -> None:
        """SIGKILL a whole worker, children included."""
        assert self.supervisor is not None
        workers = [member for member in self.supervisor.members if member.name.startswith("w")]
        workers[which % len(workers)].signal(signal.SIGKILL, group=True)

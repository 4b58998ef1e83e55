"""API and page as real processes beside everything that trades, and rows to look at."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from autogrid.cli import supervise
from autogrid.core.grid import Grid
from autogrid.data.export import write_candles
from autogrid.data.ingest import import_file
from autogrid.research.selection import judge
from autogrid.store import accounts, jobs, passwords, reports, studies, users
from tests.e2e.stack import Stack
from tests.ports import free_ports

PASSWORD = "correct horse battery"
EMAIL = "ada@example.org"
SYMBOL = "BTC/USDT"
STUDY = """\
[market]
exchange = "binance"
symbol = "BTC/USDT"
tick = "0.01"
lot = "0.001"
min_notional = "1"
maker_fee = "0.001"
taker_fee = "0.001"
buy_fee_asset = "base"
[candles]
timeframe = "1m"
[strategy]
name = "static"
[strategy.params]
lower = "90"
upper = "110"
cells = 8
spacing = "arithmetic"
amount = "1"
[simulation]
cash = "2000"
"""


class Site:
    """A context manager: the stack, an API and a page process."""

    def __init__(self, **environment: str) -> None:
        environment = {"AUTH_ATTEMPTS_PER_MINUTE": "100000", "SIGNUP_ENABLED": "true", **environment}
        self.stack = Stack([SYMBOL, "ETH/USDT"], workers=1, concurrency=2, beats=1, **environment)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Site":
        self.stack.__enter__()
        try:
            return self._open()
        except BaseException:
            self.__exit__()
            raise

    def _open(self) -> "Site":
        with self.stack.engine.begin() as connection:
            connection.execute(sa.text("ALTER DATABASE autogrid SET synchronous_commit TO off"))
        api, web = free_ports(2)
        self.api, self.url = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{web}"
        more = {**self.stack.servers, "API_URL": self.api, "WEB_PORT": str(web)}
        self._more, self._api_command = (
            more,
            [sys.executable, "-m", "uvicorn", "services.api.app:app", "--port", str(api)],
        )
        self._start(self._api_command, more)
        self._start([sys.executable, "-m", "services.web"], more)
        # Research works in a process of its own, as it does in a deployment.
        self._start(supervise.worker("research,reports", 1, "research"), more)
        for url in (self.api, self.url):
            self._wait(f"{url}/healthz")
        return self

    def _start(self, command: list[str], more: dict[str, str]) -> None:
        # NiceGUI behaves otherwise where it believes to be tested.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        output = (self.stack.home / "site.log").open("ab")
        self._processes.append(
            subprocess.Popen(command, env=environment | more, stdout=output, stderr=output, start_new_session=True)
        )
        output.close()

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(url, timeout=30):
                    return
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.1)

    def log(self) -> str:
        """What both said."""
        return (self.stack.home / "site.log").read_text()

    def __exit__(self, *error: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.stack.__exit__(*error)

    def stop_api(self) -> None:
        """The API is gone."""
        self._processes[0].kill()
        self._processes[0].wait()

    def start_api(self) -> None:
        """The API is back."""
        self._start(self._api_command, self._more)

    # Rows to look at.

    def user(self, email: str = EMAIL, role: str = "trader") -> int:
        """A user with PASSWORD."""
        with self.stack.engine.begin() as connection:
            return int(users.add(connection, email, passwords.hash_of(PASSWORD), role)["id"])

    def candles(self, days: float = 2.0) -> None:
        """Minutes of BTC/USDT around 100 until now, with a market and its rules."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "candles.parquet"
            write_candles(walk(days), file)
            import_file(file, "binance", SYMBOL, "1m")

    def bots(self, owner: int) -> int:
        """A bot that has traded, one that is paused, one that is halted; the first one's id."""
        stack = self.stack
        stack.price(SYMBOL, "101")
        stack.price("ETH/USDT", "101")
        ids = [stack.account(name, USDT="20000") for name in ("main", "second", "third")]
        with stack.engine.begin() as connection:
            accounts.add(connection, name="play money", exchange="paper", owner_id=owner)
            connection.execute(sa.text("UPDATE account SET owner_id = :o"), {"o": owner})
        wide = Grid(lower="90", upper="110", cells=20, amount="2")
        first = stack.bot(ids[0], SYMBOL, wide, name="btc twenty cells", owner_id=owner, cash=Decimal(5000))
        second = stack.bot(ids[1], "ETH/USDT", name="eth four cells", owner_id=owner)
        third = stack.bot(ids[2], "ETH/USDT", name="eth old code", owner_id=owner, code_hash="0" * 64)
        stack.until(lambda: len(stack.open_orders("main")) == 20, "orders of the first bot")
        stack.until(lambda: stack.row(second).status == "running", "the second bot")
        for price in ("103.2", "100.5", "98.4", "102.2", "99.3", "101.1"):
            before = stack.row(first).version
            stack.price(SYMBOL, price)
            stack.until(lambda before=before: stack.row(first).version > before, f"a look after {price}")
        stack.wish(second, "pause")
        stack.until(lambda: stack.row(third).status == "refused", "the third bot")
        self._equity(first)
        return first

    def _equity(self, bot: int) -> None:
        """Six hours of equity, as a bot that is older would have."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        rng = np.random.default_rng(5)
        price, rows = 100.0, []
        for minute in range(360, 0, -1):
            price += float(rng.standard_normal()) * 0.15 + 0.01 * (100 - price)
            base = max(0.0, min(40.0, round(110 - price) * 2.0))
            rows.append({"b": bot, "t": now - timedelta(minutes=minute), "e": 5000 + (price - 100) * 18 + (360 - minute)
                         / 20, "c": 5000 - base * 100, "q": base, "p": price})  # fmt: skip
        with self.stack.engine.begin() as connection:
            connection.execute(
                # The bot itself may have written the minute that has just passed.
                sa.text(
                    "INSERT INTO bot_equity (bot_id, ts, equity, cash, base, price) VALUES (:b,:t,:e,:c,:q,:p) "
                    "ON CONFLICT DO NOTHING"
                ),
                rows,
            )
            connection.execute(sa.text("UPDATE bot SET started_at = :t WHERE id = :b"), {"b": bot, "t": rows[0]["t"]})

    def papers(self, owner: int) -> dict[str, int]:
        """A study, a finished backtest and a sweep, one that failed, a report."""
        from autogrid.core.study import parse_study

        found = {}
        with self.stack.engine.begin() as connection:
            found["study"] = studies.add(connection, owner, "btc eight cells", STUDY, parse_study(STUDY).fingerprint())[
                "id"
            ]
            for kind, result in (("backtest", RESULT), ("sweep", _swept())):
                job = jobs.add(connection, owner, kind, {"text": STUDY}, found["study"])["id"]
                jobs.start(connection, job)
                jobs.finish(connection, job, result)
                found[kind] = job
            job = jobs.add(connection, owner, "backtest", {"text": STUDY}, found["study"])["id"]
            jobs.start(connection, job)
            jobs.fail(connection, job, "no candles of binance ETH/USDT 1m are stored: autogrid candles fetch")
            report = reports.add(connection, owner, "data_quality", {})["id"]
            reports.start(connection, report)
            reports.finish(connection, report, "<h1>Candles</h1><p>No gaps.</p>", "{}")
            found["report"] = report
        return found


def walk(days: float, seed: int = 3) -> pd.DataFrame:
    """Minutes around 100 until now."""
    rng = np.random.default_rng(seed)
    size = int(days * 1440)
    end = pd.Timestamp.now(tz="UTC").floor("min")
    steps = rng.standard_normal(size) * 0.12
    price = np.empty(size)
    price[0] = 100.0
    for at in range(1, size):
        price[at] = price[at - 1] + steps[at] + 0.004 * (100 - price[at - 1])
    close = price.round(2)
    open_ = np.concatenate([[100.0], close[:-1]])
    wide = np.abs(rng.standard_normal((2, size))) * 0.06
    return pd.DataFrame(
        {
            "open": open_,
            "high": (np.maximum(open_, close) + wide[0]).round(2),
            "low": (np.minimum(open_, close) - wide[1]).round(2),
            "close": close,
            "volume": rng.gamma(2.0, 5.0, size).round(3),
        },
        index=pd.date_range(end=end, periods=size, freq="min", unit="ms", name="ts"),
    )


RESULT: dict[str, Any] = {
    "levels": ["90", "95", "100", "105", "110"], "amounts": ["1", "1", "1", "1"], "empty_level": 2,
    "start_price": "101", "fills": 214, "round_trips": 104, "cash": "812.41", "base": "2.003", "fees": "41.27",
    "equity": "1067.92", "realised": "118.20", "unrealised": "-9.01", "stopped": None,
    "bounds": {"worst": "1051.10", "best": "1080.36"},
    "metrics": {"total_return": 0.0679, "hold_return": 0.0412, "vs_hold": 0.0267, "max_drawdown": 0.083,
                "sharpe": 1.42, "fees": 41.27, "time_in_range": 0.91, "step_to_range": 1.4, "candles": 43200,
                "days": 30.0},
}  # fmt: skip


def _swept() -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for cells in (10, 20, 40, 60, 80):
        for lower in ("80", "85", "90", "95"):
            gain = 0.08 - abs(cells - 40) / 900 - abs(float(lower) - 88) / 150
            rows.append({"cells": cells, "lower": lower, "total_return": gain, "vs_hold": gain - 0.02,
                         "max_drawdown": 0.1 - gain / 4, "round_trips": cells * 3, "fees": cells * 0.9,
                         "error": None})  # fmt: skip
    rows[0] = {"cells": 10, "lower": "80", "error": "needs more cash"}
    rng = np.random.default_rng(4)
    shared = rng.normal(0.001, 0.01, (200, 1))
    daily = pd.DataFrame(shared + rng.normal(0, 0.004, (200, len(rows))))
    selection = judge(daily, pd.DataFrame(rows)[["cells", "lower"]]).to_json()
    return {"fields": ["cells", "lower"], "rows": rows, "selection": selection}

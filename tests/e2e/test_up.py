"""`autogrid up` as a user runs it: a bot trades, other commands join in, and however it ends, nothing stays behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

STUDY = """
[market]
exchange = "binance"
symbol = "BTC/USDT"
tick = "0.01"
lot = "0.001"
min_notional = "1"
maker_fee = "0"
taker_fee = "0"
[candles]
timeframe = "1m"
[strategy.params]
lower = "90"
upper = "110"
cells = 8
amount = "1"
"""
#: 2024-01-01, ms.
BEGIN = 1_704_067_200_000
COMMAND = [sys.executable, "-c", "from autogrid.cli.start import main; main()"]
#: Several commands in one process: most of a command's time is imports.
TOGETHER = """
import json, sys
from autogrid.cli.app import app
for arguments in json.loads(sys.argv[1]):
    app(arguments, prog_name="autogrid", standalone_mode=False)
"""


def tape(file: Path, first: int, count: int) -> None:
    """Minutes that go up and down between 96 and 104."""
    rows = ["ts,open,high,low,close,volume"]
    for minute in range(first, first + count):
        a, b = (96, 104) if minute % 2 else (104, 96)
        rows.append(f"{BEGIN + 60_000 * minute},{a},104,96,{b},1")
    file.write_text("\n".join(rows) + "\n")


@dataclass
class House:
    """A home directory, and the processes that know its mark."""

    home: Path
    mark: str

    @property
    def environment(self) -> dict[str, str]:
        # NiceGUI behaves otherwise where it believes to be tested.
        left_out = ("DATABASE_URL", "REDIS_URL", "PYTEST_CURRENT_TEST", "PYTEST_VERSION")
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        quick = {"TICK_INTERVAL_S": "0.4", "DISPATCH_INTERVAL_S": "0.2", "LOG_LEVEL": "WARNING", "COLUMNS": "200"}
        return {**kept, **quick, "AUTOGRID_HOME": str(self.home), "EGRESS_NAME": self.mark}

    def run(self, *arguments: str, code: int = 0) -> str:
        """One command to its end; what it printed."""
        return self._run([*COMMAND, *arguments], code)

    def together(self, *commands: str) -> str:
        """Commands in one process; what they printed."""
        lines = [command.split() for command in commands]
        return self._run([sys.executable, "-c", TOGETHER, json.dumps(lines)], 0)

    def _run(self, command: list[str], code: int) -> str:
        done = subprocess.run(command, env=self.environment, cwd=self.home, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def up(self, *more: str, **environment: str) -> subprocess.Popen[bytes]:
        """`autogrid up`, once it works on tasks."""
        process = self.start("up", "--concurrency", "1", *more, **environment)
        until(lambda: len(self.left("celery", "worker")) > 1, f"a worker with a child, see {self.home / 'up.log'}")
        return process

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """A command that goes on."""
        with (self.home / "up.log").open("ab") as output:
            return subprocess.Popen(
                [*COMMAND, *arguments],
                env=self.environment | environment,
                cwd=self.home,
                stdout=output,
                stderr=output,
            )

    def log(self) -> str:
        """What such commands said."""
        return (self.home / "up.log").read_text()

    def left(self, *words: str) -> list[str]:
        """Command lines of running processes of this house, with all of these words."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            try:
                line = " ".join(process.info["cmdline"] or [])
                ours = process.environ().get("EGRESS_NAME") == self.mark and process.status() != psutil.STATUS_ZOMBIE
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if ours and all(word in line for word in words):
                found.append(line)
        return found

    def sockets(self) -> list[str]:
        return [str(path) for path in self.home.rglob("*") if path.is_socket()]


def until(done: Callable[[], object], what: str, seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def interrupt(house: House, process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C ends it, and all that it started."""
    process.send_signal(signal.SIGINT)
    assert process.wait(180) == 0
    until(lambda: not house.left(), f"nothing left of {house.left()}")
    assert house.sockets() == []


@pytest.fixture
def house() -> Iterator[House]:
    home = Path(tempfile.mkdtemp(prefix="ag"))
    home.chmod(0o755)
    made = House(home, f"up{uuid4().hex}")
    yield made
    for process in psutil.process_iter():
        try:
            if process.environ().get("EGRESS_NAME") == made.mark:
                process.kill()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.timeout(900)
def test_up_trades_and_leaves_nothing_behind(house: House) -> None:
    (house.home / "study.toml").write_text(STUDY)
    tape(house.home / "before.csv", 0, 200)
    series = "--exchange binance --symbol BTC/USDT --timeframe 1m"
    process = house.up()

    made = house.together(
        f"candles import before.csv {series}",
        # Nobody answers there: all candles are imported ones.
        "accounts add mine --exchange paper --base-url http://127.0.0.1:9",
        "promote study.toml --to paper --account mine",
    )
    assert "200 new" in made
    assert "bot 1 (study, paper): runs" in made
    assert "waiting" in house.run("bots", "list")
    minutes = iter(range(200, 100_000, 60))

    def traded() -> bool:
        """It begins after the newest candle that its first look sees, whenever that is: candles go on coming."""
        tape(house.home / "after.csv", next(minutes), 60)
        shown = house.together(f"candles import after.csv {series}", "bots show 1")
        assert "60 new" in shown
        return "cell 3" in shown

    until(traded, "fills of the grid")

    again = house.run("up", code=2)
    assert f"autogrid up runs already in {house.home}, process {process.pid}" in again
    assert "set AUTOGRID_HOME to another directory" in again
    assert process.poll() is None
    interrupt(house, process)


@pytest.mark.timeout(900)
def test_a_killed_up_takes_its_workers_along_and_the_next_one_works(house: House) -> None:
    process = house.up()
    process.kill()
    process.wait(180)
    until(lambda: not house.left("celery") and not house.left("streams"), f"no workers left: {house.left()}")
    process = house.up()
    assert "No bots yet" in house.run("bots", "list")
    interrupt(house, process)

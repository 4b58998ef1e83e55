"""One study and its candles, and a way to run the command line in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from autogrid.cli.app import app

STUDY = """
[market]
tick = "0.01"
lot = "0.001"
min_notional = "1"
maker_fee = "0.001"
taker_fee = "0.001"
[strategy.params]
lower = "90"
upper = "110"
cells = 4
amount = "1"
"""
#: CONTRACT section 7.
CANDLES = """ts,open,high,low,close,volume
1704067200000,101,101,101,101,1
1704067260000,101,106,100,104,1
1704067320000,104,104,95,95,1
1704067380000,94.99,96,94.9,95.5,1
1704067440000,95.5,111,95.5,110,1
"""

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with study.toml and candles.csv."""
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "candles.csv").write_text(CANDLES)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `autogrid ARGUMENTS` in the folder; errors are raised."""
    monkeypatch.chdir(folder)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "160"}, catch_exceptions=False)

    return invoke

"""`autogrid candles`, end to end on files."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from autogrid.cli.candles import app
from autogrid.data.frame import read_candles
from autogrid.data.sources import ccxt_source
from autogrid.errors import InvalidInput

T0 = 1_714_521_600_000
OPTIONS = ["--exchange", "binance", "--symbol", "BTC/USDT", "--timeframe", "1m"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "160"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def write(path: Path, minutes: list[int]) -> None:
    rows = [f"{T0 + i * 60_000},100,101,99,100,1" for i in minutes]
    path.write_text("\n".join(["ts,open,high,low,close,volume", *rows]))


def test_import_list_gaps_export(store: sa.Engine, tmp_path: Path) -> None:
    assert "No candles are stored" in run("list")
    write(tmp_path / "a.csv", [0, 1, 4])
    write(tmp_path / "b.csv", [8, 9])
    out = run("import", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), *OPTIONS)
    assert "3 candles, 3 new, 0 changed" in out
    assert "2 candles, 2 new, 0 changed" in out
    listed = run("list")
    assert "BTC/USDT" in listed
    assert "2024-05-01 00:05" in listed
    listed = run("gaps", "binance", "BTC/USDT", "1m")
    assert "missing" in listed
    assert "never imported" in listed
    assert "2 gaps, 5 candles." in listed
    target = tmp_path / "out.parquet"
    with pytest.warns(UserWarning, match="never imported"):
        assert "5 candles" in run("export", "binance", "BTC/USDT", "1m", "--out", str(target))
    both = [read_candles(tmp_path / name) for name in ("a.csv", "b.csv")]
    pd.testing.assert_frame_equal(read_candles(target), pd.concat(both))


def test_what_is_missing_is_asked_for_not_guessed(store: sa.Engine, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [0])
    result = CliRunner().invoke(app, ["import", str(tmp_path / "a.csv"), "--exchange", "binance"])
    assert result.exit_code == 2
    with pytest.raises(InvalidInput, match="expected stored candles"):
        run("gaps", "binance", "BTC/USDT", "1m")


def test_fetch(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        id = "fake"

        def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]:
            return [[since + i * 60_000, 100.0, 101.0, 99.0, 100.0, 1.0] for i in range(limit)]

    monkeypatch.setattr(ccxt_source, "open_exchange", lambda name, timeframe: Client())
    out = run("fetch", "fake", "BTC/USDT", "1m", "--since", "2024-05-01", "--until", "2024-05-02")
    assert "1,440 new candles in 2 pages" in out
    assert "1,440" in run("list")

"""`autogrid candles`, end to end on files."""

from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest
import sqlalchemy as sa
from ccxt.base import errors
from typer.testing import CliRunner

from autogrid.cli.backtest import run_study
from autogrid.cli.candles import app
from autogrid.core.study import parse_study
from autogrid.data.frame import read_candles
from autogrid.data.sources import ccxt_source
from autogrid.errors import InvalidInput
from autogrid.store import markets

T0 = 1_714_521_600_000
FETCH = ("fetch", "fake", "BTC/USDT", "1m", "--since", "2024-05-01", "--until", "2024-05-02")
OPTIONS = ["--exchange", "binance", "--symbol", "BTC/USDT", "--timeframe", "1m"]


class Client:
    """A ccxt exchange, as far as it is used here."""

    id = "fake"
    precisionMode = 4
    market: ClassVar[dict[str, Any]] = {
        "precision": {"price": 0.01, "amount": 1e-05},
        "limits": {"cost": {"min": 5.0}},
        "maker": 0.001,
        "taker": 0.0015,
        "feeSide": "get",
    }

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]:
        return [[since + i * 60_000, 100.0, 101.0, 99.0, 100.0, 1.0] for i in range(limit)]

    def load_markets(self) -> dict[str, Any]:
        return {"BTC/USDT": self.market}


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
    monkeypatch.setattr(ccxt_source, "open_exchange", lambda name, timeframe: Client())
    out = run(*FETCH)
    assert "1,440 new candles in 2 pages" in out
    assert "Rules stored: tick 0.01, lot 0.00001, min_notional 5.0, fees 0.001000 / 0.001500, a buy's taken from" in out
    assert "1,440" in run("list")


STUDY = """
[market]
exchange = "fake"
symbol = "BTC/USDT"
maker_fee = "0.0002"
[candles]
timeframe = "1m"
start = "2024-05-01"
end = "2024-05-01T01:00:00Z"
[strategy.params]
lower = "90"
upper = "110"
cells = 4
investment = "1000"
"""


def test_a_study_takes_rules_and_candles_from_the_store(
    store: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = parse_study(STUDY)
    with pytest.raises(
        InvalidInput, match=r"\[market\] needs tick and lot: add tick = .* candles fetch fake BTC/USDT 1m"
    ):
        run_study(study, None)
    monkeypatch.setattr(ccxt_source, "open_exchange", lambda name, timeframe: Client())
    run(*FETCH)
    result = run_study(study, None)
    assert len(result.candles) == 60
    market = result.run.market
    assert (str(market.tick), str(market.lot), market.min_notional) == ("0.01", "0.00001", 5)
    assert (str(market.maker_fee), str(market.taker_fee)) == ("0.0002", "0.001500")
    assert market.fee_in_base
    assert run_study(parse_study(STUDY.replace('"fake"', '"fake"\ntick = "0.5"')), None).run.market.tick == Decimal(
        "0.5"
    )


def test_rules_that_ccxt_does_not_tell(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = Client()
    monkeypatch.setattr(ccxt_source, "open_exchange", lambda name, timeframe: client)
    client.precisionMode = 3
    assert "The exchange tells no price tick and lot" in run(*FETCH)
    client.precisionMode = 2
    client.market = {"precision": {"price": 2, "amount": 5}, "maker": -0.0001}
    rules = ccxt_source.market_rules(client, "BTC/USDT")
    assert rules == {
        "tick": Decimal("0.01"), "lot": Decimal("0.00001"), "min_notional": 0, "maker_fee": 0,
    }  # fmt: skip

    def down() -> Any:
        raise errors.NetworkError("reset")

    client.load_markets = down
    assert ccxt_source.market_rules(client, "BTC/USDT") is None


def test_stored_rules_can_grow(store: sa.Engine) -> None:
    with store.begin() as connection:
        assert markets.rules(connection, "x", "A/B") == {}
        markets.put_rules(connection, "x", "A/B", {})
        markets.put_rules(connection, "x", "A/B", {"tick": Decimal("0.01"), "lot": Decimal(1)})
        markets.put_rules(connection, "x", "A/B", {"tick": Decimal("0.02"), "buy_fee_asset": "base"})
        assert markets.rules(connection, "x", "A/B") == {
            "tick": Decimal("0.02"), "lot": Decimal(1), "buy_fee_asset": "base",
        }  # fmt: skip

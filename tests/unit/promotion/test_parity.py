"""Fills of a live bot written as a backtest writes them, and what the command may load."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from autogrid.core.market import Market
from autogrid.core.study import parse_study
from autogrid.data.frame import read_candles
from autogrid.promotion.parity import fee_as_written, lived, replay_like
from autogrid.promotion.passport import candles_sha256, canonical
from autogrid.research.study import backtest_study
from autogrid.strategies.registry import grid_of
from backtests import regenerate
from tests.unit.cli.conftest import CANDLES, STUDY

MARKET = Market(tick="0.01", lot="0.001", maker_fee="0.001", taker_fee="0.001")


@pytest.mark.parametrize(
    ("fee", "asset", "text"),
    [
        ("0.2", "quote", "0.20000"),
        ("0.2020000000", "quote", "0.20200"),
        ("0.000001", "quote", "0.000001"),  # a fraction of an atom stays what the exchange said
        ("0.00100000", "base", "0.001"),
        ("0.0000000013", "base", "0.0000000013"),
        ("0.5", "BNB", "0.5"),
    ],
)
def test_a_fee_has_one_notation(fee: str, asset: str, text: str) -> None:
    assert f"{fee_as_written(MARKET, Decimal(fee), asset):f}" == text


def test_a_live_bot_s_fills_hash_as_the_backtest_s(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(CANDLES)
    study = parse_study(STUDY)
    expected = backtest_study(study, read_candles(tmp_path / "c.csv"))
    replayed = replay_like(expected, study)
    # An exchange's own coins, notation and times within the candle.
    rows = [row._replace(fee_asset="USDT", fee=row.fee.normalize(), ts_ms=row.ts_ms + 59_999) for row in replayed.live]
    assert lived(expected, rows, "BTC/USDT").csv() == expected.csv()
    assert lived(expected, rows, "BTC/USDT").sha256() == replayed.sha256()
    assert lived(expected, rows[:-1], "BTC/USDT").sha256() != expected.sha256()
    odd = rows[0]._replace(fee_asset="BNB", fee=Decimal("0.01"))
    assert "0.01,BNB" in lived(expected, [odd], "BTC/USDT").csv()


def test_a_canonical_study_is_a_study_with_every_rule() -> None:
    study = parse_study(STUDY + '[candles]\ntimeframe = "60s"\nstart = "2024-01-01"\n')
    text = canonical(study, MARKET)
    again = parse_study(text)
    assert canonical(again, MARKET) == text
    assert 'timeframe = "1m"' in text
    assert 'buy_fee_asset = "quote"' in text
    assert again.start == study.start


def test_a_canonical_study_trails_as_the_study_does() -> None:
    study = parse_study(STUDY + 'trailing = "both"\nstop_fixed = true\nstop_loss = "80"\n')
    grid = grid_of(parse_study(canonical(study, MARKET)))
    assert (grid.trailing, grid.stop_fixed) == ("both", True)
    assert canonical(study, MARKET) != canonical(parse_study(STUDY + 'stop_loss = "80"\n'), MARKET)


@pytest.mark.parametrize("name", ["trailing", "binance_trailing_2017_2019"])
def test_a_trailing_study_is_replayed_byte_for_byte(name: str) -> None:
    candles = regenerate.candles_of(name)
    if candles is None:
        pytest.skip(f"the candles of {name} are not here: they are no part of the project")
    study = parse_study((regenerate.HERE / f"{name}.toml").read_text())
    expected = backtest_study(study, candles)
    replayed = replay_like(expected, study)
    assert len(expected.run.moves) > 100
    assert replayed.csv() == expected.csv()
    assert replayed.to_json() == expected.to_json()


def test_a_hash_of_candles_sees_times_and_prices(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(CANDLES)
    frame = read_candles(tmp_path / "c.csv")
    first = candles_sha256(frame)
    assert candles_sha256(frame.assign(volume=7.0)) == first
    assert candles_sha256(frame.assign(low=frame["low"] - 0.01)) != first
    assert candles_sha256(frame.shift(freq="1min")) != first


def test_replay_loads_neither_vectorbt_nor_what_services_need(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(STUDY)
    (tmp_path / "c.csv").write_text(CANDLES)
    code = (
        "import sys; from pathlib import Path; from autogrid.cli.replay import replay; "
        "replay(Path('s.toml'), Path('c.csv'), Path('o.json'), Path('f.csv')); "
        "print([m for m in ('vectorbt', 'celery', 'ccxt', 'plotly', 'fastapi') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"

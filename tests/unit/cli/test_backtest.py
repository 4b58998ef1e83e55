"""`autogrid backtest`: the worked table as the contract prints it, and every way out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autogrid.errors import InvalidInput
from tests.studies import UNWORKABLE, decides

FILLS = """ts,kind,cell,side,price,amount,fee,fee_asset
1704067200000,start,-1,buy,101.00,2.000,0.20200,quote
1704067260000,grid,2,sell,105.00,1.000,0.10500,quote
1704067320000,grid,2,buy,100.00,1.000,0.10000,quote
1704067380000,grid,1,buy,95.00,1.000,0.09500,quote
1704067440000,grid,1,sell,100.00,1.000,0.10000,quote
1704067440000,grid,2,sell,105.00,1.000,0.10500,quote
1704067440000,grid,3,sell,110.00,1.000,0.11000,quote
"""
Run = Callable[..., Any]


def test_the_worked_table_as_json(run: Run) -> None:
    done = run("backtest", "study.toml", "--candles", "candles.csv", "--json", "-")
    found = json.loads(done.stdout)
    metrics = found.pop("metrics")
    assert found == {
        "levels": ["90.00", "95.00", "100.00", "105.00", "110.00"],
        "amounts": ["1.000", "1.000", "1.000", "1.000"],
        "empty_level": 2,
        "start_price": "101.00",
        "fills": 7,
        "round_trips": 4,
        "cash": "409.57000",
        "base": "0.000",
        "fees": "0.81700",
        "equity": "409.57000",
        "realised": "23.00000",
        "unrealised": "0.00000",
        "stopped": None,
        "bounds": {"worst": "409.57000", "best": "419.26000"},
    }
    assert metrics["total_return"] == pytest.approx(22.183 / 387.387)
    assert metrics["step_to_range"] == pytest.approx(5 / 6)
    assert "warning: the candles are too coarse" in done.stderr


def test_the_worked_table_as_csv(run: Run, folder: Path) -> None:
    done = run("backtest", "study.toml", "--candles", "candles.csv", "--fills", "-")
    assert done.stdout == FILLS
    run(
        "backtest", "study.toml", "--candles", "candles.csv", "--fills", "f.csv", "--json", "o.json", "--html", "p.html"
    )
    assert (folder / "f.csv").read_text() == FILLS
    assert json.loads((folder / "o.json").read_text())["fills"] == 7


def test_a_summary_with_band_ratio_and_warning(run: Run) -> None:
    out = run("backtest", "study.toml", "--candles", "candles.csv").output
    for text in ("Total return", "+5.73%", "Band (worst", "Step / median candle range", "0.83", "too coarse", "Fees"):
        assert text in out


def test_a_page_that_needs_no_network(run: Run, folder: Path) -> None:
    run("backtest", "study.toml", "--candles", "candles.csv", "--html", "page.html")
    page = (folder / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "Plotly.newPlot" in page
    assert "Grid profit" in page
    assert '<script src="http' not in page


def test_the_study_s_range_is_the_store_s_and_not_the_file_s(run: Run, folder: Path) -> None:
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(text + '[candles]\nstart = "2030-01-01"\nend = "2030-02-01"\n')
    done = run("backtest", "study.toml", "--candles", "candles.csv", "--json", "-")
    assert json.loads(done.stdout)["fills"] == 7
    assert "start and end of [candles] are the store's" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.toml", "--candles", "candles.csv"], "study file cannot be read"),
        (["study.toml", "--candles", "no.csv"], "found nothing at no.csv"),
        (["study.toml", "--candles", "."], "expected a file, found a folder"),
        (["study.toml"], r"needs exchange, symbol \(\[market\]\) and timeframe \(\[candles\]\)"),
        (["study.toml", "--candles", "candles.csv", "--json", "-", "--fills", "-"], "only one of --json and --fills"),
        (["study.toml", "--candles", "candles.csv", "--json", "no/such/o.json"], "cannot be written"),
        (["study.toml", "--candles", "candles.csv", "--fills", "no/such/o.csv"], "cannot be written"),
        (["study.toml", "--candles", "candles.csv", "--html", "no/such/o.html"], "cannot be written"),
        (["binary.toml"], "is not UTF-8 text"),
    ],
)
def test_mistakes_are_said(run: Run, folder: Path, arguments: list[str], message: str) -> None:
    (folder / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match=message):
        run("backtest", *arguments)


def test_decimals_are_never_written_with_an_exponent(run: Run, folder: Path) -> None:
    text = (folder / "study.toml").read_text()
    text = text.replace('lot = "0.001"', 'lot = "0.00000001"').replace('"0.01"', '"0.00000001"')
    text = text.replace('"90"', '"0.00000090"').replace('"110"', '"0.00000110"').replace('min_notional = "1"', "")
    (folder / "study.toml").write_text(text + 'stop_loss = "0.00000080"\n')
    lines = (folder / "candles.csv").read_text().splitlines()
    scaled = [
        [x if i in (0, 5) else f"{float(x) / 1e8:.10f}" for i, x in enumerate(row.split(","))] for row in lines[1:]
    ]
    (folder / "candles.csv").write_text("\n".join([lines[0], *map(",".join, scaled)]))
    written = run("backtest", "study.toml", "--candles", "candles.csv", "--json", "-").stdout
    assert "E-" not in written.split('"metrics"')[0]
    assert '"0.00000090"' in written
    assert "E-" not in run("backtest", "study.toml", "--candles", "candles.csv", "--fills", "-").stdout


@pytest.mark.parametrize(("name", "key", "value", "said"), UNWORKABLE[::9])
def test_parameters_that_never_work_are_said_before_candles_are_looked_for(
    run: Run, folder: Path, name: str, key: str, value: str | None, said: str
) -> None:
    (folder / "study.toml").write_text(decides(name, key, value))
    with pytest.raises(InvalidInput) as told:
        run("backtest", "study.toml", "--candles", "not-there.csv")
    assert str(told.value).startswith(f"[strategy.params] {said}")

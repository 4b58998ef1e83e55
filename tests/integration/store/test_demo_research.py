"""The demo's research half, in this process."""

import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console

import autogrid as ag
from autogrid.cli import demo
from autogrid.data.export import write_candles
from autogrid.research.synthetic import synthetic_candles


@pytest.mark.parametrize("own", [True, False])
def test_candles_backtest_sweep_page(
    store: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    short = synthetic_candles(days=2)
    monkeypatch.setattr("autogrid.research.synthetic.synthetic_candles", lambda days: short)
    write_candles(short, tmp_path / "mine.parquet")
    console = Console(file=io.StringIO(), width=120)
    frame = demo._research(tmp_path / "mine.parquet" if own else None, "1m", Path("out/demo.html"), console)
    demo._next(Path("out/demo.html"), console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert len(frame) == 2880
    assert ("mine.parquet" if own else "SYNTHETIC market, seed 7") in said
    for wanted in ("2,880 candles stored", "Total return", "200 grids", "picked by luck too", "autogrid promote"):
        assert wanted in said, wanted
    assert (tmp_path / "out" / "demo.html").read_text().startswith("<!doctype html>")


def test_on_enough_days_the_best_is_judged() -> None:
    market = ag.Market(tick="0.01", lot="0.00001", maker_fee="0.001", taker_fee="0.001")
    grid = ag.Grid(lower="55000", upper="66000", cells=20, investment="10000")
    swept = ag.sweep(grid, {"cells": [10, 20]}, synthetic_candles(days=9), market, daily=True, progress=False)
    assert demo._luck(swept).startswith("Do not believe the best of 2 grids")

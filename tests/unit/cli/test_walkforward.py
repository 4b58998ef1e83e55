"""`autogrid walkforward`: values, what it shows, what it writes."""

import json
from pathlib import Path

import pytest

from autogrid.cli.walkforward import varied
from autogrid.data.export import write_candles
from autogrid.errors import InvalidInput
from autogrid.research.synthetic import synthetic_candles
from tests.unit.cli.conftest import Run

ROOT = Path(__file__).parents[3]
ASKED = ("walkforward", "demo.toml", "--candles", "c.parquet", "--vary", "cells=20,40", "--vary", "lower=52000, 56000")


@pytest.fixture
def made(folder: Path) -> Path:
    write_candles(synthetic_candles(days=9), folder / "c.parquet")
    (folder / "demo.toml").write_text((ROOT / "backtests" / "demo.toml").read_text())
    return folder


def test_what_it_shows_and_writes(run: Run, made: Path) -> None:
    done = run(*ASKED, "--train", "3d", "--test", "2d", "--json", "w.json", "--html", "w.html")
    found = json.loads((made / "w.json").read_text())
    assert len(found["windows"]) == 3
    assert {row["cells"] for row in found["windows"]} <= {20, 40}
    assert {row["lower"] for row in found["windows"]} <= {52000, 56000}
    assert "Walk-forward, 3 windows" in done.stdout
    assert found["verdict"].split(":")[0] in done.stdout
    for day in ("2024-01-04", "2024-01-06", "2024-01-08"):
        assert day in done.stdout
    assert "AutoGrid walk-forward" in (made / "w.html").read_text()
    again = run(*ASKED, "--train", "3d", "--test", "2d", "--json", "-")
    assert json.loads(again.stdout) == found


def test_options_arrive(run: Run, made: Path) -> None:
    more = ("--train", "3d", "--test", "1d", "--step", "2d", "--anchored", "--scaled", "--metric", "fills")
    found = json.loads(run(*ASKED, *more, "--json", "-").stdout)
    assert found["metric"] == "fills"
    starts = [(row["train_start"][:10], row["test_start"][:10], row["test_end"][:10]) for row in found["windows"]]
    assert starts == [("2024-01-01", f"2024-01-0{day}", f"2024-01-0{day + 1}") for day in (4, 6, 8)]


def test_windows_that_stood_still_are_said(run: Run, made: Path) -> None:
    done = run(
        "walkforward", "demo.toml", "--candles", "c.parquet", "--vary", "cells=9000", "--train", "6d", "--test", "3d"
    )
    assert "1 of 1 windows stood still, the first because: no grid works in the training: 9000 cells" in done.stdout


def test_values() -> None:
    assert varied(["cells=20, 40,60", "lower=1.50,2", "spacing=geometric"]) == {
        "cells": [20, 40, 60], "lower": ["1.50", 2], "spacing": ["geometric"],
    }  # fmt: skip
    for given in (["cells"], ["cells="], ["=20"], ["cells=,"]):
        with pytest.raises(InvalidInput, match=r"--vary must be a field and its values, such as cells=20,40,60"):
            varied(given)
    with pytest.raises(InvalidInput, match="--vary names cells twice"):
        varied(["cells=1", "cells=2"])

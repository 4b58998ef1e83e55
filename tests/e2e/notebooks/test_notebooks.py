"""The notebooks and the report, run as a user runs them: every cell, by papermill, in a kernel of their own."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.data.export import write_candles
from autogrid.errors import InvalidInput, Unavailable
from autogrid.research import report
from autogrid.research.synthetic import synthetic_candles

ROOT = Path(__file__).parents[3]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
ALL = [*NOTEBOOKS.values(), *(ROOT / "backtests" / "reports").glob("*.ipynb")]
PLOTLY = report.PLOTLY


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def text_of(notebook: Any) -> str:
    found = []
    for output in outputs(notebook):
        data = output.get("data", {})
        found += [output.get("text", ""), data.get("text/html", ""), data.get("text/plain", "")]
    return "\n".join("".join(part) for part in found)


def figures(notebook: Any) -> list[Any]:
    return [output["data"][PLOTLY] for output in outputs(notebook) if PLOTLY in output.get("data", {})]


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs_and_with_parameters(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert outputs(notebook) == []
    assert [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    assert notebook.cells[0].cell_type == "markdown"


def test_candles(store: sa.Engine) -> None:
    done = report.execute(NOTEBOOKS["01_candles"], {"days": 4})
    text = text_of(done)
    for wanted in (
        "inserted=5670",
        "inserted=0",
        "DEMO/USDT",
        "5,670 candles",
        "missing",
        "bad.csv, line 42: expected one",
    ):
        assert wanted in text, wanted
    assert len(figures(done)) == 2


def test_one_grid(store: sa.Engine) -> None:
    done = report.execute(NOTEBOOKS["02_one_grid"], {"days": 6})
    text = text_of(done)
    for wanted in ("SYNTHETIC market", "50 cells of", "Total return", "Grid profit", "realised", "Sharpe Ratio"):
        assert wanted in text, wanted
    assert [len(figure["data"]) for figure in figures(done)] == [6, 2, 1]


def test_sweep(store: sa.Engine) -> None:
    done = report.execute(NOTEBOOKS["03_sweep"], {"days": 4})
    text = text_of(done)
    for wanted in ("250 grids", "refused", "are too narrow", "rank correlation", "of the grids beat the winner"):
        assert wanted in text, wanted
    assert [figure["data"][0]["type"] for figure in figures(done)] == ["heatmap", "heatmap", "scatter", "scatter"]


def test_walk_forward(store: sa.Engine) -> None:
    done = report.execute(NOTEBOOKS["04_walk_forward"], {"days": 24, "controls": 3})
    text = text_of(done)
    for wanted in (
        "The best of many, judged",
        "of 72 grids",
        "DSR, as the best of all",
        "Walk-forward, 2 windows",
        "Kept of what was promised",
        "believed:                   0 of 3",
    ):
        assert wanted in text, wanted
    assert [figure["data"][0]["type"] for figure in figures(done)] == ["histogram", "scatter", "scatter", "scatter"]


def test_strategies(store: sa.Engine) -> None:
    done = report.execute(NOTEBOOKS["05_strategies"], {"days": 14, "seeds": 6})
    text = text_of(done)
    for wanted in (
        "channel: cells 10, length 18",
        "arithmetic grid",
        "no feature looks ahead",
        "low looks ahead: at 2024-01-03",
        "12 grids, 1 refused",
        "by cash",
        "the surplus is 0.1",
        "fees cost",
    ):
        assert wanted in text, wanted
    assert [figure["data"][0]["type"] for figure in figures(done)] == ["candlestick", "box"]


@pytest.mark.parametrize("name", ["demo", "recentre"])
def test_the_study_report_is_one_page(store: sa.Engine, tmp_path: Path, name: str) -> None:
    write_candles(synthetic_candles(days=5), tmp_path / "c.parquet")
    out = tmp_path / "pages" / f"{name}.html"
    arguments = ["report", "study", str(ROOT / "backtests" / f"{name}.toml"), "--candles", str(tmp_path / "c.parquet")]
    done = CliRunner().invoke(app, [*arguments, "--out", str(out)], catch_exceptions=False)
    assert f"{out}: " in done.output
    page = out.read_text()
    for wanted in (
        "Study report",
        "Where the profit comes from",
        "Its neighbours",
        "Sharpe Ratio",
        "study fingerprint",
    ):
        assert wanted in page, wanted
    assert page.count("Plotly.newPlot(") >= 4
    assert "import autogrid" not in page
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="(https?:)?//', page)


def test_a_report_that_cannot_be_made_says_why(store: sa.Engine, tmp_path: Path) -> None:
    study = tmp_path / "narrow.toml"
    study.write_text((ROOT / "backtests" / "demo.toml").read_text().replace("cells = 60", "cells = 900"))
    write_candles(synthetic_candles(days=1), tmp_path / "c.parquet")
    with pytest.raises(InvalidInput, match="900 cells are too narrow"):
        report.study_report(study, tmp_path / "c.parquet", tmp_path / "p.html")
    with pytest.raises(InvalidInput, match="there is no report 'week': expected study, bot_daily"):
        report.template("week")
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(broken, tmp_path / "broken.ipynb")
    with pytest.raises(Unavailable, match="broken.ipynb failed with ZeroDivisionError"):
        report.execute(tmp_path / "broken.ipynb", {})

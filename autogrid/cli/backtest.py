"""`autogrid backtest`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogrid.core.study import Study, parse_study
from autogrid.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from autogrid.research.result import Result


def backtest(
    study: Annotated[Path, typer.Argument(help="Study file (TOML).")],
    candles: Annotated[Path | None, typer.Option(help="Candle file instead of the store's.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the result as JSON; - for stdout.")] = None,
    fills: Annotated[Path | None, typer.Option(help="Write the fills as CSV; - for stdout.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with summary and plot.")] = None,
) -> None:
    """Backtest a study's grid or strategy and show or write the result."""
    one_output(json_out, fills)
    hand_over(run_study(read_study(study), candles), json_out, fills, html)


def one_output(json_out: Path | None, fills: Path | None) -> None:
    """InvalidInput where both want standard output."""
    if str(json_out) == str(fills) == "-":
        raise InvalidInput("only one of --json and --fills can be - (standard output)")


def hand_over(result: "Result", json_out: Path | None, fills: Path | None, html: Path | None = None) -> None:
    """Write a result where it is asked for, or show it."""
    if json_out is not None:
        write(json_out, json.dumps(result.to_json(), indent=2) + "\n")
    if fills is not None:
        write(fills, result.csv())
    if html is not None:
        write(html, result.html())
    if "-" in (str(json_out), str(fills)):
        for warning in result.warnings:
            typer.echo(f"warning: {warning}", err=True)
        return
    from autogrid.cli.summary import show

    show(result)


def read_study(path: Path) -> Study:
    """The study in a file."""
    return parse_study(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a study file."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"the study file cannot be read: {error}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8 text: a study is a TOML file") from None


def run_study(study: Study, file: Path | None) -> "Result":
    """Backtest a study on a candle file or, without one, on the store's candles."""
    from autogrid.research.study import backtest_study

    return backtest_study(study, study_candles(study, file))


def study_candles(study: Study, file: Path | None) -> "pd.DataFrame":
    """The store's candles as [candles] names them, or all those of a file."""
    from autogrid.data.rules import study_market
    from autogrid.strategies.registry import worked

    # The study's own mistakes are said before candles are looked for.
    worked(study)
    study_market(study)
    if file is not None:
        from autogrid.data.frame import read_candles

        if study.start or study.end:
            typer.echo(f"note: start and end of [candles] are the store's; all of {file} is used", err=True)
        return read_candles(file)
    from autogrid.data.load import load_candles

    if not (study.exchange and study.symbol and study.timeframe):
        raise InvalidInput("a study without --candles needs exchange, symbol ([market]) and timeframe ([candles])")
    return load_candles(study.exchange, study.symbol, study.timeframe, study.start, study.end)


def write(out: Path, text: str) -> None:
    """Write text to a file, or to standard output where `out` is "-"."""
    if str(out) == "-":
        sys.stdout.write(text)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written: {error.strerror}; choose another place") from None

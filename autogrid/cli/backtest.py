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
    """Backtest a study's grid and show or write the result."""
    if str(json_out) == str(fills) == "-":
        raise InvalidInput("only one of --json and --fills can be - (standard output)")
    result = run_study(read_study(study), candles)
    if json_out is not None:
        _write(json_out, json.dumps(result.to_json(), indent=2) + "\n")
    if fills is not None:
        result.to_csv(sys.stdout if str(fills) == "-" else fills)
    if html is not None:
        result.to_html(html)
    if "-" not in (str(json_out), str(fills)):
        from autogrid.cli.summary import show

        show(result)


def read_study(path: Path) -> Study:
    """The study in a file."""
    try:
        return parse_study(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InvalidInput(f"the study file cannot be read: {error}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8 text: a study is a TOML file") from None


def run_study(study: Study, file: Path | None) -> "Result":
    """Backtest a study on a candle file or, without one, on the store's candles."""
    market, grid = study.market, study.grid()
    from autogrid.research.backtest import backtest as run

    return run(
        grid,
        study_candles(study, file),
        market,
        cash=None if study.cash is None else str(study.cash),
        path=study.path,
        penetration_ticks=study.penetration_ticks,
        slippage_ticks=study.slippage_ticks,
    )


def study_candles(study: Study, file: Path | None) -> "pd.DataFrame":
    """The candles a study asks for, within its start and end (exclusive)."""
    if file is None:
        from autogrid.data.load import load_candles

        if not (study.exchange and study.symbol and study.timeframe):
            raise InvalidInput("a study without --candles needs exchange, symbol ([market]) and timeframe ([candles])")
        return load_candles(study.exchange, study.symbol, study.timeframe, study.start, study.end)
    from autogrid.data.frame import read_candles

    frame = read_candles(file)
    inside = frame.index == frame.index
    if study.start is not None:
        inside &= frame.index >= study.start
    if study.end is not None:
        inside &= frame.index < study.end
    if not inside.any():
        raise InvalidInput(
            f"{file} has no candles from {study.start} to {study.end}; it spans {frame.index[0]} to {frame.index[-1]}"
        )
    return frame[inside]


def _write(out: Path, text: str) -> None:
    if str(out) == "-":
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")

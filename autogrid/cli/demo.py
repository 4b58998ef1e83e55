"""`autogrid demo`: the research half on one screen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    import autogrid as ag

CELLS = tuple(range(10, 110, 5))
WIDTHS = tuple(range(2, 12))


def demo(
    candles: Annotated[Path | None, typer.Option(help="Candle file; a synthetic market without one.")] = None,
    timeframe: Annotated[str, typer.Option(help="The file's timeframe.")] = "1m",
    out: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("out/demo.html"),
) -> None:
    """Import candles into PostgreSQL, backtest a grid, sweep 200 more, write a page."""
    from rich.console import Console

    import autogrid as ag
    from autogrid.cli.summary import show

    console = Console()
    frame, label = _candles(candles, timeframe, console)
    frame.attrs["label"] = label
    market = ag.Market(tick="0.01", lot="0.00001", min_notional="1", maker_fee="0.001", taker_fee="0.001")
    start = float(frame["open"].iloc[0])
    grid = _grid(start, 8, 40)
    console.rule("[bold]2  One grid, backtested to the last unit")
    result = ag.backtest(grid, frame, market)
    show(result, console)
    console.rule("[bold]3  200 grids on the same candles")
    ranges = [(round(start * (1 - w / 100)), round(start * (1 + w / 100))) for w in WIDTHS]
    swept = ag.sweep(grid, {"lower": [a for a, _ in ranges], "cells": CELLS}, frame, market).frame.dropna(
        subset="total_return"
    )
    columns = ["lower", "cells", "total_return", "vs_hold", "max_drawdown", "round_trips", "fees"]
    best = swept.nlargest(5, "total_return")[columns]
    console.print(best.to_string(index=False, float_format=lambda x: f"{x:.4f}"))
    console.print("The best of many is picked by luck too: test it on other candles before believing it.", style="dim")
    out.parent.mkdir(parents=True, exist_ok=True)
    result.to_html(out)
    console.rule("[bold]Next")
    console.print(f"Look at [bold]{out}[/], then try your own:")
    console.print("  autogrid candles import FILE --exchange binance --symbol BTC/USDT --timeframe 1m")
    console.print("  autogrid backtest backtests/demo.toml --candles FILE --html out/mine.html", soft_wrap=True)


def _candles(path: Path | None, timeframe: str, console: "Console") -> "tuple[pd.DataFrame, str]":
    from tempfile import TemporaryDirectory

    import autogrid as ag
    from autogrid.data.export import write_candles
    from autogrid.data.ingest import import_file

    console.rule("[bold]1  Candles into PostgreSQL")
    with TemporaryDirectory() as folder:
        if path is None:
            from autogrid.research.synthetic import synthetic_candles

            made = synthetic_candles(days=60)
            label, exchange = str(made.attrs["label"]), "synthetic"
            path = Path(folder) / "synthetic.parquet"
            write_candles(made, path)
        else:
            label, exchange = path.name, "demo-file"
        imported = import_file(path, exchange, path.stem, timeframe)
        frame = ag.load_candles(exchange, path.stem, timeframe)
    console.print(
        f"[bold]{label}[/]: {len(frame):,} candles stored ({imported.inserted:,} new), read back through Arrow"
    )
    return frame, label


def _grid(price: float, width_percent: int, cells: int) -> "ag.Grid":
    import autogrid as ag

    low, high = (str(round(price * (1 + sign * width_percent / 100), 2)) for sign in (-1, 1))
    return ag.Grid(lower=low, upper=high, cells=cells, spacing="geometric", investment="10000")

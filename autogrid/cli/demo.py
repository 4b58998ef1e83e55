"""`autogrid demo`: the whole way on one screen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogrid.cli.demo_live import SYMBOL, rules

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
    serve: Annotated[bool, typer.Option("--serve", help="Leave API and web page running on it, until Ctrl-C.")] = False,
) -> None:
    """The whole way on one screen: candles, backtest, sweep, a live bot, a killed worker, live equals replay."""
    import signal

    from rich.console import Console

    from autogrid.cli import demo_live, demo_serve, demo_stage

    console = Console()
    # What ends the demo ends all that it started. Shells start background jobs with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with demo_stage.own_home() as home, demo_stage.workers(2, home / "workers.log") as running:
            frame = _research(candles, timeframe, out, console)

            def after() -> None:
                _next(out, console)
                if serve:
                    demo_serve.serve(home, console)

            demo_live.show(frame, timeframe, home, out.with_suffix(".toml"), running, console, after)
    except KeyboardInterrupt:
        console.print("\nstopped, with everything that was started")
        raise typer.Exit(130) from None


def _research(candles: Path | None, timeframe: str, out: Path, console: "Console") -> "pd.DataFrame":
    """Sections 1 to 3; the candles."""
    import autogrid as ag
    from autogrid.cli.summary import show

    frame, label = _candles(candles, timeframe, console)
    frame.attrs["label"] = label
    start = float(frame["open"].iloc[0])
    market = ag.Market(**rules(start))
    grid = _grid(start, 8, 40)
    console.rule("[bold]2  One grid, backtested to the last unit")
    result = ag.backtest(grid, frame, market)
    show(result, console)
    console.rule("[bold]3  200 grids on the same candles")
    values = {"lower": [f"{start * (1 - w / 100):.8g}" for w in WIDTHS], "cells": CELLS}
    swept = ag.sweep(grid, values, frame, market, daily=True, progress=False)
    columns = ["lower", "cells", "total_return", "vs_hold", "max_drawdown", "round_trips", "fees"]
    best = swept.best(count=5)[columns]
    console.print(best.to_string(index=False, float_format=lambda x: f"{x:.4f}"))
    console.print(_luck(swept), style="dim")
    out.parent.mkdir(parents=True, exist_ok=True)
    result.to_html(out)
    return frame


def _luck(swept: "ag.Sweep") -> str:
    from autogrid.errors import InvalidInput

    try:
        return swept.overfit().verdict
    except InvalidInput:  # too few days to say how much
        return "The best of many is picked by luck too: test it on other candles before believing it."


def _next(out: Path, console: "Console") -> None:
    console.rule("[bold]Next")
    console.print(f"Look at [bold]{out}[/] and at the study [bold]{out.with_suffix('.toml')}[/], then try your own:")
    for line in (
        "autogrid candles import FILE --exchange binance --symbol BTC/USDT --timeframe 1m",
        f"autogrid backtest {out.with_suffix('.toml')} --candles FILE --html out/mine.html",
        "autogrid up                       # in another terminal: workers, beat, streams",
        "autogrid promote STUDY.toml --to paper && autogrid bots watch",
    ):
        console.print(f"  {line}", soft_wrap=True, highlight=False)


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
            label = str(made.attrs["label"])
            path = Path(folder) / "synthetic.parquet"
            write_candles(made, path)
        else:
            label = path.name
        # Under this name in the demo's own store only: the exchange that the bot trades on speaks Binance's API.
        imported = import_file(path, "binance", SYMBOL, timeframe)
        frame = ag.load_candles("binance", SYMBOL, timeframe)
    console.print(
        f"[bold]{label}[/]: {len(frame):,} candles stored ({imported.inserted:,} new), read back through Arrow"
    )
    return frame, label


def _grid(price: float, width_percent: int, cells: int) -> "ag.Grid":
    import autogrid as ag

    low, high = (f"{price * (1 + sign * width_percent / 100):.8g}" for sign in (-1, 1))
    return ag.Grid(lower=low, upper=high, cells=cells, spacing="geometric", investment="10000")

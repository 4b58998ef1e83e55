"""`autogrid walkforward`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogrid.cli.backtest import read_study, study_candles, write
from autogrid.errors import InvalidInput
from autogrid.strategies.registry import worked

if TYPE_CHECKING:
    from autogrid.research.folds import WalkForward

Values = dict[str, list[str | int]]


def walkforward(
    study: Annotated[Path, typer.Argument(help="Study file (TOML).")],
    vary: Annotated[list[str], typer.Option(help="Field and its values: cells=20,40,60; may be repeated.")],
    train: Annotated[str, typer.Option(help="Choose on this long.")] = "30d",
    test: Annotated[str, typer.Option(help="Work the chosen grid for this long.")] = "7d",
    step: Annotated[str | None, typer.Option(help="From one window to the next; as long as the test.")] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="Always train from the first candle on.")] = False,
    scaled: Annotated[
        bool, typer.Option("--scaled", help="Prices are meant for the first candle, and move with each window's open.")
    ] = False,
    metric: Annotated[str, typer.Option(help="Choose the grid with the largest.")] = "sharpe",
    candles: Annotated[Path | None, typer.Option(help="Candle file instead of the store's.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the result as JSON; - for stdout.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with summary and plot.")] = None,
) -> None:
    """Choose the best grid again and again, each time on the days before, and see what it makes on the days after."""
    values = varied(vary)
    parsed = read_study(study)
    grid = worked(parsed)
    frame = study_candles(parsed, candles)
    from autogrid.data.rules import study_market
    from autogrid.research.walkforward import walk_forward

    found = walk_forward(
        grid, values, frame, study_market(parsed), train=train, test=test, step=step, anchored=anchored, scaled=scaled,
        metric=metric, cash=None if parsed.cash is None else str(parsed.cash), path=parsed.path,
        penetration_ticks=parsed.penetration_ticks, slippage_ticks=parsed.slippage_ticks,
    )  # fmt: skip
    if json_out is not None:
        write(json_out, json.dumps(found.to_json(), indent=2) + "\n")
    if html is not None:
        write(html, found.html())
    if str(json_out) != "-":
        _show(found)


def varied(given: list[str]) -> Values:
    """`["cells=20,40", "lower=100"]` as field -> values; whole numbers become numbers, prices stay exact texts."""
    found: Values = {}
    for each in given:
        name, _, text = each.partition("=")
        values = [part.strip() for part in text.split(",") if part.strip()]
        if not name.strip() or not values:
            raise InvalidInput(f"--vary must be a field and its values, such as cells=20,40,60, was {each!r}")
        if name.strip() in found:
            raise InvalidInput(f"--vary names {name.strip()} twice: write all of its values into one")
        found[name.strip()] = [int(part) if part.isdecimal() and len(part) < 20 else part for part in values]
    return found


def _show(found: "WalkForward") -> None:
    from rich.console import Console
    from rich.table import Table

    from autogrid.cli.summary import show_facts

    console = Console()
    show_facts(console, f"Walk-forward, {len(found.folds)} windows", found.verdict, found.facts())
    table = Table("test from", "chosen", box=None, padding=(0, 2))
    for name in ("a day in sample", "out of sample"):
        table.add_column(name, justify="right", no_wrap=True)
    for fold, start in zip(found.folds, found.frame["test_start"], strict=True):
        chosen = ", ".join(f"{name} {value}" for name, value in fold.chosen.items()) or "-"
        inside = f"{fold.in_sample:+.3%}" if fold.chosen else "-"
        table.add_row(f"{start:%Y-%m-%d %H:%M}".removesuffix(" 00:00"), chosen, inside, f"{fold.out_of_sample:+.3%}")
    console.print(table)
    refused = [fold.error for fold in found.folds if fold.error]
    if refused:
        counts = f"{len(refused)} of {len(found.folds)} windows stood still"
        console.print(f"[yellow]warning:[/] {counts}, the first because: {refused[0]}", soft_wrap=True)

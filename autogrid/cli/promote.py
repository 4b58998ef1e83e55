"""`autogrid promote` and `autogrid verify`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autogrid.cli.backtest import read_text
from autogrid.core.bot import DEFAULT_WINDOW

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"pass": "green", "warn": "yellow", "fail": "red"}


class Target(StrEnum):
    """What a study becomes."""

    paper = "paper"
    live = "live"


Candles = Annotated[Path | None, typer.Option(help="Candle file instead of the store's.")]


def promote(
    study: Annotated[Path, typer.Argument(help="Study file (TOML).")],
    to: Annotated[Target, typer.Option(help="Simulated orders on real candles, or real orders.")],
    account: Annotated[str | None, typer.Option(help="Account by name; paper has one of its own.")] = None,
    candles: Candles = None,
    name: Annotated[str | None, typer.Option(help="Name of the bot; the study file's by default.")] = None,
    max_open_orders: Annotated[
        int, typer.Option(help="Most orders resting at once, those nearest to the price.")
    ] = DEFAULT_WINDOW,
    start: Annotated[bool, typer.Option("--start/--no-start", help="Let it trade at once, or wait for resume.")] = True,
) -> None:
    """Prove a study (gates, replay), store its passport and make a bot of it."""
    from rich.console import Console

    text = read_text(study)
    from autogrid.data.frame import read_candles
    from autogrid.promotion.promote import Wanted, promote
    from autogrid.store.engine import engine

    wanted = Wanted(
        study=text,
        to=to.value,
        account=account,
        name=name or study.stem,
        candles=None if candles is None else read_candles(candles),
        window=max_open_orders,
        start=start,
    )
    done = promote(engine(), wanted)
    console = Console()
    show_gates(console, done.passport.gates)
    console.print(f"passport [bold]{done.passport.id[:12]}[/]  fills {done.passport.fills_sha256[:12]}")
    console.print(f"bot [bold]{done.bot_id}[/] ({wanted.name}, {to.value}): " + ("runs" if start else "waits"))
    console.print(f"next: autogrid bots {'explain' if start else 'resume'} {done.bot_id}", style="dim")


def show_gates(console: "Console", gates: list[dict[str, Any]]) -> None:
    """The gate table."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("gate", "", "expected", "found", box=None, padding=(0, 2))
    for row in gates:
        # Names of sections such as [market] are no styles.
        found = escape(row["actual"]) + (f"\n[dim]{escape(row['remedy'])}[/]" if row["remedy"] else "")
        status = row["status"]
        table.add_row(row["gate"], f"[{STYLES[status]}]{status}[/]", escape(row["expected"]), found)
    console.print(table)


def verify(
    passport: Annotated[str, typer.Argument(help="Passport id, or its first characters (8 or more).")],
    candles: Candles = None,
    study: Annotated[Path | None, typer.Option(help="Study file to compare with.")] = None,
) -> None:
    """Derive a passport again and name what differs; exit code 1 if anything does."""
    from rich.console import Console
    from rich.table import Table

    from autogrid.data.frame import read_candles
    from autogrid.promotion.verify import verify
    from autogrid.store import passports
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        found = passports.get(connection, passport)
    frame = None if candles is None else read_candles(candles)
    checks = verify(found, frame, None if study is None else read_text(study))
    table = Table("", "", "expected", "found", box=None, padding=(0, 2))
    for check in checks:
        if check.holds:
            table.add_row(check.name, "[green]holds[/]", check.expected[:24], "")
        else:
            actual = f"{check.actual}\n[dim]{check.remedy}[/]"
            table.add_row(check.name, "[red]differs[/]", check.expected, actual)
    Console().print(table)
    if not all(check.holds for check in checks):
        raise typer.Exit(1)

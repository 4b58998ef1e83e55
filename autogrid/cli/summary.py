"""A result on a terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from autogrid.research.result import Result


def show(result: "Result", console: Console | None = None) -> None:
    """Key figures and warnings, short."""
    from autogrid.research.html import rows

    console = console or Console()
    grid = result.run.plan.grid
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, text in rows(result):
        table.add_row(name, f"[bold]{text}[/]")
    console.print(f"[bold]{grid.label}[/]")
    console.print(f"{len(result.candles):,} candles  {result.candles.attrs.get('label', '')}", style="dim")
    console.print(table)
    for warning in result.warnings:
        console.print(f"[yellow]warning:[/] {warning}")

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
    label = result.candles.attrs.get("label", "")
    show_facts(console, result.run.label, f"{len(result.candles):,} candles  {label}", rows(result))
    for warning in result.warnings:
        console.print(f"[yellow]warning:[/] {warning}")


def show_facts(console: Console, title: str, below: str, facts: list[tuple[str, str]]) -> None:
    """A title, a sentence below it, facts."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, text in facts:
        table.add_row(name, f"[bold]{text}[/]")
    console.print(f"[bold]{title}[/]")
    console.print(below, style="dim")
    console.print(table)

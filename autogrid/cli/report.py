"""`autogrid report`."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="A report made here and now: study.", no_args_is_help=True)


@app.callback()
def _reports() -> None:
    """A report made here and now."""


@app.command("study")
def study_(
    study: Annotated[Path, typer.Argument(help="Study file (TOML).")],
    candles: Annotated[Path | None, typer.Option(help="Candle file instead of the store's.")] = None,
    out: Annotated[Path | None, typer.Option(help="The page; out/STUDY.html by default.")] = None,
) -> None:
    """Run a study's report notebook and write it as one HTML page."""
    from autogrid.cli.backtest import read_study
    from autogrid.strategies.registry import worked

    worked(read_study(study))  # its mistakes are said at once
    from autogrid.research.report import study_report

    target = out or Path("out") / f"{study.stem}.html"
    study_report(study, candles, target)
    typer.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB")

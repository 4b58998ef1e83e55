"""`autogrid replay`."""

from pathlib import Path
from typing import Annotated

import typer

from autogrid.cli.backtest import hand_over, one_output, read_study, study_candles
from autogrid.strategies.registry import worked


def replay(
    study: Annotated[Path, typer.Argument(help="Study file (TOML).")],
    candles: Annotated[Path | None, typer.Option(help="Candle file instead of the store's.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the result as JSON; - for stdout.")] = None,
    fills: Annotated[Path | None, typer.Option(help="Write the fills as CSV; - for stdout.")] = None,
) -> None:
    """Run a study through the live engine on a simulated exchange; same output as backtest."""
    one_output(json_out, fills)
    parsed = read_study(study)
    worked(parsed)  # its mistakes are said before candles are looked for
    from autogrid.promotion.parity import replay_study

    hand_over(replay_study(parsed, study_candles(parsed, candles)), json_out, fills)

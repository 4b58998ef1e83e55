"""`autogrid twin`."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogrid.cli.ids import BotId

if TYPE_CHECKING:
    from autogrid.live import twin_run


def twin(
    bot: BotId,
    candles: Annotated[Path | None, typer.Option(help="Candle file of its period instead of the store's.")] = None,
) -> None:
    """Compare a bot with the replay of its candles: where each cent of difference came from."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from autogrid.live import twin_run
    from autogrid.store.engine import engine

    found = twin_run.period(engine(), bot, datetime.now(UTC))
    used = twin_run.stored(engine(), found) if candles is None else _file(candles, found)
    done = twin_run.twin(engine(), found, used)
    day = datetime.fromtimestamp(used[-1][0] / 1000, UTC).date()
    with engine().begin() as connection:
        row = twin_run.save(connection, found.bot, day, done)
    quote = found.bot.quote_asset
    table = Table("", f"{quote}", box=None)
    table.columns[1].justify = "right"
    for name, atoms in (("bot", done.actual), ("twin", done.expected)):
        table.add_row(name, f"{twin_run.money(done.market, atoms):+f}")
    for name, atoms in done.parts.items():
        table.add_row(f"  {name}", f"{twin_run.money(done.market, atoms):+f}")
    table.add_row("[bold]difference[/]", f"[bold]{twin_run.money(done.market, done.difference):+f}[/]")
    table.add_row("not explained", f"{twin_run.money(done.market, done.residual):f}")
    console = Console()
    console.print(table)
    console.print(f"{row.divergence_bps:.2f} bps of the budget; {done.lacking} fills lacking, {done.extra} extra")
    if done.untaken:
        console.print(
            f"{done.untaken} of the bot's grids are not the twin's: they could not start at the candle's open"
        )
    if done.borrowed:
        console.print(
            f"the twin spent up to {done.market.money(done.borrowed):f} {quote} more than the bot had: it works every "
            "grid that the bot could pay for"
        )


def _file(path: Path, found: "twin_run.Period") -> "list[twin_run.Candle]":
    from autogrid.data.frame import read_candles
    from autogrid.errors import InvalidInput

    frame = read_candles(path)
    ts = frame.index.as_unit("ms").asi8.tolist()  # type: ignore[attr-defined]
    columns = [frame[name].tolist() for name in ("open", "high", "low", "close")]
    step = min((b - a for a, b in pairwise(ts)), default=60_000)
    rows = [row for row in zip(ts, *columns, strict=True) if row[0] + step > found.start and row[0] < found.end]
    if not rows:
        raise InvalidInput(f"{path} has no candles of the time in which bot {found.bot.id} was at work")
    return rows

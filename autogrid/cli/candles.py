"""`autogrid candles`: what is stored, and how candles come in and go out."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Candles: list, import, fetch, export.", no_args_is_help=True)

Exchange = Annotated[str, typer.Argument(help="Exchange, such as binance.")]
Symbol = Annotated[str, typer.Argument(help="Symbol, such as BTC/USDT.")]
Timeframe = Annotated[str, typer.Argument(help="Length of a candle, such as 1m, 4h, 1d.")]
OmitsEmpty = Annotated[
    bool | None,
    typer.Option(
        "--omits-empty/--no-omits-empty",
        help="Whether the exchange omits candles without trades; stored as the reason of gaps.",
    ),
]


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")


@app.command("list")
def list_() -> None:
    """What is stored: one line per uninterrupted stretch that was imported or fetched."""
    from rich.console import Console
    from rich.table import Table

    from autogrid.data.timeframe import format_timeframe
    from autogrid.store import coverage
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        rows = coverage.listing(connection)
    table = Table("exchange", "symbol", "timeframe", "from (UTC)", "to (excluded)")
    table.add_column("candles", justify="right")
    for series, spans in rows:
        for span in spans:
            name = (series.exchange, series.symbol, format_timeframe(series.timeframe_s))
            table.add_row(*name, _time(span.start), _time(span.end), f"{span.candles:,}")
    if rows:
        Console().print(table)
    else:
        typer.echo("No candles are stored. See: autogrid candles import --help, autogrid candles fetch --help")


@app.command()
def gaps(exchange: Exchange, symbol: Symbol, timeframe: Timeframe) -> None:
    """Stretches without candles, with the reason; also those between imports."""
    from rich.console import Console
    from rich.table import Table

    from autogrid.data.ingest import series as series_of
    from autogrid.data.spans import missing
    from autogrid.errors import InvalidInput
    from autogrid.store import coverage
    from autogrid.store.engine import engine

    series = series_of(exchange, symbol, timeframe)
    with engine().connect() as connection:
        spans = coverage.spans(connection, series)
        found = coverage.gaps(connection, series)
    if not spans:
        raise InvalidInput(f"{exchange} {symbol} {timeframe}: expected stored candles, found none.")
    holes = missing((spans[0].start, spans[-1].end), [(s.start, s.end) for s in spans])
    step = series.timeframe_s * 1000
    rows = [(g.start, g.end, g.candles, g.reason) for g in found]
    rows += [(a, b, (b - a) // step, "never imported") for a, b in holes]
    table = Table("from (UTC)", "to (excluded)")
    table.add_column("candles", justify="right")
    table.add_column("reason")
    for start, end, count, reason in sorted(rows):
        table.add_row(_time(start), _time(end), f"{count:,}", reason)
    if rows:
        Console().print(table)
    typer.echo(f"{len(rows)} gaps, {sum(row[2] for row in rows):,} candles.")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Parquet, CSV, Binance zip, freqtrade feather/json.")],
    exchange: Annotated[str, typer.Option(help="Exchange the candles are from.")],
    symbol: Annotated[str, typer.Option(help="Symbol, such as BTC/USDT.")],
    timeframe: Annotated[str, typer.Option(help="Length of a candle, such as 1m.")],
    omits_empty: OmitsEmpty = None,
) -> None:
    """Check and store candle files. A refused file leaves nothing behind; a repeated one changes nothing."""
    from rich.progress import Progress

    from autogrid.data.ingest import import_file

    lines = []
    with Progress(transient=True) as progress:
        for path in progress.track(files, description="Importing"):
            reason = "exchange_omits_empty" if omits_empty else "missing"
            done = import_file(path, exchange, symbol, timeframe, reason)  # type: ignore[arg-type]
            lines += [
                f"{path}: {done.candles:,} candles, {done.inserted:,} new, {done.changed:,} changed",
                *done.notes,
            ]
    typer.echo("\n".join(lines))


@app.command()
def fetch(
    exchange: Exchange,
    symbol: Symbol,
    timeframe: Timeframe,
    since: Annotated[str, typer.Option(help="First time wanted, UTC, such as 2024-01-01.")],
    until: Annotated[str | None, typer.Option(help="First time not wanted; default now.")] = None,
    omits_empty: OmitsEmpty = None,
) -> None:
    """Fetch what is missing from an exchange. Stop it at any time: the next run goes on from there."""
    from rich.progress import Progress

    from autogrid.data import fetch as fetching
    from autogrid.data.load import time_ms
    from autogrid.data.rules import store_rules
    from autogrid.data.sources.ccxt_source import OMITS_EMPTY, open_exchange

    begin, end = time_ms(since), None if until is None else time_ms(until)
    omits = exchange in OMITS_EMPTY if omits_empty is None else omits_empty
    client = open_exchange(exchange, timeframe)
    with Progress(transient=True) as bar:
        task = bar.add_task(f"{exchange} {symbol} {timeframe}", total=None)

        def progress(at: int, stop: int) -> None:
            bar.update(task, completed=at - begin, total=stop - begin, description=_time(at))

        done = fetching.fetch(
            client,
            exchange,
            symbol,
            timeframe,
            begin,
            end,
            gap_reason="exchange_omits_empty" if omits else "missing",
            progress=progress,
        )
    typer.echo(f"{exchange} {symbol} {timeframe}: {done.inserted:,} new candles in {done.pages} pages")
    market = store_rules(client, exchange, symbol)
    if market is None:
        typer.echo("The exchange tells no price tick and lot: studies of this market need their own [market] keys.")
    else:
        typer.echo(
            f"Rules stored: tick {market.tick:f}, lot {market.lot:f}, min_notional {market.min_notional:f}, "
            f"fees {market.maker_fee:f} / {market.taker_fee:f}, a buy's taken from {market.buy_fee_asset}"
        )


@app.command()
def export(
    exchange: Exchange,
    symbol: Symbol,
    timeframe: Timeframe,
    out: Annotated[Path, typer.Option(help="File to write: .parquet or .csv.")],
    start: Annotated[str | None, typer.Option(help="First time, UTC.")] = None,
    end: Annotated[str | None, typer.Option(help="First time left out.")] = None,
) -> None:
    """Write stored candles to a file that `import` and `read_candles` take."""
    from autogrid.data.export import write_candles
    from autogrid.data.load import load_candles

    frame = load_candles(exchange, symbol, timeframe, start, end)
    write_candles(frame, out)
    typer.echo(f"{out}: {len(frame):,} candles")

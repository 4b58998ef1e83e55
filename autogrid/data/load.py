"""Candles out of the store, mapped from the cache when they were loaded before."""

import warnings
from datetime import UTC, datetime

import pandas as pd

from autogrid.data import cache, spans
from autogrid.data.frame import to_frame
from autogrid.data.ingest import series as series_of
from autogrid.data.timeframe import format_timeframe
from autogrid.errors import InvalidInput
from autogrid.store import candles, coverage
from autogrid.store.coverage import Series, Span
from autogrid.store.engine import engine, libpq_url

Time = str | datetime | pd.Timestamp


def time_ms(time: Time) -> int:
    """ms of a time; without a zone it is UTC."""
    try:
        stamp = pd.Timestamp(time)
    except ValueError as error:
        raise InvalidInput(f"time: expected something like 2024-01-01 or 2024-01-01T12:00, found {time!r}.") from error
    if pd.isna(stamp):
        raise InvalidInput(f"time: expected something like 2024-01-01, found {time!r}.")
    stamp = stamp.tz_localize(UTC) if stamp.tzinfo is None else stamp
    return coverage.to_ms(stamp.to_pydatetime(warn=False))


def load_candles(
    exchange: str, symbol: str, timeframe: str, start: Time | None = None, end: Time | None = None
) -> pd.DataFrame:
    """Stored candles with open times in [start, end), everything stored when they are left out.

    InvalidInput when nothing is stored there, naming what is. A part that was never imported is left out
    with a warning; gaps inside what was imported are listed by `autogrid candles gaps`.
    """
    series = series_of(exchange, symbol, timeframe)
    with engine().connect() as connection:
        stored = coverage.spans(connection, series)
        if not stored:
            raise _nothing(series, coverage.listing(connection))
        market_id = coverage.market_id(connection, series)
    assert market_id is not None
    first = stored[0].start if start is None else time_ms(start)
    last = stored[-1].end if end is None else time_ms(end)
    if first >= last:
        raise InvalidInput(f"time range: expected start < end, found {_text(first)} and {_text(last)}.")
    used = [span for span in stored if span.start < last and span.end > first]
    if not used:
        raise _nothing(series, [(series, stored)])
    _warn(series, spans.missing((first, last), [(span.start, span.end) for span in used]))
    path = cache.file_of(series, first, last, used)
    arrays = cache.get(path)
    if arrays is None:
        arrays = candles.read(libpq_url(), market_id, series.timeframe_s, first, last)
        cache.put(path, arrays)
    return to_frame(*arrays)


def _text(ms: int) -> str:
    return coverage.when(ms).strftime("%Y-%m-%dT%H:%M:%S").replace("T00:00:00", "")


def _warn(series: Series, holes: list[spans.Stretch]) -> None:
    if holes:
        text = ", ".join(f"{_text(a)} .. {_text(b)}" for a, b in holes)
        name = f"{series.exchange} {series.symbol} {format_timeframe(series.timeframe_s)}"
        warnings.warn(f"{name}: never imported: {text}", stacklevel=3)


def _nothing(series: Series, stored: list[tuple[Series, list[Span]]]) -> InvalidInput:
    timeframe = format_timeframe(series.timeframe_s)
    have = "; ".join(
        f"{s.exchange} {s.symbol} {format_timeframe(s.timeframe_s)} {_text(p[0].start)} .. {_text(p[-1].end)}"
        for s, p in stored
    )
    return InvalidInput(
        f"candles of {series.exchange} {series.symbol} {timeframe}: expected some in the time range, "
        f"found none stored there. Stored: {have or 'nothing'}. "
        f"Run: autogrid candles fetch {series.exchange} {series.symbol} {timeframe} --since DATE, or "
        f"autogrid candles import FILE --exchange {series.exchange} --symbol {series.symbol} "
        f"--timeframe {timeframe}"
    )

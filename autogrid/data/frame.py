"""The candle frame and the checks every candle passes before it is used or stored.

A frame is a pandas DataFrame with the UTC DatetimeIndex "ts" (candle open, ms) and the float64 columns
open, high, low, close, volume.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autogrid.data.raw import COLUMNS, Raw
from autogrid.data.sources import read_raw
from autogrid.data.timeframe import anchor_ms, parse_timeframe
from autogrid.errors import InvalidInput

#: 1990 and 2200 in ms: a time outside is in the wrong unit, not an old or future candle.
_FIRST_MS, _LAST_MS = 631_152_000_000, 7_258_118_400_000


def _first(bad: NDArray[np.bool_]) -> int | None:
    index = int(bad.argmax()) if bad.size else 0
    return index if bad.size and bad[index] else None


def _check_times(raw: Raw, timeframe_ms: int | None) -> None:
    ts = raw.ts
    at = _first((ts < _FIRST_MS) | (ts >= _LAST_MS))
    if at is not None:
        raise raw.refuse(at, "a time in ms UTC (13 digits)", str(ts[at]), "Convert the times to milliseconds.")
    at = _first(ts[1:] <= ts[:-1])
    if at is not None:
        at += 1
        if ts[at] == ts[at - 1]:
            raise raw.refuse(
                at,
                "one candle per time",
                f"a duplicate of {ts[at]} ({_iso(ts[at])})",
                "Remove the duplicate.",
            )
        raise raw.refuse(
            at,
            f"a time after {ts[at - 1]} ({_iso(ts[at - 1])})",
            f"{ts[at]} ({_iso(ts[at])})",
            "Sort by time.",
        )
    if timeframe_ms is not None:
        at = _first((ts - anchor_ms(timeframe_ms // 1000)) % timeframe_ms != 0)
        if at is not None:
            raise raw.refuse(
                at,
                f"a time that is a multiple of {timeframe_ms // 1000} s",
                f"{ts[at]} ({_iso(ts[at])}), {ts[at] % timeframe_ms} ms off",
                "Check the timeframe.",
            )


def _check_values(raw: Raw) -> None:
    for name, values in zip(COLUMNS, raw.values, strict=True):
        good = values >= 0 if name == "volume" else values > 0
        at = _first(~(good & np.isfinite(values)))
        if at is not None:
            kind = "a finite volume, zero or more" if name == "volume" else f"a finite, positive {name}"
            raise raw.refuse(at, kind, str(values[at]), "Correct or remove the row.")
    high, low = raw.values[1], raw.values[2]
    at = _first(high < low)
    if at is not None:
        raise raw.refuse(at, "high >= low", f"high {high[at]} and low {low[at]}", "Correct or remove the row.")


def _iso(ms: int) -> str:
    return pd.Timestamp(int(ms), unit="ms", tz="UTC").isoformat()


def validate(raw: Raw, timeframe: str | None = None, now_ms: int | None = None) -> tuple[Raw, tuple[str, ...]]:
    """The rows that may be used, and notes for the user; InvalidInput names file and line of a bad row.

    Open and close outside [low, high] are no error: real feeds have them and the simulation widens the
    candle. With a timeframe, misaligned times are refused and a last candle that is still open is dropped
    with a note.
    """
    if len(raw) == 0:
        raise InvalidInput(f"{raw.source}: expected candles, found no rows. Check that this is the right file.")
    step = None if timeframe is None else parse_timeframe(timeframe) * 1000
    _check_times(raw, step)
    _check_values(raw)
    if step is None:
        return raw, ()
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    closed = int(np.searchsorted(raw.ts, now - step, side="right"))
    if closed >= len(raw):
        return raw, ()
    dropped = len(raw) - closed
    note = f"{raw.source}: dropped {dropped} candle(s) from {_iso(raw.ts[closed])} on: not closed yet"
    if dropped > 1:
        raise raw.refuse(
            closed + 1,
            "candles that have begun",
            f"{_iso(raw.ts[closed + 1])}, in the future",
            "Check the times.",
        )
    return raw.head(closed), (note,)


def to_frame(ts: NDArray[np.int64], values: tuple[NDArray[np.float64], ...]) -> pd.DataFrame:
    """The candle frame over these arrays, without copying them."""
    index = pd.DatetimeIndex(ts.view("datetime64[ms]"), copy=False).tz_localize("UTC").rename("ts")
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)), index=index, copy=False)


def read_candles(path: str | Path, timeframe: str | None = None) -> pd.DataFrame:
    """Candles of one file as a validated frame; the store is not involved.

    Parquet and CSV with ts (int64 ms UTC), open, high, low, close, volume; data.binance.vision CSV or zip;
    freqtrade feather or json. Give the timeframe to also have alignment and the still-open candle checked.
    """
    raw, _ = validate(read_raw(Path(path)), timeframe)
    return to_frame(raw.ts, raw.values)

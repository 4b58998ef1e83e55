"""Files into the store: read, check, write in one transaction."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autogrid.data.frame import validate
from autogrid.data.sources import read_raw
from autogrid.data.timeframe import parse_timeframe
from autogrid.errors import InvalidInput
from autogrid.store import candles, coverage
from autogrid.store.engine import engine

GapReason = Literal["missing", "exchange_omits_empty"]


@dataclass(frozen=True)
class Imported:
    """What one file brought."""

    path: str
    candles: int
    inserted: int
    changed: int
    notes: tuple[str, ...]


def series(exchange: str, symbol: str, timeframe: str) -> coverage.Series:
    """The series of these names; InvalidInput for an empty one or an unknown timeframe."""
    for name, value in (("exchange", exchange), ("symbol", symbol)):
        if not value.strip() or value != value.strip():
            raise InvalidInput(f"{name}: expected a name such as binance or BTC/USDT, found {value!r}.")
    return coverage.Series(exchange, symbol, parse_timeframe(timeframe))


def import_file(
    path: str | Path, exchange: str, symbol: str, timeframe: str, gap_reason: GapReason = "missing"
) -> Imported:
    """Store the candles of one file. A refused file leaves nothing behind; a repeated one changes nothing."""
    path = Path(path)
    target = series(exchange, symbol, timeframe)
    raw, notes = validate(read_raw(path), timeframe)
    if len(raw) == 0:
        raise InvalidInput(f"{path}: expected closed candles, found only one still open. Import it later.")
    batch = candles.Batch(
        ts=raw.ts,
        values=raw.values,
        start=int(raw.ts[0]),
        end=int(raw.ts[-1]) + target.timeframe_s * 1000,
        source=str(path),
        sha256=_sha256(path),
        gap_reason=gap_reason,
    )
    written = candles.put(engine(), target, batch)
    return Imported(str(path), len(raw), written.inserted, written.changed, notes)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Candle files of freqtrade: feather (with a "date" column) and json ([[ms, open, ..., volume], ...])."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather

from autogrid.data.raw import COLUMNS, Raw
from autogrid.data.sources.tabular import from_table
from autogrid.errors import InvalidInput


def read_feather(path: Path) -> Raw:
    """Candles of a feather file; the time column is freqtrade's "date" or "ts"."""
    try:
        table = feather.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidInput(f"{path}: expected a feather file; reading it failed: {error}") from error
    return from_table(table, str(path), ts_name="date" if "date" in table.column_names else "ts")


def read_json(path: Path) -> Raw:
    """Candles of a json or json.gz file."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rows = json.loads(data)
    except (ValueError, OSError, EOFError) as error:
        raise InvalidInput(f"{path}: expected JSON; reading it failed: {error}") from error
    return from_rows(rows, str(path))


def from_rows(rows: object, source: str) -> Raw:
    """Candles of [[ms, open, high, low, close, volume], ...], the shape ccxt and freqtrade share."""
    if not isinstance(rows, list):
        raise InvalidInput(f"{source}: expected a list of candles, found {type(rows).__name__}.")
    width = 1 + len(COLUMNS)
    for index, row in enumerate(rows):
        numbers = isinstance(row, list | tuple) and all(isinstance(x, int | float) for x in row[:width])
        if not numbers or len(row) < width or row[0] != int(row[0]):
            raise InvalidInput(
                f"{source}, row {index + 1}: expected {width} numbers (ms, open, high, low, close, volume), "
                f"found {row!r}. Correct or remove the row. Nothing of this file was kept."
            )
    ts = np.array([int(row[0]) for row in rows], dtype=np.int64)
    values = np.array([row[1:width] for row in rows], dtype=np.float64).reshape(-1, len(COLUMNS))
    return Raw(source, ts, tuple(np.ascontiguousarray(values[:, i]) for i in range(len(COLUMNS))))

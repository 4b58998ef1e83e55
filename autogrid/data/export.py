"""Candles to files."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from autogrid.data.raw import COLUMNS
from autogrid.errors import InvalidInput


def write_candles(frame: pd.DataFrame, path: Path) -> None:
    """Write a candle frame as parquet or CSV with ts in int64 ms; an existing file is replaced whole."""
    if path.suffix not in (".parquet", ".csv"):
        raise InvalidInput(f"export: expected a .parquet or .csv file, found {path.name!r}.")
    if not path.parent.is_dir():
        raise InvalidInput(f"export: expected a folder, found none at {path.parent}. Create it first.")
    ts = pd.DatetimeIndex(frame.index).tz_localize(None).to_numpy().astype("datetime64[ms]").view("int64")
    table = pa.table({"ts": ts, **{name: frame[name].to_numpy() for name in COLUMNS}})
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.suffix == ".parquet":
            pq.write_table(table, temporary, compression="zstd")
        else:
            pacsv.write_csv(table, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

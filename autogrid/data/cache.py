"""Closed ranges as Arrow files, mapped instead of read; the name of a file is a hash of what is in it."""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from autogrid.data.raw import COLUMNS
from autogrid.settings import settings
from autogrid.store.coverage import Series, Span

Arrays = tuple[NDArray[np.int64], tuple[NDArray[np.float64], ...]]
_NAMES = ("ts", *COLUMNS)


def file_of(series: Series, start: int, end: int, spans: Sequence[Span]) -> Path:
    """Where [start, end) of a series is kept as long as its spans stay as they are.

    A span's version changes with its candles, so a re-import that changes data leads to another name.
    """
    line = _digest([series.exchange, series.symbol, series.timeframe_s])
    content = _digest([line, start, end, [[s.start, s.end, s.candles, s.version] for s in spans]])
    return settings().autogrid_home / "cache" / line[:16] / f"{content}.arrow"


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()


def get(path: Path) -> Arrays | None:
    """The arrays of a cached file, mapped read-only; None when there is none or it is damaged."""
    try:
        with pa.memory_map(str(path)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
    except (FileNotFoundError, pa.ArrowInvalid):
        return None
    columns = [batch.column(name).to_numpy() for name in _NAMES]
    return columns[0], tuple(columns[1:])


def put(path: Path, arrays: Arrays, keep: int = 8) -> None:
    """Keep arrays under a name; a reader sees all of the file or none. The series' oldest files beyond
    `keep` are deleted (a process that has one mapped goes on using it)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    batch = pa.record_batch([pa.array(a) for a in (arrays[0], *arrays[1])], names=list(_NAMES))
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    os.close(handle)
    try:
        with pa.OSFile(temporary, "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    # Another process may delete the same files at this moment.
    aged = sorted(((_age(f), f) for f in path.parent.glob("*.arrow")), reverse=True)
    for _, old in aged[keep:]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0

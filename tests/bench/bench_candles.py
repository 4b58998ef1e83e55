"""Candles in and out, side by side in one run on a fresh embedded server; prints JSON lines.

Input: the two years of BitMEX minutes below ../shared/data, or a seeded random walk of the same length.
"""

import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg

from autogrid.data import cache
from autogrid.data.export import write_candles
from autogrid.data.frame import read_candles, to_frame
from autogrid.data.ingest import import_file
from autogrid.data.load import load_candles
from autogrid.data.raw import COLUMNS
from autogrid.settings import settings
from autogrid.store import candles, coverage
from autogrid.store.engine import close, engine, libpq_url

FILE = Path(__file__).parents[3] / "shared" / "data" / "bitmex_XBTUSD_1m_2018-2019.parquet"
NAMES = ("bitmex", "XBT/USD", "1m")
SERIES = coverage.Series("bitmex", "XBT/USD", 60)
ROUNDS = 5
QUERY = "SELECT ts, open, high, low, close, volume FROM candle WHERE market_id = 1 AND timeframe_s = 60"


def source(home: Path) -> tuple[Path, str]:
    if FILE.is_file():
        return FILE, FILE.name
    rng = np.random.default_rng(7)
    price = 7000 * np.exp(np.cumsum(rng.normal(0, 5e-4, 1_051_200)))
    ts = 1_514_764_800_000 + np.arange(len(price), dtype=np.int64) * 60_000
    frame = to_frame(ts, (price, price * 1.001, price * 0.999, price, np.ones(len(price))))
    write_candles(frame, home / "synthetic.parquet")
    return home / "synthetic.parquet", "synthetic"


def clock(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def show(name: str, **values: object) -> None:
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
    print(json.dumps({"bench": name, **rounded}), flush=True)


def raw_copy() -> int:
    """The least any reader has to do: take the server's binary rows and count their bytes."""
    with (
        psycopg.connect(libpq_url()) as connection,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({QUERY}) TO STDOUT (FORMAT BINARY)") as copy,
    ):
        return sum(len(block) for block in copy)


def by_pandas() -> pd.DataFrame:
    with engine().connect() as connection:
        return pd.read_sql(f"{QUERY} ORDER BY ts", connection, index_col="ts")


def first_load() -> pd.DataFrame:
    """A load that finds no cached file, and leaves one."""
    shutil.rmtree(settings().autogrid_home / "cache", ignore_errors=True)
    return load_candles(*NAMES)


def measure(path: Path, label: str) -> None:
    expected = read_candles(path)
    seconds = clock(lambda: import_file(path, *NAMES))
    show("candles.import", data=label, rows=len(expected), seconds=seconds, rows_per_s=len(expected) / seconds)
    show("candles.reimport", seconds=clock(lambda: import_file(path, *NAMES)))
    with engine().connect() as connection:
        span = coverage.spans(connection, SERIES)[0]
    pd.testing.assert_frame_equal(first_load(), expected)
    pd.testing.assert_frame_equal(by_pandas()[list(COLUMNS)], expected, check_index_type=False)

    runs: dict[str, Callable[[], object]] = {
        "pandas_read_sql": by_pandas,
        "raw_copy_counting_bytes": raw_copy,
        "adbc_to_numpy": lambda: candles.read(libpq_url(), 1, 60, span.start, span.end),
        "first_load": first_load,
        "second_load": lambda: load_candles(*NAMES),
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            taken[name].append(clock(run))
    median = {name: statistics.median(values) for name, values in taken.items()}
    for name, values in taken.items():
        show(f"candles.{name}", median_s=median[name], min_s=min(values), max_s=max(values), rounds=ROUNDS)
    show(
        "candles.ratios",
        read_sql_over_adbc=median["pandas_read_sql"] / median["adbc_to_numpy"],
        read_sql_over_first_load=median["pandas_read_sql"] / median["first_load"],
        adbc_over_raw_copy=median["adbc_to_numpy"] / median["raw_copy_counting_bytes"],
        first_load_over_raw_copy=median["first_load"] / median["raw_copy_counting_bytes"],
        first_over_second_load=median["first_load"] / median["second_load"],
    )
    path_of_cache = cache.file_of(SERIES, span.start, span.end, [span])
    show("candles.cache", megabytes=path_of_cache.stat().st_size / 1e6)


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="ag"))
    home.chmod(0o755)
    os.environ["AUTOGRID_HOME"] = str(home)
    os.environ.pop("DATABASE_URL", None)
    settings.cache_clear()
    try:
        measure(*source(home))
    finally:
        close()
        shutil.rmtree(home)


if __name__ == "__main__":
    main()

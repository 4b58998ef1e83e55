"""A sweep of 1,000 grids over two years of minutes: seconds, bar-configs per second, memory over the imports."""

import json
import os
import resource
import time
from pathlib import Path

import numpy as np

import autogrid as ag
from autogrid.research.synthetic import synthetic_candles

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "bitmex_XBTUSD_1m_2018-2019.parquet"
VALUES = {"cells": range(20, 220, 20), "lower": range(2000, 3000, 100), "upper": range(18000, 28000, 1000)}


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    market = ag.Market(tick="0.5", lot="0.00001", min_notional="1", maker_fee="0.001", taker_fee="0.001")
    grid = ag.Grid(lower="3000", upper="18000", cells=100, spacing="geometric", investment="100000")
    # Imports and compiled code, on a handful of candles.
    ag.sweep(
        ag.Grid(lower="57000", upper="63000", cells=9, investment="9000"),
        {"cells": [9, 10]}, synthetic_candles(days=1), market, progress=False,
    )  # fmt: skip
    imports = peak_mb()
    if DATA.exists():
        candles, label = ag.read_candles(DATA), DATA.name
    else:
        candles, label = synthetic_candles(days=730, start_price=8000), "synthetic"
    began = time.perf_counter()
    frame = ag.sweep(grid, VALUES, candles, market, progress=False).frame
    seconds = time.perf_counter() - began
    row = {
        "data": label,
        "grids": len(frame),
        "refused": int(frame["error"].notna().sum()),
        "fills": int(np.nansum(frame["fills"])),
        "candles": len(candles),
        "seconds": seconds,
        "bar_configs_per_s": len(frame) * len(candles) / seconds,
        "cores": os.cpu_count(),
        "memory_over_imports_mb": peak_mb() - imports,
        "goal": "memory <= 300 MB",
    }
    print(json.dumps({"bench": "sweep", **row}))


if __name__ == "__main__":
    main()

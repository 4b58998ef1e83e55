"""Kernel against vectorbt's flexible order function: same fills, one run, side by side, medians."""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

import autogrid as ag
from autogrid.research.backtest import plan_for
from autogrid.research.metrics import candle_facts, metrics
from autogrid.research.simulate import ledger, prepare, simulate
from autogrid.research.ticks import candle_ticks

sys.path.insert(0, str(Path(__file__).parent))
from vectorbt_grid import vectorbt_run

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "bitmex_XBTUSD_1m_2018-2019.parquet"
CELLS = (50, 100, 200, 400)


def median_time(function, repeat):
    # Processor time: other work on the machine does not count for or against either side.
    times = []
    for _ in range(repeat):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times)


def compare(cells, candles, market, ticks):
    low, high = candles["low"].min(), candles["high"].max()
    grid = ag.Grid(lower=str(low), upper=str(high), cells=cells, spacing="geometric", investment="100000")
    job = prepare(plan_for(grid, market, ticks, None, 0), ticks, "nearest", 1, 0)
    facts = candle_facts(ticks)

    def ours():
        outcome = simulate(job, ticks)
        return metrics(outcome, ledger(outcome, facts.close), ticks, facts)

    log = simulate(job, ticks, 200_000).log
    theirs = vectorbt_run(job.plan, ticks, len(log) + 10)
    records = theirs.orders.values
    same = len(records) == len(log) and bool((records["idx"] == log[:, 0]).all())
    same = same and bool(np.allclose(records["price"], log[:, 4] * float(market.tick), rtol=1e-12))
    ours()
    slow = median_time(lambda: vectorbt_run(job.plan, ticks, len(log) + 10), 3)
    fast = median_time(ours, 25)
    return {
        "cells": cells,
        "fills": len(log),
        "same_fills": same,
        "ours_ms": fast * 1e3,
        "vectorbt_ms": slow * 1e3,
        "ratio": slow / fast,
    }


def main():
    if not DATA.exists():
        print(json.dumps({"bench": "kernel", "skipped": f"{DATA.name} is not there"}))
        return
    candles = ag.read_candles(DATA)
    market = ag.Market(tick="0.5", lot="0.00001", min_notional="1", maker_fee="0.001", taker_fee="0.001")
    ticks = candle_ticks(candles, market)
    rows = [compare(cells, candles, market, ticks) for cells in CELLS]
    for row in rows:
        print(json.dumps({"bench": "kernel_vs_vectorbt", **row}))
    ratios = [row["ratio"] for row in rows]
    summary = {
        "geometric_mean": statistics.geometric_mean(ratios),
        "least": min(ratios),
        "goal": "mean >= 150, least >= 30",
    }
    print(json.dumps({"bench": "kernel_vs_vectorbt", **summary}))


if __name__ == "__main__":
    main()

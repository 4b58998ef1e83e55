"""A strategy that decides every day, on one synthetic year of minutes, beside one grid on the same candles."""

import json
import statistics
import time
from decimal import Decimal

import autogrid as ag
from autogrid.research.backtest import plan_for
from autogrid.research.dynamic import Setting, simulate_decided
from autogrid.research.kernel import B_FILLS
from autogrid.research.metrics import candle_facts, metrics
from autogrid.research.simulate import ledger, prepare, simulate
from autogrid.research.synthetic import synthetic_candles
from autogrid.research.ticks import candle_ticks
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.registry import strategy_of

REPEAT = 5


def seconds(function):
    # Processor time: other work on the machine does not count for or against either side.
    times = []
    for _ in range(REPEAT):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main():
    candles = synthetic_candles(days=365)
    market = ag.Market(tick="0.01", lot="0.00001", min_notional="5", maker_fee="0.001", taker_fee="0.001")
    ticks, cells = candle_ticks(candles, market), 20
    facts = candle_facts(ticks)
    low, high = candles["low"].min(), candles["high"].max()
    grid = ag.Grid(lower=str(low), upper=str(high), cells=cells, spacing="geometric", investment="10000")
    job = prepare(plan_for(grid, market, ticks, None, 0), ticks, "nearest", 1, 0)

    def static():
        outcome = simulate(job, ticks)
        return metrics(outcome, ledger(outcome, facts.close), ticks, facts)

    static()
    one = seconds(static)
    for name, params in (("recentre", {"width": "0.05", "every": "1d"}), ("atr", {"every": "1d"})):
        decider = FrameDecider(strategy_of(name, {"cells": cells, **params}), candles)
        setting = Setting(decider, ticks, market, Decimal(10000), "nearest", 1, 0)
        outcome = simulate_decided(setting)
        taken = seconds(lambda setting=setting: simulate_decided(setting))
        moments = len(decider.moments(ticks.ts))
        row = {
            "strategy": name, "candles": len(candles), "decisions": moments, "grids": len(outcome.plans),
            "fills": int(outcome.books[B_FILLS]), "seconds": taken, "candles_per_s": len(candles) / taken,
            "ms_per_decision": taken / moments * 1e3, "static_ms": one * 1e3, "times_static": taken / one,
            "goal": "times_static <= 3000",
        }  # fmt: skip
        print(json.dumps({"bench": "dynamic", **row}))


if __name__ == "__main__":
    main()

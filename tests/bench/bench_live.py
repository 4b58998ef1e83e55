"""What bots cost: ticks a second, fill to counter-order, memory, recovery. One JSON line each; nothing is asserted.

`python tests/bench/bench_live.py [paper|live|decides] [bots]`
"""

import json
import os
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from autogrid.core.decision import UNDECIDED
from autogrid.core.grid import Grid
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.live.code import code_hash
from autogrid.live.run import Exchanges, Runner, rules
from autogrid.store import accounts, bots
from tests.e2e.stack import MARKET, Stack

GRID_FILLS = "SELECT count(*) FROM bot_fill WHERE kind = 1"
GRID = Grid(lower="90", upper="110", cells=20, amount="1")


def say(name: str, **values: Any) -> None:
    print(json.dumps({"bench": name, **values}), flush=True)


def paper_bots(stack: Stack, count: int) -> list[int]:
    with stack.engine.begin() as connection:
        account = accounts.add(connection, name="paper", exchange=accounts.PAPER)
        return [
            bots.create(
                connection,
                bots.NewBot(
                    name=f"p{n}", account_id=account, symbol="P/USDT", market=MARKET, grid=GRID,
                    code_hash=code_hash(), exchange="binance", cash=Decimal(3000),
                ),
            )
            for n in range(count)
        ]  # fmt: skip


def put_candle(stack: Stack, minute: int, open_: float, close: float) -> None:
    import numpy as np

    from autogrid.store import candles
    from autogrid.store.coverage import Series

    ts = 1_700_000_040_000 + 60_000 * minute
    values = (open_, max(open_, close) + 0.1, min(open_, close) - 0.1, close, 1.0)
    batch = candles.Batch(
        np.array([ts]), tuple(np.array([x]) for x in values), ts, ts + 60_000, "bench", str(ts)
    )  # fmt: skip
    candles.put(stack.engine, Series("binance", "P/USDT", 60), batch)


def rss() -> int:
    return int(psutil.Process().memory_info().rss)


def paper(count: int) -> None:
    """One process, `count` paper bots: a tick with one new candle and its fills; a look without; memory."""
    with Stack([], workers=0, beats=0, LOG_LEVEL="ERROR") as stack:
        put_candle(stack, 0, 100, 100)
        ids = paper_bots(stack, count)
        from autogrid.exchange.ccxt_load import exchange_class

        exchange_class("binance")
        runner = Runner(stack.engine, Exchanges(stack.engine, MemoryLimiter()), rules())
        runner.run(ids[0])
        empty = rss()
        for bot in ids:
            runner.run(bot)
        put_candle(stack, 1, 100, 101)
        timed(runner, ids, "paper: start, 21 orders a bot")
        put_candle(stack, 2, 101, 103.5)
        timed(runner, ids, "paper: a candle with 2 fills")
        put_candle(stack, 3, 103.5, 103.6)
        timed(runner, ids, "paper: a candle without fills")
        timed(runner, ids, "paper: no news")
        say(
            "memory", worker_mb=round(rss() / 2**20, 1), per_bot_kb=round((rss() - empty) / 1024 / count, 2), bots=count
        )


def timed(runner: Runner, ids: list[int], what: str) -> None:
    began = time.perf_counter()
    for bot in ids:
        error = runner.run(bot).error
        if error is not None:
            raise error
    seconds = time.perf_counter() - began
    say(what, bots=len(ids), ticks_per_s=round(len(ids) / seconds, 1), seconds=round(seconds, 2))


def live(count: int) -> None:
    """`count` bots, each with its account, at the loopback exchange through Celery and streams.

    From a fill to its counter-order, once with ten markets a second moving, once with all of them at once.
    """
    symbols = [f"L{n}/USDT" for n in range(count)]
    real = {"TICK_INTERVAL_S": "10", "RECV_WINDOW_MS": "5000", "HTTP_TIMEOUT_S": "10", "DISPATCH_INTERVAL_S": "1"}
    with Stack(symbols, workers=1, concurrency=2, beats=1, streams=True, apart="default", **real) as stack:
        for n, symbol in enumerate(symbols):
            stack.price(symbol, "101")
            stack.bot(stack.account(f"l{n}"), symbol, Grid(lower="90", upper="110", cells=4, amount="1"))
        began = time.monotonic()
        total = "SELECT count(*) FROM bot_order WHERE status = 'open'"
        stack.until(lambda: stack.scalar(total) >= 4 * count, "all orders", 300)
        say("live: start", bots=count, orders=4 * count, seconds=round(time.monotonic() - began, 1))
        time.sleep(8)  # the streams stand
        for what, price, pause_s, fills in (("10 a second", "106", 0.1, 1), ("all at once", "99", 0.0, 2)):
            since_ms, processor_s = time.time() * 1000, busy(stack)
            for symbol in symbols:
                stack.price(symbol, price)
                time.sleep(pause_s)
            stack.until(lambda wanted=fills * count: stack.scalar(GRID_FILLS) >= wanted, "all fills", 120)
            stack.until(lambda: stack.scalar(total) >= 4 * count, "all counter-orders", 120)
            spent = round((busy(stack) - processor_s) / count * 1000, 1)
            say(f"live: fill to counter-order, {what}", bots=count, worker_ms=spent, **reaction(stack, since_ms))
        memory(stack)
        recovery(stack, count, total)


def decides(count: int) -> None:
    """Memory of a worker with three children whose bots have a strategy, and how long until all first grids rest."""
    symbols = [f"L{n}/USDT" for n in range(count)]
    with Stack(symbols, workers=0, beats=0, apart="default") as stack:
        for n, symbol in enumerate(symbols):
            stack.price(symbol, "101")
            stack.closes(symbol, 101)
            stack.bot(
                stack.account(f"l{n}"), symbol, UNDECIDED, strategy="recentre", code_hash=code_hash("recentre"),
                params={"width": "0.04", "cells": 8, "every": "1m"},
            )  # fmt: skip
        stack.workers, stack.concurrency, stack.beats = 1, 3, 1
        began = time.monotonic()
        stack.start()
        total = "SELECT count(*) FROM bot_order WHERE status = 'open'"
        stack.until(lambda: stack.scalar(total) >= 8 * count, "all orders", 300)
        say("strategies: start", bots=count, orders=8 * count, seconds=round(time.monotonic() - began, 1))
        time.sleep(8)  # every child has decided
        memory(stack)


def busy(stack: Stack) -> float:
    """Processor seconds of the workers so far."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in stack.children())


def reaction(stack: Stack, since_ms: float) -> dict[str, float]:
    took = []
    for account in stack.loopback.control("state")["accounts"].values():
        for trade in account["trades"]:
            if not trade["isMaker"] or trade["wallTime"] < since_ms:
                continue
            later = [o["wallTime"] - trade["wallTime"] for o in account["orders"] if o["wallTime"] >= trade["wallTime"]]
            took += [min(later)] if later else []
    took.sort()
    return {
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[min(len(took) - 1, len(took) * 99 // 100)],
        "fills": len(took),
    }


def memory(stack: Stack) -> None:
    assert stack.supervisor is not None
    for member in stack.supervisor.members:
        process = psutil.Process(member.process.pid)
        whole = [process, *process.children()]
        say(
            "memory of processes", process=member.name, processes=len(whole),
            uss_mb=[round(each.memory_full_info().uss / 2**20) for each in whole],
            pss_mb=[round(each.memory_full_info().pss / 2**20) for each in whole],
            rss_mb=[round(each.memory_info().rss / 2**20) for each in whole],
        )  # fmt: skip


def recovery(stack: Stack, count: int, total: str) -> None:
    """All workers die while every bot has something to do; until every order rests again."""
    stack.kill_worker(0)
    for n in range(count):
        stack.price(f"L{n}/USDT", "94")
    began = time.monotonic()
    stack.until(
        lambda: stack.scalar(GRID_FILLS) >= 3 * count and stack.scalar(total) >= 4 * count, "all orders again", 300
    )
    say("recovery: kill of all workers to every order restored", bots=count, seconds=round(time.monotonic() - began, 1))


def main() -> None:
    what = sys.argv[1] if len(sys.argv) > 1 else "all"
    if what in ("all", "paper"):
        paper(int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
    if what in ("all", "decides"):
        decides(int(sys.argv[2]) if len(sys.argv) > 2 else 12)
    if what in ("all", "live"):
        live(int(sys.argv[2]) if len(sys.argv) > 2 else 100)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()

"""What the store adds to a tick: looks at idle bots, first commits, by size of grid. JSON lines."""

import json
import os
import shutil
import statistics
import tempfile
import time

BOTS = 50


def measure(cells: int) -> dict[str, float]:
    from autogrid.core.bot import OPEN, Order
    from autogrid.core.grid import Grid
    from autogrid.core.market import Market
    from autogrid.core.orders import OrderName, client_id
    from autogrid.core.plan import plan
    from autogrid.core.position import RUNNING, Position
    from autogrid.store import accounts, bots
    from autogrid.store.engine import engine
    from autogrid.store.tick_store import PgTickStore

    market = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001")
    grid = Grid(lower="50", upper="150", cells=cells, amount="1")
    with engine().begin() as connection:
        account = accounts.add(connection, name=f"bench {cells}", exchange=accounts.PAPER)
        new = {"account_id": account, "symbol": "A/B", "market": market, "grid": grid, "code_hash": "", "exchange": "x"}
        ids = [bots.create(connection, bots.NewBot(name=f"{i}", **new)) for i in range(BOTS)]
    store = PgTickStore(engine())
    began = time.perf_counter()
    for bot_id in ids:
        with store.lock(bot_id):
            bot = store.load(bot_id)
            bot.position, bot.status, bot.last_price = Position(plan(grid, market, 10_100)), "running", 10_100
            bot.position.phase = RUNNING
            orders = []
            for intent in bot.position.wanted(10_100):
                name = client_id(OrderName(bot.tag, bot_id, 0, intent.key, 0))
                order = Order(intent.key, 0, intent.side, intent.price, intent.lots, name, OPEN, exchange_id=name)
                orders.append(order)
            store.commit(bot, orders)
    commits = BOTS / (time.perf_counter() - began)
    took, cpu = [], time.process_time()
    for bot_id in ids * 6:
        began = time.perf_counter()
        with store.lock(bot_id):
            store.load(bot_id)
            store.live_orders(bot_id)
        took.append(time.perf_counter() - began)
    cpu = (time.process_time() - cpu) / len(took)
    return {
        "cells": cells,
        "first_commits_per_s": round(commits, 1),
        "idle_looks_per_s": round(len(took) / sum(took), 1),
        "idle_p50_ms": round(statistics.median(took) * 1e3, 2),
        "idle_p99_ms": round(sorted(took)[int(len(took) * 0.99)] * 1e3, 2),
        "idle_cpu_ms": round(cpu * 1e3, 2),
    }


def main() -> None:
    home = tempfile.mkdtemp(prefix="ag")
    os.chmod(home, 0o755)
    os.environ["AUTOGRID_HOME"] = home
    os.environ.pop("DATABASE_URL", None)
    try:
        for cells in (4, 50, 200):
            print(json.dumps({"bench": "tick_store", **measure(cells)}))
    finally:
        from autogrid.store import engine

        engine.close()
        shutil.rmtree(home)


if __name__ == "__main__":
    main()

"""Paper bots whose strategy decides fill what a replay of the same candles fills, killed at any point or not."""

import random
from decimal import Decimal

import numpy as np
import pytest
import sqlalchemy as sa

from autogrid.core.decision import UNDECIDED
from autogrid.core.orders import REGRID
from autogrid.data.frame import to_frame
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.live import daily, twin_run
from autogrid.live.code import code_hash
from autogrid.live.replay import consistent, replay
from autogrid.live.run import Exchanges, Runner, rules
from autogrid.live.twin import PARTS
from autogrid.store import accounts, bots
from autogrid.store.coverage import when
from autogrid.store.tick_store import PgTickStore
from autogrid.strategies.registry import strategy_of
from tests.integration.live.test_paper import MARKET, START, fills, path, put, walk

PARAMS = {"width": "0.03", "cells": 6, "every": "5m", "share": "0.9"}
FIRST = (START - 60_000, 100.0, 100.0, 100.0, 100.0)


@pytest.mark.parametrize(("seed", "crashes", "window"), [(1, False, None), (2, True, None), (3, True, 3), (4, True, 2)])
def test_paper_is_replay(
    store: sa.Engine, monkeypatch: pytest.MonkeyPatch, seed: int, crashes: bool, window: int | None
) -> None:
    rows = path(seed, 80)
    with store.begin() as connection:
        account = accounts.add(connection, name="paper", exchange=accounts.PAPER)
        new = bots.NewBot(
            name="p", account_id=account, symbol="BTC/USDT", market=MARKET, grid=UNDECIDED, exchange="binance",
            code_hash=code_hash("recentre"), cash=Decimal(2000), window=window, strategy="recentre", params=PARAMS,
        )  # fmt: skip
        bot = bots.create(connection, new)
    runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
    put(store, [FIRST])
    runner.run(bot)
    killed = walk(store, monkeypatch, bot, rows, random.Random(seed), crashes=crashes, most=9)
    columns = np.array([(*row[1:], 1.0) for row in (FIRST, *rows)]).T
    frame = to_frame(np.array([row[0] for row in (FIRST, *rows)], np.int64), tuple(columns))
    ticks = [(ts, *(MARKET.price_ticks(repr(x)) for x in prices)) for ts, *prices in rows]
    strategy = strategy_of("recentre", PARAMS)
    expected = replay(strategy, MARKET, consistent(ticks), cash=2000, window=window, candles=frame)
    assert fills(store, bot) == [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in expected.fills]
    assert sum(f.key.kind == REGRID for f in expected.fills) > 2
    assert bool(killed) == crashes
    loaded = PgTickStore(store).load(bot)
    assert loaded.position == expected.position
    assert loaded.decided_ms == rows[-1][0] // 300_000 * 300_000
    # Its twin works the grids that it decided, and differs in nothing.
    found = twin_run.period(store, bot, when(rows[-1][0] + 60_000))
    done = twin_run.twin(store, found, twin_run.stored(store, found))
    assert len(found.stages) == loaded.position.plan.regrid + 1
    assert {name: atoms for name, atoms in done.parts.items() if atoms} == {}
    assert (done.difference, done.residual, done.lacking, done.extra, done.untaken) == (0, 0, 0, 0, 0)
    assert done.actual != 0
    # A fill that is lost after two changes of the grid is found as such.
    with store.begin() as connection:
        lost = "DELETE FROM bot_fill WHERE id = (SELECT max(id) FROM bot_fill WHERE kind = 1) RETURNING cycle"
        assert connection.execute(sa.text(lost)).scalar_one() > 1
    row = daily.daily(store, bot, when(rows[-1][0] + 60_000))
    assert row is not None
    assert row.parts["lacking"] == 1
    # Its candles are older than the first look at it.
    assert [name for name in PARTS if Decimal(row.parts[name])] == ["outage"]
    assert Decimal(row.parts["outage"]) == Decimal(row.parts["difference"])

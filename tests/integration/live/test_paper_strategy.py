"""Paper bots whose strategy decides, on PostgreSQL rows: what a replay of the same candles fills, killed or not."""

import random
from decimal import Decimal

import pandas as pd
import pytest
import sqlalchemy as sa

from autogrid.core.bot import Limits
from autogrid.core.decision import UNDECIDED
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.live import paper
from autogrid.live.code import code_hash
from autogrid.live.replay import consistent, replay
from autogrid.live.run import Exchanges, Runner, rules
from autogrid.store import accounts, bots
from autogrid.store.tick_store import PgTickStore
from autogrid.strategies.registry import strategy_of
from tests.integration.live.test_paper import MARKET, START, Killed, fills, path, put

PARAMS = {"width": "0.03", "cells": 4, "every": "5m"}
#: A boundary, so that the replay's first decision is the bot's.
FIRST = START - START % 300_000 + 300_000


def make_bot(store: sa.Engine, window: int | None) -> int:
    with store.begin() as connection:
        account = accounts.add(connection, name="paper", exchange=accounts.PAPER)
        new = bots.NewBot(
            name="p", account_id=account, symbol="BTC/USDT", market=MARKET, grid=UNDECIDED, exchange="binance",
            code_hash=code_hash("recentre"), strategy="recentre", params=PARAMS, cash=Decimal(2000), limits=Limits(),
            window=window,
        )  # fmt: skip
        return bots.create(connection, new)


@pytest.mark.parametrize(("seed", "window", "crashes"), [(1, None, False), (2, None, True), (3, 3, True), (4, 3, True)])
def test_paper_is_replay(
    store: sa.Engine, monkeypatch: pytest.MonkeyPatch, seed: int, window: int | None, crashes: bool
) -> None:
    rows = [(FIRST + 60_000 * i, *prices) for i, (_, *prices) in enumerate(path(seed, 60))]
    before = [(FIRST - 60_000 * i, 100.0, 101.0, 99.0, 100.0) for i in range(5, 0, -1)]
    draw = random.Random(seed)
    put(store, before)
    bot = make_bot(store, window)
    runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
    runner.run(bot)
    keep, killed = bots.keep_paper_state, 0

    def dies(*arguments: object) -> None:
        nonlocal killed
        early = draw.random() < 0.5
        if crashes and draw.random() < 0.3:
            killed += 1
            if not early:
                keep(*arguments)  # type: ignore[arg-type]
            raise Killed
        keep(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(paper.bots, "keep_paper_state", dies)
    at = 0
    while at < len(rows):
        some = draw.randint(1, 7)
        put(store, rows[at : at + some])  # type: ignore[arg-type]
        at += some
        for _ in range(300):
            try:
                runner.run(bot)
            except Killed:
                runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
                continue
            break
    every = [*before, *rows]
    index = pd.DatetimeIndex(pd.to_datetime([row[0] for row in every], unit="ms", utc=True), name="ts").as_unit("ms")
    frame = pd.DataFrame([(*row[1:], 1.0) for row in every], index, ["open", "high", "low", "close", "volume"])
    ticks = consistent([(ts, *(MARKET.price_ticks(repr(x)) for x in prices)) for ts, *prices in every])
    expected = replay(strategy_of("recentre", PARAMS), MARKET, ticks, cash=Decimal(2000), window=window, candles=frame)
    assert fills(store, bot) == [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in expected.fills]
    assert bool(killed) == crashes
    changes = [event.data["price"] for event in expected.events if event.name == "grid_changed"]
    assert len(changes) > 2
    told = sa.text("SELECT data ->> 'price' FROM bot_event WHERE bot_id = :b AND name = 'grid_changed' ORDER BY id")
    with store.connect() as connection:
        assert connection.execute(told, {"b": bot}).scalars().all() == changes
    loaded = PgTickStore(store).load(bot)
    assert loaded.position == expected.position
    assert expected.position is not None
    assert loaded.grid == expected.position.plan.grid

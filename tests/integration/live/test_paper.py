"""Paper bots on PostgreSQL rows: what they fill is what a replay of the same candles fills, also when they crash."""

import random
from decimal import Decimal

import numpy as np
import pytest
import sqlalchemy as sa

from autogrid.core.bot import Limits
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import GRID as GRID_FILL
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.live import paper
from autogrid.live.code import code_hash
from autogrid.live.replay import consistent, replay
from autogrid.live.run import Exchanges, Runner, rules
from autogrid.store import accounts, bots, candles
from autogrid.store.coverage import Series
from autogrid.store.tick_store import PgTickStore

MARKET = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001", buy_fee_asset="base")
GRID = Grid(lower="90", upper="110", cells=8, amount="1")
TRAILING = Grid(lower="98", upper="102", cells=4, amount="1", trailing="both", stop_loss="80")
START = 1_700_000_040_000


def path(seed: int, n: int) -> list[tuple[int, float, float, float, float]]:
    draw = random.Random(seed)
    rows, price = [], 100.0
    for i in range(n):
        open_ = price if draw.random() < 0.8 else round(price + draw.uniform(-3, 3), 2)
        close = round(min(max(open_ + draw.gauss(0, 2.5), 85), 115), 2)
        high = round(max(open_, close) + abs(draw.gauss(0, 1)), 2)
        low = round(min(open_, close) - abs(draw.gauss(0, 1)), 2)
        rows.append((START + 60_000 * i, open_, high, low, close))
        price = close
    return rows


def put(store: sa.Engine, rows: list[tuple[int, float, float, float, float]]) -> None:
    ts = np.array([row[0] for row in rows], dtype=np.int64)
    values = tuple(np.array([row[k] for row in rows]) for k in range(1, 5))
    batch = candles.Batch(ts, (*values, np.ones(len(rows))), rows[0][0], rows[-1][0] + 60_000, "test", str(rows[0][0]))
    candles.put(store, Series("binance", "BTC/USDT", 60), batch)


def make_bot(store: sa.Engine, grid: Grid, window: int | None = None) -> int:
    with store.begin() as connection:
        account = accounts.add(connection, name="paper", exchange=accounts.PAPER)
        new = bots.NewBot(
            name="p", account_id=account, symbol="BTC/USDT", market=MARKET, grid=grid, code_hash=code_hash(),
            exchange="binance", cash=Decimal(2000), limits=Limits(), window=window,
        )  # fmt: skip
        return bots.create(connection, new)


def fills(store: sa.Engine, bot_id: int) -> list[tuple[int, ...]]:
    query = sa.text("SELECT ts, kind, cell, side, price, lots FROM bot_fill WHERE bot_id = :b ORDER BY id")
    with store.connect() as connection:
        rows = connection.execute(query, {"b": bot_id}).all()
    return [(int(row[0].timestamp() * 1000), *row[1:]) for row in rows]


class Killed(BaseException):
    """What a SIGKILL looks like from inside: nothing after it runs."""


def walk(
    store: sa.Engine, monkeypatch: pytest.MonkeyPatch, bot: int, rows: list[tuple[int, float, float, float, float]],
    draw: random.Random, *, crashes: bool, most: int,
) -> int:  # fmt: skip
    """Candles arrive, `most` at a time, and the bot walks them, killed around its saves; how often it was."""
    keep = bots.keep_paper_state
    killed = 0

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
    runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
    at = 0
    while at < len(rows):
        some = draw.randint(1, most)
        put(store, rows[at : at + some])
        at += some
        for _ in range(300):
            try:
                runner.run(bot)
            except Killed:
                runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
                continue
            break
    return killed


@pytest.mark.parametrize(
    ("seed", "grid", "window", "crashes"),
    [
        (1, GRID, None, False),
        (2, GRID, None, True),
        (3, GRID, 3, True),
        (4, Grid(lower="90", upper="110", cells=8, amount="1", stop_loss="88"), None, True),
        (5, Grid(lower="90", upper="110", cells=8, amount="1", trigger="97"), None, True),
        (6, TRAILING, None, True),
        (7, TRAILING, 3, True),
        (8, TRAILING, None, False),
    ],
)
def test_paper_is_replay(
    store: sa.Engine, monkeypatch: pytest.MonkeyPatch, seed: int, grid: Grid, window: int | None, crashes: bool
) -> None:
    rows = path(seed, 60)
    bot = make_bot(store, grid, window)
    runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
    assert runner.run(bot).report.skipped == "no candles"
    put(store, [(START - 60_000, 100.0, 100.0, 100.0, 100.0)])
    runner.run(bot)
    killed = walk(store, monkeypatch, bot, rows, random.Random(seed), crashes=crashes, most=7)
    ticks = [(ts, *(MARKET.price_ticks(repr(x)) for x in prices)) for ts, *prices in rows]
    expected = replay(grid, MARKET, consistent(ticks), cash=2000, window=window)
    assert fills(store, bot) == [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in expected.fills]
    assert len(expected.fills) > 3
    assert bool(killed) == crashes
    if grid is TRAILING:
        assert min(f.key.cell for f in expected.fills if f.key.kind == GRID_FILL) < 0
        loaded = PgTickStore(store).load(bot)
        assert loaded.position is not None
        assert loaded.position == expected.position
    with store.connect() as connection:
        row = bots.get(connection, bot)
    assert (row.status == "stopped") == (expected.stopped is not None)


def test_a_paper_bot_obeys_without_candles(store: sa.Engine) -> None:
    put(store, path(1, 5))
    bot = make_bot(store, GRID)
    runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
    runner.run(bot)
    put(store, [(START + 300_000, 100.0, 100.0, 100.0, 100.0)])
    runner.run(bot)
    assert runner.run(bot).report.skipped == "quiet"
    for wish, status in (("pause", "paused"), ("run", "running"), ("stop", "stopped")):
        with store.begin() as connection:
            bots.set_wish(connection, bot, wish)
        runner.run(bot)
        runner.run(bot)
        with store.connect() as connection:
            assert bots.get(connection, bot).status == status, wish

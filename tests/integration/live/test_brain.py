"""Bots decide on stored candles what a backtest decides on a frame of them, and only once these are there."""

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from autogrid.core.decision import UNDECIDED, Decision, Keep, View
from autogrid.core.grid import Grid
from autogrid.data.load import load_candles
from autogrid.errors import InvalidInput
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.live import brain as brains
from autogrid.live.brain import StoreBrain
from autogrid.live.run import Exchanges, Runner, rules
from autogrid.store import accounts, bots, candles
from autogrid.store.coverage import Series
from autogrid.store.tick_store import PgTickStore
from autogrid.strategies import registry
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.dynamic import Dynamic
from tests.integration.store.live_rows import MARKET

MINUTE, HOUR = 60_000, 3_600_000
#: An hour begins.
START = 1_700_006_400_000
VIEW = View(Decimal("100.1"), None, Decimal(1000), Decimal(0), Decimal(1000), Decimal(1000))


@dataclass(frozen=True)
class WatchParams:
    back: int = 3
    every: str = "15m"


class Watch(Dynamic):
    """Decides a grid by all it is shown, which it remembers."""

    Params = WatchParams
    params: WatchParams
    seen: ClassVar[list[pd.DataFrame]] = []

    @property
    def cadence(self) -> str:
        return self.params.every

    @property
    def lookback(self) -> int:
        return self.params.back

    def features(self, candles: pd.DataFrame) -> pd.DataFrame:
        self.seen.append(candles)
        return candles

    def decide(self, row: Any, view: View) -> Decision:
        if row["volume"] < 0.5:
            return Keep()
        if row["volume"] < 1:
            raise ValueError("too little volume")
        middle = Decimal(repr(float(self.seen[-1]["close"].mean())))
        return Grid(lower=middle * Decimal("0.9"), upper=middle * Decimal("1.1"), cells=3, amount="1")


@pytest.fixture(autouse=True)
def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._OWN, "watch", f"{__name__}:Watch")
    Watch.seen.clear()
    brains._made.cache_clear()


def rows(seed: int, count: int, start: int = START) -> list[tuple[float, ...]]:
    """Minutes of which some are missing, with prices of as many digits as a float has."""
    draw = random.Random(seed)
    found, price = [], 100.0
    for i in range(count):
        close = price * (1 + draw.gauss(0, 0.003))
        high, low = max(price, close) * (1 + draw.random() / 500), min(price, close) * (1 - draw.random() / 500)
        if draw.random() < 0.8:
            found.append((start + i * MINUTE, price, high, low, close, draw.random() / 5))
        price = close
    return found


def put(store: sa.Engine, found: list[tuple[float, ...]], start: int, end: int) -> None:
    ts = np.array([row[0] for row in found], np.int64)
    values = tuple(np.array([row[k] for row in found], np.float64) for k in range(1, 6))
    batch = candles.Batch(ts, values, start, end, "test", f"{start} {end}", "exchange_omits_empty")
    candles.put(store, Series("binance", "BTC/USDT", 60), batch)


def make(store: sa.Engine, name: str | None = "watch", **params: Any) -> Any:
    with store.begin() as connection:
        account = accounts.add(connection, name=f"paper {name} {params}", exchange=accounts.PAPER)
        new = bots.NewBot(
            name="p", account_id=account, symbol="BTC/USDT", market=MARKET, grid=UNDECIDED, code_hash="c0de",
            exchange="binance", cash=Decimal(1000), strategy=name, params=params,
        )  # fmt: skip
        made = bots.create(connection, new)
    return PgTickStore(store).load(made)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_store_decides_what_a_frame_of_all_candles_decides(store: sa.Engine, seed: int) -> None:
    found = rows(seed, 60 * 8, START + seed * 7 * MINUTE)
    put(store, found, int(found[0][0]), int(found[-1][0]) + MINUTE)
    whole = load_candles("binance", "BTC/USDT", "1m")
    bot, brain = make(store), StoreBrain(store)
    frame = FrameDecider(brains.dynamic("watch", {}), whole)
    decided = refused = 0
    for at in range(START, int(found[-1][0]) + 2 * MINUTE, 15 * MINUTE):
        outcomes = []
        for decide in (lambda at=at: frame.decide(at, VIEW), lambda at=at: brain.decide(bot, at, VIEW)):
            try:
                outcomes.append(decide())
            except InvalidInput as error:
                outcomes.append(str(error))
        assert outcomes[0] == outcomes[1]
        if outcomes[0] is not None:
            there, here = Watch.seen[-2:]
            pd.testing.assert_frame_equal(there, here, check_exact=True, check_freq=False)
        decided += isinstance(outcomes[0], Grid)
        refused += isinstance(outcomes[0], str)
    assert decided > 5
    assert refused > 0


def test_nothing_is_due_before_the_candles_are_there(store: sa.Engine) -> None:
    bot, brain = make(store), StoreBrain(store)
    at = START + HOUR
    assert brain.due(bot, at) is None  # nothing is stored
    quiet = [row for row in rows(1, 58) if row[0] < at - 3 * MINUTE]
    put(store, quiet, START, at - 2 * MINUTE)
    assert brain.due(bot, at) is None  # the last two minutes are not known yet
    assert brain.due(bot, at - MINUTE) == at - 15 * MINUTE
    put(store, [(at, 100.0, 101.0, 99.0, 100.0, 1.0)], at - 2 * MINUTE, at + MINUTE)
    assert brain.due(bot, at + MINUTE) == at  # nothing traded in them: a later minute tells
    bot.decided_ms = at
    assert brain.due(bot, at + MINUTE) is None
    assert brain.due(bot, at + 15 * MINUTE) is None
    assert brain.due(make(store, back=4), at) == at
    assert brain.due(make(store, back=5), at) is None  # the store does not go back so far


def test_a_hole_that_was_never_fetched_is_waited_for(store: sa.Engine) -> None:
    bot, brain = make(store), StoreBrain(store)
    first, second = rows(1, 30), rows(2, 29, START + 31 * MINUTE)
    put(store, first, START, START + 30 * MINUTE)
    put(store, second, START + 31 * MINUTE, START + HOUR)
    assert brain.due(bot, START + HOUR) is None
    put(store, [], START + 30 * MINUTE, START + 31 * MINUTE)
    assert brain.due(bot, START + HOUR) == START + HOUR


def test_a_whole_candle_without_trades_means_no_decision(store: sa.Engine) -> None:
    bot, brain = make(store), StoreBrain(store)
    found = [row for row in rows(1, 90) if not START + 30 * MINUTE <= row[0] < START + 45 * MINUTE]
    put(store, found, START, START + 90 * MINUTE)
    assert brain.due(bot, START + HOUR) == START + HOUR
    assert brain.decide(bot, START + HOUR, VIEW) is None
    assert brain.decide(bot, START - HOUR, VIEW) is None


def test_a_bot_with_one_grid_decides_nothing_and_a_strategy_that_is_gone_is_named(store: sa.Engine) -> None:
    brain = StoreBrain(store)
    assert brain.due(make(store, None), START) is None
    static = make(store, "static", lower="1", upper="2", cells=1, amount="1")
    for bot, why in ((make(store, "gone"), "no strategy 'gone'"), (static, "has one grid")):
        assert brain.due(bot, START + 59_999) == START
        with pytest.raises(InvalidInput, match=why):
            brain.decide(bot, START, VIEW)
        bot.decided_ms = START
        assert brain.due(bot, START + 59_999) is None


def test_a_paper_bot_whose_strategy_was_uninstalled_is_refused_and_says_so(store: sa.Engine) -> None:
    bot = make(store, "gone")
    runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
    for at in range(3):
        put(
            store,
            [(START + at * MINUTE, 100.0, 101.0, 99.0, 100.0, 1.0)],
            START + at * MINUTE,
            START + (at + 1) * MINUTE,
        )
        turn = runner.run(bot.id)
        assert turn.error is None
    found = PgTickStore(store).load(bot.id)
    assert found.status == "refused"
    assert "promoted with code c0de" in str(found.reason)


def test_strategies_are_made_once_for_each_set_of_parameters() -> None:
    one = brains.dynamic("watch", {"back": 3, "every": "1h"})
    assert brains.dynamic("watch", {"every": "1h", "back": 3}) is one
    assert brains.dynamic("watch", {"every": "1h", "back": 4}) is not one

"""Bots whose strategy decides: the live engine against the ladder, decision by decision and fill by fill."""

import zlib
from decimal import Decimal

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.core.decision import Keep, Stop, first_view, view_of
from autogrid.core.grid import Grid
from autogrid.core.ladder import Ladder
from autogrid.core.market import Market
from autogrid.core.orders import GRID, REGRID, START
from autogrid.core.path import points
from autogrid.core.regrid import Change, first
from autogrid.errors import InvalidInput
from autogrid.live.replay import consistent, replay
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.dynamic import Dynamic

CASH = Decimal(3000)


class Dice(Dynamic):
    """Decides anything, but the same for the same candles and bot."""

    seed = 0

    @property
    def cadence(self):
        return "5m"

    @property
    def lookback(self):
        return 2

    def decide(self, row, view):
        dice = zlib.crc32(f"{self.seed} {row['close']} {view}".encode())
        if dice % 40 == 0:
            return Stop(sell=dice % 3 == 0)
        if dice % 5 == 0:
            return Keep()
        half = Decimal(dice % 17 + 3) / 2
        sizes = ({"amount": "1.5"}, {"quote": "220"}, {"investment": view.equity * Decimal("0.9")})
        centre = view.price + dice % 9 - 4
        stop = {"stop_loss": centre - half} if dice % 4 == 0 else {}
        return Grid(lower=centre - half, upper=centre + half, cells=dice % 6 + 1, **sizes[dice % 3], **stop)


@st.composite
def markets(draw):
    fees = draw(st.sampled_from(["0", "0.001"]))
    return Market(
        tick="0.01", lot="0.001", min_notional=draw(st.sampled_from(["0", "5", "60"])), maker_fee=fees,
        taker_fee=fees, buy_fee_asset=draw(st.sampled_from(["base", "quote"])),
    )  # fmt: skip


def candles_of(seed, count):
    """A frame, and the same as the engine reads it."""
    dice = np.random.default_rng(seed)
    close = 10_000 + np.cumsum(dice.integers(-60, 61, count))
    open_ = np.roll(close, 1) + dice.integers(-200, 201, count) * (dice.random(count) < 0.4)
    open_[0] = 10_000
    high, low = (np.maximum(open_, close) + dice.integers(0, 40, count), np.minimum(open_, close) - 20)
    index = pd.date_range("2024-01-01", periods=count, freq="1min", tz="UTC", unit="ms", name="ts")
    ticks = {"open": open_, "high": high, "low": low, "close": close}
    frame = pd.DataFrame({name: column / 100 for name, column in ticks.items()} | {"volume": 1.0}, index=index)
    columns = (index.asi8, *ticks.values())
    return frame, consistent(zip(*(column.tolist() for column in columns), strict=True))


def ladder_of(strategy, frame, rows, market, penetration, slippage):
    """The contract, section 10, on the ladder: fills with their candle, and how often something was refused."""
    decider, ladder, grid = FrameDecider(strategy, frame), None, None
    moments = dict(decider.moments([row[0] for row in rows]))
    fills, refused, stopped, last = [], 0, None, None
    for t, (ts, *prices) in enumerate(rows):
        walk = points(*prices, 0)
        for k, y in enumerate(walk):
            if ladder is not None:
                fills += [(ts, fill) for fill in ladder.leg(y, gap=k == 0)]
                stopped = ladder.stopped
            if k or t not in moments or stopped:
                continue
            try:
                if ladder is None:
                    said = decider.decide(moments[t], first_view(market, CASH, y))
                else:
                    said = decider.decide(moments[t], view_of(market, grid, ladder.books, y))
                if isinstance(said, Stop):
                    stopped = "strategy"
                    fills += [(ts, fill) for fill in ladder.stop(y, said.sell)] if ladder else []
                elif isinstance(said, Grid) and ladder is None:
                    ladder = Ladder(first(market, CASH, Change(said, y, slippage)), penetration, slippage)
                    fills += [(ts, fill) for fill in ladder.start()]
                    grid = said
                elif isinstance(said, Grid):
                    fills += [(ts, fill) for fill in ladder.regrid(said, y)]
                    grid = said
            except InvalidInput:
                refused += 1
        last = walk[-1]
        if stopped:
            break
    return ladder, fills, refused, stopped, last


@settings(max_examples=120, deadline=None)
@given(markets(), st.integers(0, 10_000), st.integers(1, 2), st.integers(0, 2), st.sampled_from([None, 2, 100]))
def test_the_live_engine_makes_the_ladder_s_fills(market, seed, penetration, slippage, window):
    frame, rows = candles_of(seed, 160)
    strategy = Dice({})
    strategy.seed = seed
    ladder, fills, refused, stopped, last = ladder_of(strategy, frame, rows, market, penetration, slippage)
    unordered = Market(**{**vars(market), "min_notional": 0})
    done = replay(
        strategy, unordered, rows, cash=CASH, penetration_ticks=penetration, slippage_ticks=slippage, window=window,
        cell_market=market, candles=frame,
    )  # fmt: skip
    lived = [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in done.fills]
    assert lived == [(ts, *fill) for ts, fill in fills]
    assert done.stopped == stopped
    assert sum(event.name == "decision_refused" for event in done.events) == refused
    if ladder is None:
        assert done.position is None
        return
    assert done.position.books.ledger(last) == ladder.books.ledger(last)
    changed = sum(event.name == "grid_changed" for event in done.events)
    assert changed == ladder.plan.regrid == done.position.plan.regrid
    assert sum(kind == REGRID for _, kind, *_ in lived) <= changed


def test_the_dice_fall_on_every_side():
    """The property above is about something: starts, regrids with and without an order, refusals, all stops."""
    kinds, stops, refusals = set(), set(), 0
    market = Market(tick="0.01", lot="0.001", min_notional="5", maker_fee="0.001", taker_fee="0.001")
    for seed in range(25):
        frame, rows = candles_of(seed, 160)
        strategy = Dice({})
        strategy.seed = seed
        _, fills, refused, stopped, _ = ladder_of(strategy, frame, rows, market, 1, 1)
        kinds |= {(fill.kind, fill.side) for _, fill in fills}
        stops.add(stopped)
        refusals += refused
    assert {(START, 1), (GRID, 1), (GRID, -1), (REGRID, 1), (REGRID, -1)} <= kinds
    assert {None, "strategy", "stop_loss"} <= stops
    assert refusals > 0

"""Parity: the live engine on the same candles makes the same fills and the same books as the ladder."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autogrid.core.grid import Grid
from autogrid.core.ladder import Ladder
from autogrid.core.market import Market
from autogrid.core.path import path_code, points
from autogrid.core.plan import plan
from autogrid.errors import InvalidInput
from autogrid.live.replay import replay
from tests.unit.research import test_kernel as kernel_cases  # one source of random cases for kernel, ladder and live


def rows_of(candles):
    ts = candles.index.as_unit("ms").asi8.tolist()
    columns = [candles[name].astype(int).tolist() for name in ("open", "high", "low", "close")]
    return list(zip(ts, *columns, strict=True))


def by_ladder(grid, market, rows, path, penetration, slippage):
    start = rows[0][1] if grid.trigger is None else market.price_ticks(grid.trigger)
    ladder = Ladder(plan(grid, market, start, slippage_ticks=slippage), penetration, slippage)
    fills, close = [], None
    for ts, *prices in rows:
        fills += [(ts, *fill) for fill in ladder.candle(points(*prices, path_code(path)), close)]
        close = prices[3]
    return ladder, fills


@settings(max_examples=300, deadline=None)
@given(kernel_cases.cases(), st.sampled_from([None, None, 2, 3, 5]))
def test_the_live_engine_fills_what_the_ladder_fills(case, window):
    grid, market, candles, (path, penetration, slippage) = case
    rows = rows_of(candles)
    try:
        ladder, expected = by_ladder(grid, market, rows, path, penetration, slippage)
    except InvalidInput as error:
        with pytest.raises(InvalidInput, match="."):
            replay(grid, market, rows, path=path, penetration_ticks=penetration, slippage_ticks=slippage)
        assume("cells are too narrow" not in str(error))
        return
    assume(slippage < min(row[3] for row in rows))
    got = replay(grid, market, rows, path=path, penetration_ticks=penetration, slippage_ticks=slippage, window=window)
    assert [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in got.fills] == expected
    if ladder.started:
        assert got.position.books == ladder.books
        assert got.stopped == ladder.stopped
    else:
        assert got.position is None


@pytest.mark.parametrize("window", [None, 2])
def test_a_gap_over_a_stop_on_the_lowest_level_sells_at_the_open(window):
    """The buy at the stop's own price fills on the way, but the market is beyond it by then."""
    market = Market(tick="1", lot="0.01", maker_fee="0.001", taker_fee="0.001")
    grid = Grid(lower="90", upper="110", cells=2, amount="1", stop_loss="90", take_profit="110")
    down, up = (
        [(0, 100, 100, 100, 100), (60_000, 89, 89, 89, 89)],
        [(0, 100, 100, 100, 100), (60_000, 112, 112, 112, 112)],
    )
    for rows, stop in ((down, "stop_loss"), (up, "take_profit")):
        ladder, expected = by_ladder(grid, market, rows, "nearest", 0, 0)
        got = replay(grid, market, rows, penetration_ticks=0, window=window)
        assert [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in got.fills] == expected
        assert got.stopped == ladder.stopped == stop
    assert [fill[4] for fill in by_ladder(grid, market, down, "nearest", 0, 0)[1]] == [100, 90, 89]

"""The ladder where the contract is particular: gaps, touches, stops, triggers, dust."""

from decimal import Decimal
from typing import Any

import pytest

from autogrid.core.grid import Grid
from autogrid.core.ladder import Ladder
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, SELL, START, STOP, Fill
from autogrid.core.path import path_code, points
from autogrid.core.plan import plan
from autogrid.errors import InvalidInput

#: Levels 90 95 100 105 110, ticks of 1.
MARKET: dict[str, str] = {"tick": "1", "lot": "0.001"}


def ladder(start: int = 100, penetration: int = 1, slippage: int = 0, market: Any = None, **grid: Any) -> Ladder:
    whole = Grid(lower="90", upper="110", cells=4, amount="1", **grid)
    rules = Market(**(MARKET | (market or {})))
    return Ladder(plan(whole, rules, start, slippage_ticks=slippage), penetration, slippage)


def walk(machine: Ladder, *candles: tuple[int, int, int, int], path: str = "nearest") -> list[Fill]:
    """All fills of candles given as open, high, low, close."""
    last, fills = None, []
    for candle in candles:
        fills += machine.candle(points(*candle, path_code(path)), last)
        last = candle[3]
    return fills


def grid(*cells: tuple[int, int]) -> list[Fill]:
    """Grid fills from (cell, side)."""
    return [Fill(GRID, cell, side, 90 + 5 * (cell + (side == SELL)), 1000) for cell, side in cells]


def test_a_touch_does_not_fill_but_penetration_zero_does() -> None:
    assert walk(ladder(), (100, 100, 95, 95))[1:] == []
    assert walk(ladder(), (100, 100, 94, 94))[1:] == grid((1, BUY))
    assert walk(ladder(penetration=0), (100, 100, 95, 95))[1:] == grid((1, BUY))
    assert walk(ladder(penetration=3), (100, 107, 93, 100))[1:] == []
    assert walk(ladder(penetration=3), (100, 108, 93, 100))[1:] == grid((2, SELL))


def test_one_leg_fills_many_at_their_limits_also_on_a_gap() -> None:
    assert walk(ladder(), (100, 100, 100, 100), (80, 80, 80, 80))[1:] == grid((1, BUY), (0, BUY))
    assert walk(ladder(), (100, 100, 100, 100), (200, 200, 200, 200))[1:] == grid((2, SELL), (3, SELL))


def test_the_order_of_extremes() -> None:
    candle = (100, 106, 94, 100)
    low_first, high_first = grid((1, BUY), (1, SELL), (2, SELL)), grid((2, SELL), (2, BUY), (1, BUY))
    assert walk(ladder(), candle, path="low_first")[1:] == low_first
    assert walk(ladder(), candle, path="high_first")[1:] == high_first
    assert walk(ladder(), candle)[1:] == low_first  # equally far, closes at its open
    assert walk(ladder(), (100, 106, 94, 99))[1:] == high_first  # equally far, closes below
    assert walk(ladder(start=101), (101, 106, 94, 99))[1:] == high_first  # the high is nearer


def test_a_start_above_or_below_the_grid() -> None:
    assert walk(ladder(start=150), (150, 150, 150, 150)) == []
    assert walk(ladder(start=50), (50, 50, 50, 50)) == [Fill(START, -1, BUY, 50, 4000)]
    assert walk(ladder(start=100, slippage=2), (100, 100, 100, 100)) == [Fill(START, -1, BUY, 102, 2000)]


def test_a_stop_loss_fills_the_buys_above_it_first_then_sells_all() -> None:
    machine = ladder(slippage=2, stop_loss="89")
    fills = walk(machine, (100, 100, 80, 85), (85, 120, 85, 120))
    assert fills[1:] == [*grid((1, BUY), (0, BUY)), Fill(STOP, -1, SELL, 87, 4000)]
    assert machine.stopped == "stop_loss"


def test_a_stop_at_the_lowest_level_is_hit_before_that_level_fills() -> None:
    machine = ladder(stop_loss="90")
    assert walk(machine, (100, 100, 90, 95))[1:] == [*grid((1, BUY)), Fill(STOP, -1, SELL, 90, 3000)]


def test_a_gap_beyond_the_stop_sells_at_the_open() -> None:
    machine = ladder(slippage=1, stop_loss="89")
    fills = walk(machine, (100, 100, 100, 100), (70, 75, 60, 72))
    assert fills[1:] == [*grid((1, BUY), (0, BUY)), Fill(STOP, -1, SELL, 69, 4000)]


def test_a_take_profit_sells_what_is_left() -> None:
    machine = ladder(take_profit="110")
    # The sell at 110 needs 111: the stop at 110 comes first and takes its base.
    assert walk(machine, (100, 130, 100, 130))[1:] == [*grid((2, SELL)), Fill(STOP, -1, SELL, 110, 1000)]
    assert machine.stopped == "take_profit"
    machine = ladder(take_profit="115")
    assert walk(machine, (100, 130, 100, 130))[1:] == grid((2, SELL), (3, SELL))
    assert machine.stopped == "take_profit"


def test_keep_cancels_and_keeps_the_base() -> None:
    machine = ladder(stop_loss="89", stop_action="keep")
    assert walk(machine, (100, 100, 80, 85), (85, 120, 85, 120))[1:] == grid((1, BUY), (0, BUY))
    books = machine.books.ledger(120)
    assert (machine.stopped, books.base) == ("stop_loss", 4)
    assert books.realised == 0
    assert books.unrealised == 2 * 20 + 25 + 30


def test_a_stop_in_the_start_candle() -> None:
    machine = ladder(stop_loss="89")
    fills = walk(machine, (100, 100, 50, 60))
    assert fills == [Fill(START, -1, BUY, 100, 2000), *grid((1, BUY), (0, BUY)), Fill(STOP, -1, SELL, 89, 4000)]


def test_a_trigger_starts_within_a_leg_and_the_rest_of_it_goes_on() -> None:
    machine = ladder(start=97, trigger="97")
    fills = walk(machine, (120, 120, 110, 110), (110, 110, 94, 96))
    assert fills == [Fill(START, -1, BUY, 97, 3000)]  # the empty level is 95; the low does not reach 90
    machine = ladder(start=103, trigger="103")
    assert walk(machine, (120, 120, 110, 110), (110, 110, 94, 96)) == [
        Fill(START, -1, BUY, 103, 1000),
        *grid((2, BUY), (1, BUY)),
    ]


def test_a_trigger_is_reached_by_a_gap_and_by_a_touch() -> None:
    machine = ladder(start=97, trigger="97")
    assert walk(machine, (120, 120, 110, 110), (90, 90, 90, 90)) == [Fill(START, -1, BUY, 97, 3000)]
    assert machine.started
    for touch in ((110, 110, 97, 110), (97, 97, 97, 97)):
        machine = ladder(start=97, trigger="97")
        assert walk(machine, touch)[0].kind == START
    machine = ladder(start=97, trigger="97")
    assert walk(machine, (120, 120, 98, 110)) == []
    assert not machine.started


def test_a_trigger_and_a_stop_in_one_gap() -> None:
    machine = ladder(start=97, trigger="97", stop_loss="89")
    fills = walk(machine, (120, 120, 110, 110), (70, 71, 70, 71))
    assert fills == [Fill(START, -1, BUY, 97, 3000), *grid((0, BUY)), Fill(STOP, -1, SELL, 70, 4000)]


def test_dust_is_kept_on_the_books_and_sold_whole_in_a_stop() -> None:
    rules = {"buy_fee_asset": "base", "maker_fee": "0.4", "taker_fee": "0.3", "lot": "0.1"}
    whole = Grid(lower="10", upper="1000", cells=2, spacing="geometric", amount="1.1", stop_loss="5")
    machine = Ladder(plan(whole, Market(**(MARKET | rules)), 100), 1, 0)
    fills = walk(machine, (100, 100, 4, 4))
    assert fills == [
        Fill(START, -1, BUY, 100, 16),  # ceil(11 / 0.7)
        Fill(GRID, 0, BUY, 10, 19),  # ceil(11 / 0.6)
        Fill(STOP, -1, SELL, 5, 22),  # 16 x 0.7 + 19 x 0.6 = 22.6 arrived
    ]
    books = machine.books.ledger(4)
    assert books.base == Decimal("0.06")
    assert books.equity - books.equity_start == books.realised + books.unrealised - books.fees
    assert books.realised == Decimal("1.1") * (5 - 100) + Decimal("1.1") * (5 - 10)


def test_unknown_paths_are_refused() -> None:
    with pytest.raises(InvalidInput, match="path must be one of nearest, low_first, high_first, was 'random'"):
        path_code("random")

"""Grids that follow the price, from the words of the contract, section 9."""

import json
from fractions import Fraction
from typing import Any

import pytest

from autogrid.core.codec import pack_plain, pack_plan, pack_position, unpack_plan, unpack_position
from autogrid.core.grid import Grid
from autogrid.core.ladder import Ladder
from autogrid.core.levels import Ruler
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, MAX_CELL, SELL, STOP, Fill, Intent, Key
from autogrid.core.plan import plan
from autogrid.core.position import Position, Trade
from autogrid.core.trailing import DEFAULT, Trailing
from autogrid.errors import InvalidInput
from tests.unit.core.grids import start, trade_of

#: Levels 90 95 100 105 110, ticks of 1.
RULES: dict[str, str] = {"tick": "1", "lot": "0.001"}
AMOUNT = {"lower": "90", "upper": "110", "cells": 4, "amount": "1"}


def ladder(begin: int, cash: str | None = "1000", market: Any = None, penetration: int = 1, **grid: Any) -> Ladder:
    sizes = {"amount": None} if {"quote", "investment"} & grid.keys() else {}
    planned = plan(Grid(**(AMOUNT | sizes | grid)), Market(**(RULES | (market or {}))), begin, cash=cash)
    machine = Ladder(planned, penetration)
    assert len(list(machine.start())) == bool(planned.start_lots)
    return machine


def state(machine: Ladder) -> tuple[Any, ...]:
    return machine.plan.levels, machine.empty, machine.plan.offset


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trailing": "upp"}, r"trailing must be one of up, down, both, was 'upp' \(did you mean 'up'\?\)"),
        ({"trailing": "none"}, "trailing must be one of up, down, both, was 'none'"),
        ({"stop_fixed": "true"}, "stop_fixed must be true or false, without quotes, was 'true'"),
        ({"stop_fixed": 1}, "stop_fixed must be true or false"),
    ],
)
def test_what_is_no_way_to_trail_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Grid(**(AMOUNT | change))


@pytest.mark.parametrize("spacing", ["arithmetic", "geometric"])
def test_levels_go_on_by_the_formula(spacing: str) -> None:
    from tests.unit.research.reference import level_at

    params = {"lower": "97.3", "upper": "111.1", "cells": 7, "spacing": spacing}
    grid, tick = Grid(**params, amount="1"), Fraction("0.01")
    ruler = Ruler(grid.lower, grid.upper, 7, spacing, Market("0.01", "1").tick)
    for i in [*range(-15, 24), 100, 1000]:
        if spacing == "geometric" or i > -40:
            assert ruler.level(i) == level_at(params, tick, i)
            assert ruler.moved(grid.lower, i) == ruler.level(i)  # a stop at a level stays at one


def test_up_without_a_trade_when_a_leg_reaches_the_next_level_and_the_penetration() -> None:
    machine = ladder(110, trailing="up")
    assert list(machine.leg(115)) == []
    assert state(machine) == ((90, 95, 100, 105, 110), 4, 0)
    cash = machine.books.cash
    assert list(machine.leg(116)) == []
    assert state(machine) == ((95, 100, 105, 110, 115), 4, 1)
    assert machine.books.cash == cash
    # The new cell waits to buy at p_n, the lowest buy is gone.
    assert list(machine.leg(109)) == [Fill(GRID, 4, BUY, 110, 1000)]
    assert list(machine.leg(80)) == [Fill(GRID, cell, BUY, 90 + 5 * cell, 1000) for cell in (3, 2, 1)]
    assert state(machine) == ((95, 100, 105, 110, 115), 0, 1)


def test_not_up_while_a_cell_holds_base_nor_where_it_trails_down_only() -> None:
    machine = ladder(100, trailing="up")
    fills = list(machine.leg(116))
    assert [fill.side for fill in fills] == [SELL, SELL]
    assert machine.plan.offset == 1  # sold first, moved on the same leg
    down_only = ladder(110, trailing="down")
    list(down_only.leg(500))
    assert down_only.plan.offset == 0


def test_one_leg_moves_many_levels() -> None:
    machine = ladder(110, trailing="up")
    list(machine.leg(131))
    assert state(machine) == ((110, 115, 120, 125, 130), 4, 4)


def test_the_cash_must_pay_for_the_dearer_cell() -> None:
    # Resting: 95 + 100 + 105 + 110 = 410 after one move, 430 after two.
    machine = ladder(110, trailing="up", cash="429")
    list(machine.leg(500))
    assert machine.plan.offset == 1
    paid = ladder(110, trailing="up", cash="430")
    list(paid.leg(500))
    assert paid.plan.offset == 2
    # Fees and gross-ups count: 1002 lots at 95, 100, 105 and 110.
    base = {"maker_fee": "0.001", "taker_fee": "0.001", "buy_fee_asset": "base"}
    for short, moves in (("410.819", 0), ("410.82", 1)):
        charged = ladder(110, trailing="up", cash=short, market=base)
        list(charged.leg(500))
        assert charged.plan.offset == moves


def test_down_inherits_the_base_of_the_top_cell_with_its_basis() -> None:
    machine = ladder(90, trailing="down")
    assert list(machine.leg(85)) == []
    assert machine.plan.offset == 0
    before = machine.books.cash, machine.books.base_micro
    assert list(machine.leg(84)) == []
    assert state(machine) == ((85, 90, 95, 100, 105), 0, -1)
    assert (machine.books.cash, machine.books.base_micro) == before
    assert machine.books.lots == {-1: 1000, 0: 1000, 1: 1000, 2: 1000}
    assert machine.books.cost[-1] == 90 * 1000
    assert list(machine.leg(91)) == [Fill(GRID, -1, SELL, 90, 1000)]
    assert machine.books.realised == 0  # bought at 90 for the cell that was dropped
    assert list(machine.leg(84)) == [Fill(GRID, -1, BUY, 85, 1000)]
    assert machine.books.cost[-1] == 85 * 1000
    machine.books.ledger(84)


def test_a_basis_of_a_buy_is_inherited_too() -> None:
    machine = ladder(110, trailing="down")
    list(machine.leg(79))  # buys 105 100 95 90, then two levels down
    assert machine.plan.offset == -2
    assert {cell: cost // 1000 for cell, cost in machine.books.cost.items()} == {-1: 105, -2: 100, 1: 95, 0: 90}


def test_both_ways_and_back() -> None:
    machine = ladder(110, trailing="both")
    list(machine.leg(116))
    list(machine.leg(79))
    assert machine.plan.offset == -2
    list(machine.leg(126))
    assert state(machine) == ((105, 110, 115, 120, 125), 4, 3)
    machine.books.ledger(126)


def test_penetration_zero_moves_at_the_touch() -> None:
    machine = ladder(110, trailing="up", penetration=0)
    list(machine.leg(115))
    assert machine.plan.offset == 1


def test_stops_move_with_the_window() -> None:
    machine = ladder(110, trailing="up", stop_loss="87", take_profit="117")
    list(machine.leg(116))
    assert (machine.plan.stop_loss, machine.plan.take_profit) == (92, 122)
    assert machine.stopped is None
    list(machine.leg(119))
    assert machine.stopped is None
    list(machine.leg(92))
    assert machine.stopped == "stop_loss"


def test_fixed_stops_stay() -> None:
    machine = ladder(110, trailing="up", stop_loss="87", take_profit="117", stop_fixed=True)
    list(machine.leg(116))
    assert (machine.plan.offset, machine.plan.stop_loss, machine.plan.take_profit) == (1, 87, 117)
    list(machine.leg(117))
    assert machine.stopped == "take_profit"


def test_a_move_before_the_stop_price_takes_the_stop_along_and_one_beyond_it_comes_too_late() -> None:
    moves = ladder(110, trailing="up", take_profit="116")
    list(moves.leg(118))
    assert (moves.plan.offset, moves.plan.take_profit, moves.stopped) == (1, 121, None)
    stops = ladder(110, trailing="up", take_profit="115")
    list(stops.leg(500))
    assert (stops.plan.offset, stops.stopped) == (0, "take_profit")
    down = ladder(90, trailing="down", stop_loss="84", stop_fixed=True)
    assert list(down.leg(70, gap=True)) == [Fill(STOP, -1, SELL, 70, 4000)]
    assert (down.plan.offset, down.stopped) == (-1, "stop_loss")


def test_a_stop_of_a_geometric_grid_moves_by_the_ratio() -> None:
    # Levels 100 200 400; the stop between two levels keeps its place.
    grid = {"lower": "100", "upper": "400", "cells": 2, "spacing": "geometric", "trailing": "both", "stop_loss": "70"}
    machine = ladder(400, cash="5000", **grid)
    list(machine.leg(801))
    assert (machine.plan.levels, machine.plan.stop_loss) == ((200, 400, 800), 140)
    with_step = ladder(400, cash="5000", **grid | {"stop_loss": "70.7"})
    list(with_step.leg(801))
    assert with_step.plan.stop_loss == 141  # 2 x 70.7, not 2 x 71


def test_prices_stay_above_zero_and_a_cell_too_small_is_not_added() -> None:
    machine = ladder(90, trailing="down")
    list(machine.leg(1))
    assert machine.plan.levels[0] == 5  # the next level would be 0
    least = ladder(90, trailing="down", market={"min_notional": "80"})
    list(least.leg(1))
    assert least.plan.levels[0] == 80
    # A stop that would leave what can be a price keeps the grid where it is.
    stopped = ladder(90, trailing="down", stop_loss="12", stop_action="keep")
    list(stopped.leg(13))
    assert (stopped.plan.levels[0], stopped.plan.stop_loss) == (80, 2)


def test_a_cell_that_would_not_earn_is_not_added() -> None:
    # With fees of 2 % a step of 5 earns up to a price of 122.
    machine = ladder(110, trailing="up", cash="100000", market={"maker_fee": "0.02"})
    list(machine.leg(10_000))
    assert machine.plan.levels == (105, 110, 115, 120, 125)


def test_amounts_of_a_new_cell() -> None:
    quote = ladder(110, trailing="both", quote="100", cash="1000")
    assert quote.plan.lots == (1111, 1052, 1000, 952)
    list(quote.leg(116))
    assert quote.plan.lots == (1052, 1000, 952, 909)
    list(quote.leg(89))  # buys all, moves down: the new cell has the dropped one's base
    assert quote.plan.offset == 0
    assert quote.plan.lots == (909, 1052, 1000, 952)
    assert quote.books.lots == {0: 909, 1: 1052, 2: 1000, 3: 952}
    equal = ladder(110, trailing="up", investment="400", cash="1000")
    list(equal.leg(116))
    assert len(set(equal.plan.lots)) == 1


def test_a_grid_that_starts_beyond_its_levels_moves_at_once() -> None:
    assert ladder(121, trailing="up").plan.offset == 2
    assert ladder(79, trailing="down").plan.offset == -2
    assert ladder(121).plan.offset == 0


# The position, which is what a live grid is.


def position(begin: int, **grid: Any) -> Position:
    planned = plan(Grid(**(AMOUNT | grid)), Market(**RULES), begin, cash="1000")
    made = Position(planned)
    if planned.start_lots:
        start(made)
    return made


def fill(made: Position, cell: int) -> None:
    intent = next(each for each in made.wanted(100) if each.key.cell == cell)
    assert made.apply(trade_of(made.plan, intent, intent.lots))


def test_names_of_orders_never_come_again() -> None:
    made, names = position(110, trailing="both"), set()

    def note() -> None:
        fresh = {(intent.key, intent.side, intent.price) for intent in made.wanted(100)}
        for key, side, price in fresh - names:
            assert key not in {known[0] for known in names}, (key, side, price)
        names.update(fresh)

    for _ in range(3):
        note()
        while made.trail(136, DEFAULT):
            note()
        assert made.plan.offset == 5
        while made.empty:
            fill(made, made.plan.offset + made.empty - 1)
            note()
        while made.trail(64, DEFAULT):
            note()
        assert made.plan.offset == -5
        while made.empty < 4:
            fill(made, made.plan.offset + made.empty)
            note()


def test_it_does_not_move_while_a_cell_is_filled_in_part() -> None:
    made = position(110, trailing="up")
    intent = made.wanted(110)[0]
    made.apply(trade_of(made.plan, intent, 1))
    assert not made.trail(500, DEFAULT)
    assert made.moves_at(DEFAULT) == (None, None)


def test_a_fill_for_a_cell_left_behind_is_told_and_kept_on_the_books() -> None:
    made = position(110, trailing="up")
    lowest = next(each for each in made.wanted(110) if each.key.cell == 0)
    assert made.trail(116, DEFAULT)
    assert not made.apply(Trade(lowest.key, BUY, 90, 1000))
    assert made.books.excess_cost == 90 * 1000
    assert made.books.base_micro == 1000 * 10**6
    made.books.ledger(116)
    down = position(90, trailing="down")
    assert down.trail(84, DEFAULT)
    assert not down.apply(Trade(Key(GRID, 3, 0), SELL, 110, 1000))
    down.books.ledger(84)
    # The base is not there any more: the highest cell does without.
    assert sum(each.lots for each in down.wanted(84)) == 3000


def test_it_is_kept_and_read_again_exactly() -> None:
    made = position(90, trailing="both", stop_loss="85")
    assert made.trail(85, Trailing(0))
    fill(made, -1)
    grid = Grid(**json.loads(json.dumps(pack_plain(made.plan.grid))))
    packed_plan, packed = json.loads(json.dumps([pack_plan(made.plan), pack_position(made)]))
    again = unpack_position(packed, unpack_plan(packed_plan, grid, made.plan.market))
    assert again == made
    assert (again.plan.offset, again.plan.stop_loss) == (-1, 80)
    assert again.wanted(90) == made.wanted(90)


def test_stored_plans_of_grids_that_stay_are_as_they_were() -> None:
    made = position(100)
    assert "offset" not in pack_plan(made.plan)
    assert not {"trailing", "stop_fixed"} & pack_plain(made.plan.grid).keys()
    assert pack_plain(Grid(**AMOUNT, trailing="up", stop_fixed=True))["stop_fixed"] is True


def test_cells_stay_within_what_client_order_ids_can_name() -> None:
    grid = Grid(lower="1000", upper="1001", cells=1, amount="1", trailing="up")
    made = Position(plan(grid, Market(tick="1", lot="1"), 1001, cash="1000000000"))
    steps = 0
    while made.trail(10**9, DEFAULT):
        steps += 1
    assert made.plan.offset == steps == MAX_CELL
    assert isinstance(made.wanted(1)[0], Intent)

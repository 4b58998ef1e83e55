"""A bot's grids one after another, as its events tell them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrid.core.decision import Stop
from autogrid.core.orders import BUY, GRID, REGRID, SELL, START, STOP, Key
from autogrid.live.stages import OPENING, Name, Stage, apart, marks, moment, name_of, stages, stop
from tests.unit.live.test_twin_replay import FEES, THREE, lived

WORKED = [Stage(100, 0, 50, 2, 0), Stage(200, 205, 60, 1, 4), Stage(300, 300, 55, 1, 9)]


@pytest.mark.parametrize(
    ("key", "side", "name"),
    [
        (Key(START, -1, 0), BUY, Name(100, OPENING, 0)),
        (Key(REGRID, -1, 1), SELL, Name(200, OPENING, 0)),
        (Key(REGRID, -1, 2), BUY, Name(300, OPENING, 0)),
        (Key(GRID, 3, 0), SELL, Name(100, Key(GRID, 3, 0), SELL)),
        (Key(GRID, 3, 3), SELL, Name(100, Key(GRID, 3, 3), SELL)),
        (Key(GRID, 3, 4), SELL, Name(200, Key(GRID, 3, 0), SELL)),
        (Key(GRID, 3, 11), BUY, Name(300, Key(GRID, 3, 2), BUY)),
        (Key(STOP, -1, 0), SELL, Name(300, Key(STOP, -1, 0), SELL)),
    ],
)
def test_an_order_s_name_is_that_within_its_grid(key, side, name):
    assert name_of(WORKED, key, side) == name


def test_a_grid_closes_at_the_price_at_which_the_next_one_starts():
    assert marks(WORKED, WORKED, 70) == [(100, 50, 60), (200, 60, 55), (300, 55, 70)]
    twin = [WORKED[0]._replace(price=51), WORKED[2]._replace(price=56)]
    assert marks(WORKED, twin, 70) == [(100, 51, 60), (200, 60, 56), (300, 56, 70)]
    assert marks([Stage()], [Stage()], 70) == [(0, 0, 70)]


def test_when_bot_and_twin_worked_different_grids():
    assert apart(WORKED, WORKED) == []
    twin = [each._replace(since_ms=each.decided_ms if each.decided_ms > 100 else 0) for each in WORKED]
    assert apart(WORKED, twin) == [(200, 205)]
    (stretch,) = apart(WORKED, twin[:1])
    assert stretch[0] == 205
    assert stretch[1] > 10**15
    assert apart(WORKED, [twin[0], twin[2]]) == [(205, 300)]
    assert len(apart(WORKED, [])) == 1


def test_stages_are_what_events_tell_and_older_events_tell_too_little():
    known = lived(FEES)
    assert [(each.decided_ms, each.grid) for each in known.stages] == THREE
    assert [each.since_ms for each in known.stages] == [at for at, _ in THREE]
    assert stages([("bot_started", {"price": "100", "empty": 2})], FEES) is None
    assert stages([("strategy_stopped", {"price": "100"})], FEES) == []
    assert stop([("strategy_stopped", {"price": "100"})]) is None


@given(st.integers(0, 4_000_000_000_000))
def test_a_moment_is_exact_to_the_millisecond(ms):
    data = {"decided": moment(ms), "stop_action": "keep"}
    assert stop([("strategy_stopped", data)]) == (ms, Stop(sell=False))

"""Absences, and the parts of fills that only bot or twin has."""

import pytest

from autogrid.core.bot import FillRow
from autogrid.core.orders import BUY, GRID, SELL, STOP, Key
from autogrid.live.stages import OPENING, Name, Stage
from autogrid.live.unpaired import Unpaired, outages, pauses

MINUTE = 60_000
#: The bot took the second decision two minutes late; the third the twin could not take.
BOT = [Stage(0, 0, 100, 2, 0), Stage(10, 12, 100, 1, 4), Stage(20, 20, 100, 1, 9), Stage(30, 30, 100, 1, 12)]
TWIN = [Stage(0, 0, 100, 2, 0), Stage(10, 10, 100, 2, 4), Stage(30, 30, 100, 1, 8)]


def fill(ts_ms: int, name: Name) -> FillRow:
    return FillRow("1", "1", "g", ts_ms, name.key, name.side, 100, 1, 0, "QUOTE")


def grid(stage: int, cell: int, side: int = BUY, cycle: int = 0) -> Name:
    return Name(stage, Key(GRID, cell, cycle), side)


def unpaired(paused=(), unseen=(), ordered=()) -> Unpaired:
    return Unpaired(BOT, TWIN, paused, unseen, ordered)


@pytest.mark.parametrize(
    ("name", "ts_ms", "part"),
    [
        (grid(0, 0), 5, "path"),
        (grid(0, 0), 11, "grid"),  # it rested when it should have gone
        (grid(10, 1), 15, "start price"),  # began on the other side
        (grid(10, 0), 15, "path"),
        (grid(20, 0), 25, "grid"),
        (Name(20, OPENING, 0), 25, "grid"),
        (Name(10, OPENING, 0), 12, "start price"),
        (Name(30, Key(STOP, -1, 0), SELL), 40, "path"),
    ],
)
def test_what_only_the_bot_has(name, ts_ms, part):
    assert unpaired().extra(name, ts_ms) == part


def test_why_the_next_grid_came_late_goes_before_that_it_did():
    assert unpaired(unseen=[(9, 13)]).extra(grid(0, 0), 11) == "outage"
    assert unpaired(paused=[(11, 13)], unseen=[(9, 13)]).extra(grid(0, 0), 11) == "paused"
    assert unpaired(unseen=[(3, 7)]).extra(grid(0, 0), 5) == "path"


@pytest.mark.parametrize(
    ("name", "ts_ms", "known", "part"),
    [
        (grid(0, 0), 5, {}, "missed"),
        (grid(0, 0), 5, {"ordered": {grid(0, 0)}}, "path"),
        (grid(0, 0), 5, {"ordered": {grid(10, 0)}}, "missed"),
        (grid(0, 0), 5, {"unseen": [(2, 5)]}, "missed"),
        (grid(0, 0), 5, {"unseen": [(2, 6)]}, "outage"),
        (grid(0, 0), 5, {"unseen": [(2, 6)], "paused": [(5, 6)]}, "paused"),
        (grid(10, 0), 11, {}, "grid"),
        (grid(10, 0), 12, {}, "missed"),
        (grid(10, 1), 12, {}, "start price"),
        (grid(10, 0), 22, {}, "grid"),  # the bot has gone on to a grid that the twin could not work
        (Name(10, OPENING, 0), 11, {}, "start price"),
    ],
)
def test_what_only_the_twin_has(name, ts_ms, known, part):
    assert unpaired(**known).lacking({}, {name: [fill(ts_ms, name)]}) == {name: part}


def test_a_cell_that_is_behind_lacks_its_last_fills_within_its_own_grid():
    turns = [grid(0, 0, BUY, 0), grid(0, 0, SELL, 1)]
    other = [grid(30, 0, BUY, 0), grid(30, 0, SELL, 1)]
    twins = {name: [fill(ts, name)] for name, ts in zip((*turns, *other), (3, 6, 33, 36), strict=True)}
    mine = {turns[0]: [fill(7, turns[0])], other[0]: [fill(34, other[0])]}
    assert unpaired(unseen=[(2, 4)]).lacking(mine, twins) == {turns[1]: "outage", other[1]: "missed"}


def test_pauses_are_between_changes_of_status() -> None:
    changes = [(1, "running"), (2, "paused"), (3, "paused"), (5, "running"), (8, "paused"), (9, ""), (11, "paused")]
    assert pauses(changes, 20) == [(2, 5), (8, 9), (11, 20)]
    assert pauses([(5, "paused")], 3) == [(5, 5)]
    assert pauses([], 3) == []


def test_outages_are_the_long_gaps_between_looks() -> None:
    looks = [0, MINUTE, 2 * MINUTE, 9 * MINUTE, 10 * MINUTE]
    assert outages(looks, 11 * MINUTE) == [(2 * MINUTE, 9 * MINUTE)]
    assert outages(looks, 20 * MINUTE) == [(2 * MINUTE, 9 * MINUTE), (10 * MINUTE, 20 * MINUTE)]
    assert outages([], MINUTE) == []
